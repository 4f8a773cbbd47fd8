"""Layers as directories, topmost first, and what an overlay of them would show.

Each layer's files lie in ``<name>/d``. Layers do not change once sealed, and every component of a
path is looked at by itself and never followed, so plain paths are safe here.
"""

import os
import stat
from collections.abc import Iterator, Sequence

_XATTR_PREFIX = "user.overlay."
_OPAQUE = "user.overlay.opaque"


def data_directory(name: str) -> str:
    """Where a layer's files lie, relative to the directory of all layers."""
    return f"{name}/d"


def is_whiteout(status: os.stat_result) -> bool:
    """Does this entry of a layer say that a lower one is gone?"""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path: str) -> bool:
    """Does this directory of a layer hide what lower layers have in it?"""
    try:
        return os.getxattr(path, _OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def copy_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Give a directory another one's owner, mode, times and extended attributes."""
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    for name, value in extended_attributes(source):
        os.setxattr(target, name, value, follow_symlinks=False)
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def extended_attributes(path: str) -> Iterator[tuple[str, bytes]]:
    """Yield the attributes that belong to the file; those of the overlay do not."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return
    for name in sorted(names):
        if not name.startswith(_XATTR_PREFIX):
            yield name, os.getxattr(path, name, follow_symlinks=False)


class Found:
    """One entry of the merged view: where it really lies, and if a directory, all its parts."""

    __slots__ = ("sources", "status")

    def __init__(self, status: os.stat_result, sources: tuple[str, ...]) -> None:
        """``sources``: the topmost first; several only for a directory that layers share."""
        self.status = status
        self.sources = sources

    @property
    def path(self) -> str:
        """Where the visible one lies."""
        return self.sources[0]

    @property
    def is_directory(self) -> bool:
        """Is it a directory?"""
        return stat.S_ISDIR(self.status.st_mode)


def root_of(stack: Sequence[str]) -> Found:
    """Return the root directory of the merged view."""
    sources = tuple(data_directory(name) for name in stack)
    return Found(os.lstat(sources[0]), sources)


def look_up(directory: Found, name: str) -> Found | None:
    """Find one name in a merged directory."""
    parts: list[str] = []
    first: os.stat_result | None = None
    for source in directory.sources:
        path = f"{source}/{name}"
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        if is_whiteout(status) or (first and not stat.S_ISDIR(status.st_mode)):
            break
        parts.append(path)
        first = first or status
        if not stat.S_ISDIR(status.st_mode) or is_opaque(path):
            break
    return Found(first, tuple(parts)) if first else None


def entries_of(directory: Found) -> Iterator[tuple[str, Found]]:
    """Yield a merged directory's entries in order of their names."""
    yield from sorted(
        (name, found) for name, found in merge(directory).items() if found is not None
    )


def merge(directory: Found) -> dict[str, Found | None]:
    """Read a merged directory; None stands for a name that a layer says is gone."""
    parts: dict[str, list[str]] = {}
    statuses: dict[str, os.stat_result | None] = {}
    closed: set[str] = set()
    for source in directory.sources:
        for name in os.listdir(source):
            if name in closed:
                continue
            path = f"{source}/{name}"
            status = os.lstat(path)
            is_directory = stat.S_ISDIR(status.st_mode)
            if name not in statuses:
                gone = is_whiteout(status)
                statuses[name] = None if gone else status
                parts[name] = [] if gone else [path]
            elif is_directory:
                parts[name].append(path)
            if not is_directory or is_opaque(path):
                closed.add(name)
    return {
        name: None if status is None else Found(status, tuple(parts[name]))
        for name, status in statuses.items()
    }
