"""Whom a command runs as: what docker's ``USER`` means, by the guest's own lists of users."""

import errno
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from imagewright.machines.inside.files import open_regular

_LIST_BYTES_MAX = 4 << 20
_ID_MAX = (1 << 31) - 1
_PASSWD, _GROUP = "/etc/passwd", "/etc/group"


class User(NamedTuple):
    """Whom a command runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    """All of its groups, the first one among them."""
    home: str


def find(wanted: str) -> User:
    """Find ``name``, ``uid``, ``name:group`` or ``uid:gid``; the parts may be mixed.

    A number need not be in a list: such a user is in group 0 and at home in ``/``. With a group
    said the user is in no other one. Raises OSError where a name is in no list.
    """
    who, _, group = wanted.partition(":")
    who = who or "0"
    entry = _entry(who, _lines(_PASSWD, numbers=(2, 3), fields=7))
    if entry is None and not _is_number(who):
        raise OSError(f"no user {who} in {_PASSWD}")
    name, uid, first, home = (entry[0], *entry[2:4], entry[5]) if entry else ("", who, "0", "/")
    if group:
        gid = _gid(group)
        return User(int(uid), gid, (gid,), home or "/")
    more = _groups_of(name) if name else ()
    return User(int(uid), int(first), tuple(dict.fromkeys((int(first), *more))), home or "/")


def become(user: User) -> None:
    """Turn this process into the user's; all capabilities go, but for root's. Raises OSError."""
    try:
        os.setgroups(user.groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        raise OSError(
            f"no process can be of user {user.uid} and group {user.gid} here: {error.strerror}"
        ) from None


def _gid(group: str) -> int:
    if _is_number(group):
        return int(group)
    entry = _entry(group, _groups())
    if entry is None:
        raise OSError(f"no group {group} in {_GROUP}")
    return int(entry[2])


def _groups_of(name: str) -> Sequence[int]:
    return [int(entry[2]) for entry in _groups() if name in entry[3].split(",")]


def _groups() -> Iterator[list[str]]:
    return _lines(_GROUP, numbers=(2,), fields=4)


def _entry(wanted: str, entries: Iterator[list[str]]) -> list[str] | None:
    """Return the first entry of that name or, where digits are wanted, of that number."""
    for entry in entries:
        if int(entry[2]) == int(wanted) if _is_number(wanted) else entry[0] == wanted:
            return entry
    return None


def _lines(path: str, *, numbers: Sequence[int], fields: int) -> Iterator[list[str]]:
    """Read the entries of a list; what has too few fields, or no number in its place, is none."""
    try:
        descriptor = open_regular(path)
    except FileNotFoundError:
        return
    try:
        content = b""
        while chunk := os.read(descriptor, _LIST_BYTES_MAX):
            content += chunk
            if len(content) > _LIST_BYTES_MAX:
                raise OSError(errno.EFBIG, f"larger than {_LIST_BYTES_MAX} bytes", path)
    finally:
        os.close(descriptor)
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        entry = line.strip().split(":")
        if len(entry) >= fields and all(_is_number(entry[place]) for place in numbers):
            yield entry


def _is_number(text: str) -> bool:
    """Tell an id from a name; what is larger than any id is none."""
    return text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _ID_MAX
