"""Which user and group ids outside stand for those inside.

An ordinary user becomes root inside, and the subordinate ids of ``/etc/subuid`` and ``/etc/subgid``
stand for everyone else. Real root maps a range of its own, so that root inside is nobody outside.
"""

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewright.machines.machine import MachineError
from imagewright.process import ENVIRONMENT, ProgramMissing, run

COUNT = 65_536
"""How many ids a guest has: enough for nobody (65534)."""
_ROOT_FIRST = 0x7000_0000
"""Above all that distributions, login services and container managers hand out
(https://systemd.io/UIDS-GIDS).
"""


class NoIds(MachineError):
    """There are no ids to map; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Range:
    """``count`` ids from ``outside`` on stand for those from ``inside`` on."""

    inside: int
    outside: int
    count: int


@dataclass(frozen=True, slots=True)
class IdMap:
    """How ids translate; what files in layers belong to depends on it."""

    users: tuple[Range, ...]
    groups: tuple[Range, ...]
    by_helper: bool
    """Written by ``newuidmap`` and ``newgidmap``, since only root may write it directly."""

    @property
    def root(self) -> tuple[int, int]:
        """The user and group outside that are root inside."""
        return self.users[0].outside, self.groups[0].outside

    def write(self, pid: int) -> None:
        """Give the map to the new user namespace of a process. Raises NoIds."""
        for ranges, file, helper in (
            (self.users, "uid_map", "newuidmap"),
            (self.groups, "gid_map", "newgidmap"),
        ):
            if self.by_helper:
                _ask(helper, pid, ranges)
            else:
                lines = "".join(f"{r.inside} {r.outside} {r.count}\n" for r in ranges)
                Path(f"/proc/{pid}/{file}").write_text(lines, "ascii")


def current_map() -> IdMap:
    """Choose the map for whoever runs this process. Raises NoIds with the way out."""
    if os.geteuid() == 0:
        return _map_of_root()
    user = _user_name()
    return IdMap(
        users=_own_and_subordinate(os.geteuid(), Path("/etc/subuid"), user),
        groups=_own_and_subordinate(os.getegid(), Path("/etc/subgid"), user),
        by_helper=True,
    )


def problem_of_owner(layers: Path) -> str | None:
    """Say why machines of this user can do nothing with a directory of layers; None: they can."""
    try:
        owner = layers.stat().st_uid
    except FileNotFoundError:
        return None
    root = _map_of_root().root[0] if os.geteuid() == 0 else os.geteuid()
    if owner == root:
        return None
    return (
        f"{layers} belongs to user {owner}, and not to {root}, who is root in machines of this "
        "user. Either another user made it, or it was copied and its files lost their owners"
    )


def subordinate_range(file: Path, user: str) -> Range | None:
    """Read a user's largest range from a file such as ``/etc/subuid``."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    names = {user, str(os.geteuid())}
    found = []
    for line in lines:
        name, *numbers = line.strip().split(":")
        if name in names and len(numbers) == 2 and all(n.isdecimal() for n in numbers):
            found.append(Range(1, int(numbers[0]), int(numbers[1])))
    return max(found, key=lambda r: r.count, default=None)


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _own_and_subordinate(own: int, file: Path, user: str) -> tuple[Range, ...]:
    found = subordinate_range(file, user)
    if found is None or found.count < COUNT - 1:
        has = "no range" if found is None else f"only {found.count} ids"
        raise NoIds(
            f"{file} gives user '{user}' {has}, and a sandbox needs {COUNT}. As root, run: "
            f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user} "
            "(choose numbers that no other line uses)"
        )
    return (Range(0, own, 1), Range(1, found.outside, COUNT - 1))


def _map_of_root() -> IdMap:
    """A range of its own; in a container that has no such ids, those that it has."""
    available = _ids_here()
    whole: tuple[Range, ...]
    if any(r.inside <= _ROOT_FIRST < r.inside + r.count for r in available):
        whole = (Range(0, _ROOT_FIRST, COUNT),)
    else:
        whole = tuple(Range(r.inside, r.inside, r.count) for r in available)
    return IdMap(users=whole, groups=whole, by_helper=False)


def _ids_here() -> Sequence[Range]:
    lines = Path("/proc/self/uid_map").read_text("ascii").splitlines()
    return [Range(*map(int, line.split())) for line in lines]


def _ask(helper: str, pid: int, ranges: Sequence[Range]) -> None:
    numbers = [str(n) for r in ranges for n in (r.inside, r.outside, r.count)]
    try:
        result = run([helper, str(pid), *numbers], timeout_seconds=10, check=False, env=ENVIRONMENT)
    except ProgramMissing:
        raise NoIds(
            f"{helper} is not installed, and without it no subordinate ids can be used. "
            "As root, run: apt-get install uidmap (or install shadow-utils)"
        ) from None
    if result.code != 0:
        said = result.stderr.decode("utf-8", "replace").strip()
        raise NoIds(
            f"{helper} refused the ids {' '.join(numbers)}: {said}. Check /etc/subuid and "
            f"/etc/subgid, and that {helper} is setuid root or has its file capability"
        )
