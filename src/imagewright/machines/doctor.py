"""Looks at what machines need of this host: what is there, what holds, what is missing.

Each finding that is not fine ends with one command, or one setting, that makes it so.
"""

import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from imagewright.machines.idmap import current_map, problem_of_owner
from imagewright.machines.ledger import Entry, Ledger
from imagewright.machines.limits import CONTROLLERS, NoCgroup, find_parent
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import Namespace
from imagewright.machines.network import Network
from imagewright.machines.seccomp import compiled_filter
from imagewright.process import ENVIRONMENT

Grade = Literal["ok", "warning", "missing"]

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    grade: Grade
    """warning: builds run, but not as they could; missing: builds of some kind do not run."""
    detail: str
    remedy: str = ""
    """One command or setting; empty where nothing is to be done."""


Look = Callable[[], Iterator[Finding]]


def examine(
    directory: Path,
    *,
    network: Network | None = None,
    ledger: Ledger | None = None,
    under_way: Sequence[str] = (),
) -> list[Finding]:
    """Look at everything; ``directory`` is the state directory, or where it would be.

    Without a network or a ledger (there is no state yet) those are left out. ``under_way`` names
    the builds that are not over.
    """
    looks: list[Look] = [_platform, _ids, lambda: _namespaces(directory), _seccomp, _programs]
    if network is not None:
        looks.append(lambda: _network(network))
    looks.append(lambda: _layers(directory / "layers"))
    looks.append(_limits)
    if ledger is not None:
        looks.append(lambda: _leftovers(ledger.entries(), under_way))
    found: list[Finding] = []
    for look in looks:
        found += look()
        if found[-1].what == "platform" and found[-1].grade == "missing":
            break
    return found


def _platform() -> Iterator[Finding]:
    if platform.system() == "Linux":
        yield Finding("platform", "ok", f"Linux {os.uname().release} on {os.uname().machine}")
        return
    yield Finding(
        "platform",
        "missing",
        "the driver 'sandbox' needs Linux; the API, `validate` and `serve` work here",
        "run builds on Linux, or in a Linux virtual machine",
    )


def _ids() -> Iterator[Finding]:
    try:
        ids = current_map()
    except MachineError as error:
        yield Finding("user ids", "missing", str(error), _last_command(str(error)))
        return
    user, _group = ids.root
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    yield Finding("user ids", "ok", f"run by {who}; root inside is user {user} outside")


def _namespaces(directory: Path) -> Iterator[Finding]:
    """Start one for real, mount an overlay in it, and throw both away."""
    place = next(path for path in (directory, *directory.parents) if path.is_dir())
    try:
        with TemporaryDirectory(dir=place, prefix=".doctor-") as probe:
            problem = _try_overlay(Path(probe))
    except OSError as error:
        problem = f"{place} cannot be written: {error.strerror}"
    except MachineError as error:
        problem = str(error)
    if problem is None:
        yield Finding("isolation", "ok", "user, mount, process, IPC and host name namespaces")
        return
    yield Finding("isolation", "missing", problem, _last_command(problem))


def _try_overlay(place: Path) -> str | None:
    ids = current_map()
    if os.geteuid() == 0:
        os.chown(place, *ids.root)
        place.chmod(0o700)
    with Namespace(place, ids, name="doctor") as namespace:
        try:
            namespace.call("try_overlay")
        except MachineError as error:
            kernel = os.uname().release
            return (
                f"an overlay cannot be mounted in {place.parent}: {error}. It takes Linux 5.11 or "
                f"later (this is {kernel}) and a file system such as ext4, xfs, btrfs or tmpfs"
            )
        finally:
            namespace.call("remove", names=["overlay"])
    return None


def _seccomp() -> Iterator[Finding]:
    try:
        size = len(compiled_filter()) // 8
    except MachineError as error:
        yield Finding("system call filter", "missing", str(error), _last_command(str(error)))
        return
    yield Finding("system call filter", "ok", f"by libseccomp, {size} instructions")


def _programs() -> Iterator[Finding]:
    has_program = shutil.which("mmdebstrap", path=ENVIRONMENT["PATH"]) is not None
    lacking = [
        name
        for name, is_there in (
            ("mmdebstrap", has_program),
            ("debian-archive-keyring", _KEYRING.exists()),
        )
        if not is_there
    ]
    if lacking:
        yield Finding(
            "base images",
            "missing",
            f"managed bases cannot be made without {' and '.join(lacking)}; imported ones work",
            f"apt-get install {' '.join(lacking)}",
        )
    else:
        yield Finding("base images", "ok", "mmdebstrap and Debian's keys are there")


def _network(network: Network) -> Iterator[Finding]:
    try:
        verdict = network.verdict()
    except MachineError as error:
        yield Finding("network of its own", "missing", str(error))
        return
    if verdict.attacher is not None:
        yield Finding("network of its own", "ok", verdict.reason)
        return
    yield Finding(
        "network of its own",
        "warning",
        f"builds use the host's network, and reach its loopback: {verdict.reason}",
        "apt-get install passt slirp4netns; chmod 0666 /dev/net/tun",
    )


def _layers(directory: Path) -> Iterator[Finding]:
    """Look whose the layers are; there is nothing to say of those that are not there yet."""
    if not directory.exists():
        return
    if (problem := problem_of_owner(directory)) is not None:
        remedy = f"as root, copy the state anew: cp -a STATE {directory.parent}"
        yield Finding("layers", "missing", f"of no use to builds: {problem}", remedy)
    else:
        yield Finding("layers", "ok", f"in {directory}, of the user who is root in machines")


def _limits() -> Iterator[Finding]:
    yield Finding("limits by rlimit", "ok", "time, processes, open files, size of a file")
    for controller in CONTROLLERS:
        try:
            parent = find_parent(controller)
        except NoCgroup as reason:
            yield Finding(
                f"limit on {controller}",
                "warning",
                f"does not hold: {reason}",
                "systemd-run --user --scope -p Delegate=yes imagewright serve",
            )
        else:
            detail = f"by cgroup version {parent.version}, in {parent.path}"
            yield Finding(f"limit on {controller}", "ok", detail)


def _leftovers(entries: Sequence[Entry], under_way: Sequence[str]) -> Iterator[Finding]:
    """Name what processes left that are gone: stopped during a build, or killed, it is the same."""
    left = [entry for entry in entries if not entry.keeper.is_alive]
    if left:
        names = "; ".join(entry.description for entry in left)
        goes_on = f" and goes on with {', '.join(under_way)}" if under_way else ""
        yield Finding(
            "left over",
            "warning",
            f"{len(left)} from work that was cut off when its process was stopped or killed: "
            f"{names}. The next start clears that up{goes_on}",
            "imagewright serve",
        )
    else:
        yield Finding("left over", "ok", f"nothing ({len(entries)} in use)")


def _last_command(text: str) -> str:
    """Take the command out of a message that names one."""
    for mark in ("As root, run: ", "as root, run "):
        if mark in text:
            return text.rpartition(mark)[2].partition(" (")[0]
    return ""
