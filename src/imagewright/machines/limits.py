"""What a guest may use up: by rlimit always, by cgroup where one is ours to set.

Of cgroups, version 2 holds where this process's own cgroup is delegated to it (a systemd unit with
``Delegate=yes``), version 1 where its directories may be written, which means root.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imagewright.machines.machine import MachineError

Controller = Literal["memory", "cpu"]
Version = Literal[1, 2]
CONTROLLERS: tuple[Controller, ...] = ("memory", "cpu")

_PERIOD_MICROSECONDS = 100_000
_REMOVE_SECONDS = 20.0
_SERVER_LEAF = "imagewright-server"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Upper bounds for the processes of one machine; wall time is the command's own."""

    processes_max: int = 4096
    open_files_max: int = 65_536
    file_bytes_max: int = 64 << 30
    """The largest single file."""
    memory_bytes_max: int = 0
    """For all processes together; 0: no limit."""
    cpus_max: float = 0
    """Processors' worth of time; 0: no limit."""

    def as_rlimits(self) -> dict[str, int]:
        """Return those that the kernel holds per process, by their names in ``resource``."""
        return {
            "RLIMIT_NPROC": self.processes_max,
            "RLIMIT_NOFILE": self.open_files_max,
            "RLIMIT_FSIZE": self.file_bytes_max,
            "RLIMIT_CORE": 0,
        }

    @property
    def wanted_controllers(self) -> tuple[Controller, ...]:
        """The cgroup controllers that these need."""
        wants: dict[Controller, float] = {"memory": self.memory_bytes_max, "cpu": self.cpus_max}
        return tuple(controller for controller, value in wants.items() if value)


@dataclass(frozen=True, slots=True)
class CgroupParent:
    """A cgroup in which we may make others."""

    controller: Controller
    version: Version
    path: Path

    def settings(self, limits: Limits) -> dict[str, str]:
        """Return the files to write, and what."""
        quota = int(limits.cpus_max * _PERIOD_MICROSECONDS)
        if self.version == 1:
            if self.controller == "memory":
                return {"memory.limit_in_bytes": str(limits.memory_bytes_max)}
            return {
                "cpu.cfs_period_us": str(_PERIOD_MICROSECONDS),
                "cpu.cfs_quota_us": str(quota),
            }
        if self.controller == "memory":
            return {"memory.max": str(limits.memory_bytes_max), "memory.oom.group": "0"}
        return {"cpu.max": f"{quota} {_PERIOD_MICROSECONDS}"}


class NoCgroup(MachineError):
    """A controller is not ours to use here; the message says why."""


def find_parent(controller: Controller) -> CgroupParent:
    """Find where groups under a controller may be made. Raises NoCgroup."""
    own = _own_paths()
    if controller in own:
        path = own[controller]
        if not os.access(path, os.W_OK):
            raise NoCgroup(f"{path} may be written by root only")
        return CgroupParent(controller, 1, path)
    if "" not in own:
        raise NoCgroup("no cgroups are mounted")
    path = own[""]
    if controller not in _words(path / "cgroup.controllers"):
        raise NoCgroup(f"{path} is not delegated (run under systemd with Delegate=yes)")
    if not os.access(path / "cgroup.subtree_control", os.W_OK):
        raise NoCgroup(f"{path} is not ours to divide (run under systemd with Delegate=yes)")
    return CgroupParent(controller, 2, path)


def missing_limits(limits: Limits) -> list[str]:
    """Say in a sentence each which of the wanted limits do not hold here."""
    problems = []
    for controller in limits.wanted_controllers:
        try:
            find_parent(controller)
        except NoCgroup as reason:
            problems.append(f"the limit on {controller} does not hold: {reason}")
    return problems


class Group:
    """The cgroups of one machine: its processes are under those limits that hold here."""

    def __init__(self, name: str, limits: Limits) -> None:
        """Choose where they will be; nothing is made yet."""
        self._limits = limits
        self._directories: dict[Controller, tuple[CgroupParent, Path]] = {}
        for controller in limits.wanted_controllers:
            with suppress(NoCgroup):
                parent = find_parent(controller)
                self._directories[controller] = parent, parent.path / f"imagewright-{name}"

    @property
    def paths(self) -> list[Path]:
        """Where they are."""
        return sorted({path for _parent, path in self._directories.values()})

    def take_in(self, pid: int) -> None:
        """Make them, and put a process in, with all that it will start. Raises NoCgroup."""
        for parent, path in self._directories.values():
            try:
                _make(parent, path, self._limits, pid)
            except OSError as error:
                raise NoCgroup(f"{path}: {error.strerror}") from None

    def remove(self) -> None:
        """Delete them; by then their processes must have ended. Raises OSError."""
        for path in self.paths:
            remove_group(path)

    def out_of_memory_kills(self) -> int:
        """Return how many processes the kernel ended for lack of memory."""
        if "memory" not in self._directories:
            return 0
        _parent, path = self._directories["memory"]
        for name in ("memory.events", "memory.oom_control"):
            words = _words(path / name)
            if "oom_kill" in words:
                return int(words[words.index("oom_kill") + 1])
        return 0


def remove_group(path: Path) -> None:
    """Delete a cgroup; the kernel lets go of it a moment after its last process. Raises OSError."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _make(parent: CgroupParent, path: Path, limits: Limits, pid: int) -> None:
    if parent.version == 2:
        _enable(parent)
    path.mkdir(exist_ok=True)
    for file, value in parent.settings(limits).items():
        (path / file).write_text(value)
    (path / "cgroup.procs").write_text(str(pid))


def _enable(parent: CgroupParent) -> None:
    """Let children have the controller: possible only where the group itself has no process."""
    control = parent.path / "cgroup.subtree_control"
    if parent.controller in _words(control):
        return
    try:
        control.write_text(f"+{parent.controller}")
    except OSError:
        if _words(parent.path / "cgroup.procs") != [str(os.getpid())]:
            raise
        leaf = parent.path / _SERVER_LEAF
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text(str(os.getpid()))
        control.write_text(f"+{parent.controller}")


def _own_paths() -> dict[str, Path]:
    """Return this process's directory per controller; version 2's under the empty name."""
    mounts = _mounts()
    found = {}
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
            _number, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                if controller in mounts:
                    inner = mounts[controller] / path.removeprefix("/")
                    found[controller] = inner if inner.is_dir() else mounts[controller]
    return found


def _mounts() -> dict[str, Path]:
    found = {}
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
            _device, place, kind, options = line.split()[:4]
            if kind == "cgroup2":
                found[""] = Path(place)
            elif kind == "cgroup":
                found.update({word: Path(place) for word in options.split(",")})
    return found


def _words(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").split()
    except OSError:
        return []
