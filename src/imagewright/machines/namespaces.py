"""The outer end of a process that holds a user namespace (``inside/keeper.py``)."""

import errno
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any, Self

import imagewright
from imagewright.machines.idmap import IdMap
from imagewright.machines.inside.messages import Hangup, Message, receive, send, write_fully
from imagewright.machines.machine import MachineError

_START_SECONDS = 30.0
_END_SECONDS = 5.0
_TICK_SECONDS = 0.1
_READ_BYTES = 1 << 18
_SAID_BYTES_MAX = 2000

_WAYS_OUT: Mapping[int, str] = {
    errno.ENOSPC: "user namespaces are switched off: as root, run "
    "sysctl user.max_user_namespaces=15000",
    errno.EUSERS: "too many user namespaces are in use, or they nest too deep: see "
    "sysctl user.max_user_namespaces",
    errno.EPERM: "this system restricts user namespaces",
    errno.EACCES: "this system restricts user namespaces",
}


class NamespaceError(MachineError):
    """What was asked of a namespace failed there."""

    def __init__(self, message: str, *, is_lost: bool = False) -> None:
        self.is_lost = is_lost
        """Has whoever should have answered ended?"""
        super().__init__(message)


class NoNamespace(MachineError):
    """User namespaces do not work here; the message says which setting and the way out."""


class Namespace:
    """A user and a mount namespace, with the layers as its working directory.

    Everything in it ends with ``close``, and when this process ends in whatever way.
    Not safe to use from two threads at once.
    """

    def __init__(
        self,
        directory: Path,
        ids: IdMap,
        *,
        own_network: bool = False,
        archives: bool = False,
        listen: tuple[str, int] | None = None,
        name: str = "layers",
    ) -> None:
        """Start it; ``archives``: it shall read or write some. Raises NoNamespace, NoIds.

        ``listen``: an address that its own network shall have, and a port there, on which
        ``listener`` listens.
        """
        self.listener: socket.socket | None = None
        self._channel, inner = socket.socketpair()
        self._said = os.memfd_create("said")
        self._last_words = ""
        with inner:
            self._process = _start(directory, inner, self._said, name)
        try:
            self._settle(ids, {"own_network": own_network, "archives": archives, "listen": listen})
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process that holds the namespaces."""
        return self._process.pid

    @property
    def channel(self) -> socket.socket:
        """For waiting on: readable when there is an answer."""
        return self._channel

    def call(self, op: str, files: Sequence[int] = (), **arguments: Any) -> Message:
        """Have something done; return the answer. Raises NamespaceError."""
        self.tell(op, files, **arguments)
        return self.answer(op)

    def stream(
        self,
        op: str,
        on_data: Callable[[bytes], None],
        *,
        files: Sequence[int] = (),
        cancel: Event | None = None,
        **arguments: Any,
    ) -> Message:
        """Have something done that writes as it goes; hand over what it writes.

        It gets the file to write to before the others.
        Raises NamespaceError; after ``cancel`` the namespace is closed.
        """
        reading, writing = os.pipe()
        try:
            try:
                self.tell(op, [writing, *files], **arguments)
            finally:
                os.close(writing)
            poll = select.poll()
            poll.register(reading, select.POLLIN)
            while True:
                if cancel is not None and cancel.is_set():
                    self.close()
                    raise NamespaceError(f"{op} was cancelled", is_lost=True)
                if poll.poll(_TICK_SECONDS * 1000):
                    if not (data := os.read(reading, _READ_BYTES)):
                        return self.answer(op)
                    on_data(data)
        finally:
            os.close(reading)

    def tell(self, op: str, files: Sequence[int] = (), **arguments: Any) -> None:
        """Ask without waiting for the answer. Raises NamespaceError."""
        try:
            send(self._channel, {"op": op, **arguments}, files)
        except (Hangup, OSError):
            self.close()
            raise self._gone(op) from None

    def answer(self, op: str, *, timeout_seconds: float | None = None) -> Message:
        """Wait for the answer to what was asked last. Raises NamespaceError.

        If none comes in time, the namespace is closed.
        """
        self._channel.settimeout(timeout_seconds)
        try:
            answer, _files = receive(self._channel)
        except (Hangup, OSError):
            self.close()
            raise self._gone(op) from None
        self._channel.settimeout(None)
        if "error" in answer:
            raise NamespaceError(answer["error"], is_lost=answer.get("lost", False))
        return answer

    def close(self) -> None:
        """End every process in it, and wait until they have. Calling it again does nothing."""
        self._channel.close()
        if self.listener is not None:
            self.listener.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._said >= 0:
            content = os.pread(self._said, _SAID_BYTES_MAX, 0)
            self._last_words = content.decode("utf-8", "replace").strip()
            os.close(self._said)
            self._said = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _settle(self, ids: IdMap, wishes: Message) -> None:
        self._channel.settimeout(_START_SECONDS)
        self._start_step(wishes)
        try:
            ids.write(self.pid)
        except OSError as error:
            raise NoNamespace(f"the ids of a new user namespace cannot be set: {error}") from None
        files = self._start_step({})
        if files:
            self.listener = socket.socket(fileno=files[0])
            self._hear()
        self._channel.settimeout(None)

    @property
    def paths(self) -> tuple[str, str]:
        """The user and the network namespace, for other programs to open until a guest runs."""
        return f"/proc/{self.pid}/ns/user", f"/proc/{self.pid}/ns/net"

    def _start_step(self, message: Message) -> list[int]:
        try:
            send(self._channel, message)
        except (Hangup, OSError):
            raise self._gone("start") from None
        return self._hear()

    def _hear(self) -> list[int]:
        try:
            answer, files = receive(self._channel)
        except (Hangup, OSError):
            raise self._gone("start") from None
        if "error" in answer:
            raise NoNamespace(explain_refusal(answer["error"], answer.get("errno")))
        return files

    def _gone(self, op: str) -> NamespaceError:
        said = self._last_words
        return NamespaceError(
            f"the process that holds the machine ended during {op} "
            f"(exit code {self._process.returncode}){': ' + said if said else ''}",
            is_lost=True,
        )


@contextmanager
def memory_file(content: bytes = b"") -> Iterator[int]:
    """Yield an open file of no directory, to be handed to a namespace and read back."""
    descriptor = os.memfd_create("file", os.MFD_CLOEXEC)
    try:
        write_fully(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def explain_refusal(what: str, number: int | None) -> str:
    """Say which setting of this system refused, and the way out."""
    way_out = _WAYS_OUT.get(number or 0, "")
    if number in {errno.EPERM, errno.EACCES} and _is_set("apparmor_restrict_unprivileged_userns"):
        way_out = (
            "AppArmor restricts user namespaces here: as root, run "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or give the Python that runs "
            "imagewright an AppArmor profile with the rule 'userns,'"
        )
    elif number == errno.EPERM and _is_unset("unprivileged_userns_clone"):
        way_out = "as root, run sysctl kernel.unprivileged_userns_clone=1"
    elif number == errno.EPERM and _in_container():
        way_out = (
            "this is a container that may not make namespaces: start it with "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined"
        )
    return f"the sandbox cannot start: {what}" + (f"; {way_out}" if way_out else "")


def _is_set(setting: str) -> bool:
    return _kernel_setting(setting) not in {None, "0"}


def _is_unset(setting: str) -> bool:
    return _kernel_setting(setting) == "0"


def _kernel_setting(name: str) -> str | None:
    try:
        return Path("/proc/sys/kernel", name).read_text("ascii").strip()
    except OSError:
        return None


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()


def _start(
    directory: Path, inner: socket.socket, said: int, name: str
) -> "subprocess.Popen[bytes]":
    source = Path(imagewright.__file__).parent.parent
    # -I and -S: nothing but the standard library, and quickly.
    code = (
        "import sys; sys.path.append(sys.argv[1]); "
        "from imagewright.machines.inside.keeper import main; main()"
    )
    argv = [sys.executable, "-I", "-S", "-c", code, str(source), f"imagewright {name}"]
    return subprocess.Popen(
        argv,
        stdin=inner.fileno(),
        stdout=said,
        stderr=said,
        env={},
        cwd=directory,
        start_new_session=True,
    )
