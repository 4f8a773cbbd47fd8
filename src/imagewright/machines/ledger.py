"""What was made outside the database, so that after any crash it can be found and freed.

Whatever a run creates (process, mount, machine, directory, file) is entered before it can do
anything, and struck off when freed. The reaper frees what is left by a keeper that is gone.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

Kind = Literal["process", "mount", "machine", "directory", "file"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be mistaken for another one with a recycled number."""

    pid: int
    start_ticks: int
    """Since boot, as ``/proc/<pid>/stat`` tells it."""
    boot_id: str
    host_id: str

    @property
    def is_alive(self) -> bool:
        """Does it still run? True for one of another host, which cannot be seen from here."""
        if self.host_id != this_host():
            return True
        return self.boot_id == this_boot() and _start_ticks(self.pid) == self.start_ticks

    def as_facts(self) -> dict[str, str | int]:
        """Return it in a form that a ledger keeps."""
        return {
            "pid": self.pid,
            "start_ticks": self.start_ticks,
            "boot_id": self.boot_id,
            "host_id": self.host_id,
        }


Facts = Mapping[str, str | int]


def identity_of(pid: int) -> Identity:
    """Identify a living process. Raises ProcessLookupError."""
    ticks = _start_ticks(pid)
    if ticks is None:
        raise ProcessLookupError(f"no process {pid}")
    return Identity(pid, ticks, this_boot(), this_host())


def identity_from(facts: Facts) -> Identity:
    """Read back what ``as_facts`` gave."""
    return Identity(
        int(facts["pid"]), int(facts["start_ticks"]), str(facts["boot_id"]), str(facts["host_id"])
    )


@cache
def this_boot() -> str:
    """Return what names the time since this host's last start."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


@cache
def this_host() -> str:
    """Return what names this host; containers that share nothing else may share this."""
    for file in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with suppress(OSError):
            if name := Path(file).read_text("ascii").strip():
                return name
    return os.uname().nodename


def _start_ticks(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    is_dead = fields[0] in {b"Z", b"X"}
    return None if is_dead else int(fields[19])


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that exists outside the database."""

    id: str
    kind: Kind
    what: Facts
    """A process by its identity, an empty directory of the host by its ``path``, the others by
    ``name``, which whoever made them understands.
    """
    owner: str
    """For whom it was made: an instance, a run."""
    keeper: Identity
    """The process that made it and would free it."""
    entered_at: str

    @property
    def description(self) -> str:
        """For people: what it is, and whose."""
        what = self.what.get("path") or self.what.get("name") or self.what.get("pid")
        return f"{self.kind} {what} of {self.owner}"


class Ledger(Protocol):
    """Keeps the entries where a crash cannot reach them."""

    def enter(self, kind: Kind, what: Facts, owner: str) -> str:
        """Set down a thing, durably; return the entry's id."""
        ...

    def strike(self, entry_id: str) -> None:
        """Take off a thing that is freed. Calling it again does nothing."""
        ...

    def entries(self) -> Sequence[Entry]:
        """Return what is entered, the oldest first."""
        ...


Free = Callable[[Entry], None]
"""Frees one kind of thing. Raises OSError or MachineError if it cannot."""


@dataclass(frozen=True, slots=True)
class Reaped:
    """What became of an entry that a crash had left."""

    entry: Entry
    problem: str | None
    """Why it is still there; None: it is freed and struck off."""


def reap(ledger: Ledger, frees: Mapping[Kind, Free]) -> list[Reaped]:
    """Free what is left by keepers that are gone; what cannot be freed stays entered."""
    results = []
    left = [entry for entry in ledger.entries() if not entry.keeper.is_alive]
    # What processes use can go only after them.
    for entry in sorted(left, key=lambda entry: entry.kind != "process"):
        problem = _free(entry, frees)
        if problem is None:
            ledger.strike(entry.id)
        results.append(Reaped(entry, problem))
    return results


def _free(entry: Entry, frees: Mapping[Kind, Free]) -> str | None:
    try:
        if entry.kind == "process":
            end_process(identity_from(entry.what))
        elif entry.kind == "directory" and "path" in entry.what:
            with suppress(FileNotFoundError):
                Path(str(entry.what["path"])).rmdir()
        elif entry.kind in frees:
            frees[entry.kind](entry)
        else:
            return f"nothing here knows how to free a {entry.kind}"
    except Exception as error:  # one that resists must not keep the others from being freed
        return str(error)
    return None


def end_process(identity: Identity, *, wait_seconds: float = 30.0) -> None:
    """Kill a process and wait until it is gone; a recycled number is never hit.

    Raises TimeoutError if it does not go.
    """
    if identity.host_id != this_host() or not identity.is_alive:
        return
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(identity.pid)
        try:
            if identity.is_alive:  # looked at again: now the number cannot be recycled
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
    deadline = time.monotonic() + wait_seconds
    while identity.is_alive:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {identity.pid} does not end")
        time.sleep(0.01)
