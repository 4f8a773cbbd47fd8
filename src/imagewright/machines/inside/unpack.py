"""Fills a layer from archives, with the layer as root directory: no name leads out of it."""

import os
import shutil
import stat
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from imagewright.machines.inside.stack import data_directory

_XATTR = "SCHILY.xattr."
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_BLOCK_BYTES = 4096
_HEADER_BYTES_MAX = 4 << 20
"""Names and attributes of one file; they are read whole, however long they say that they are."""
_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class BadArchive(OSError):
    """The archive cannot be what it is said to be."""


class BeyondBound(Exception):
    """The archives hold more than there may be; a small file can hold very much."""

    def __init__(self, bound: str) -> None:
        super().__init__(bound)
        self.bound = bound
        """Its name: see Bounds."""


@dataclass
class Bounds:
    """How much may be unpacked, counted while it is."""

    size_bytes_max: int | None
    """Of all that is written; None: whatever fits."""
    free_bytes_min: int
    """What stays free of the disk."""
    done_bytes: int = 0

    def take(self, size_bytes: int) -> None:
        """Count a file that is about to be made. Raises BeyondBound."""
        self.done_bytes += _BLOCK_BYTES * (1 + -(-size_bytes // _BLOCK_BYTES))  # and its name
        if self.size_bytes_max is not None and self.done_bytes > self.size_bytes_max:
            raise BeyondBound("size_bytes_max")
        disk = os.statvfs("/")  # by now that is the layer
        if disk.f_bavail * disk.f_frsize - size_bytes < self.free_bytes_min:
            raise BeyondBound("free_bytes_min")


def unpack(files: Sequence[int], name: str, bounds: Bounds) -> int:
    """Lay archives over each other in the new layer ``name``, as the layers of an image.

    Return how many device nodes were left out: nobody inside may make them, and every machine
    has its own. Raises BadArchive, BeyondBound, OSError.
    """
    root = data_directory(name)
    os.makedirs(root)
    # Opened before the root changes: the decompressors are imported when they are needed.
    archives = [_open(os.fdopen(file, "rb", closefd=False)) for file in files]
    os.chroot(root)
    os.chdir("/")
    sys.meta_path.clear()
    return sum(_Layer(archive, bounds).extract() for archive in archives)


def _open(stream: IO[bytes]) -> tarfile.TarFile:
    try:
        return tarfile.open(
            fileobj=stream,
            mode="r|*",
            tarinfo=_Member,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except tarfile.ReadError as error:
        raise BadArchive(
            f"this is no tar archive, or compressed in an unknown way: {error}"
        ) from None


class _Member(tarfile.TarInfo):
    """A header whose further headers are bounded."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _HEADER_BYTES_MAX:
            raise BadArchive(f"the archive has a header of {self.size:,} bytes")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]  # the library says to override it, and its stubs do not know it
        return found


class _Layer:
    """One archive on its way to the disk."""

    def __init__(self, archive: tarfile.TarFile, bounds: Bounds) -> None:
        self._archive = archive
        self._bounds = bounds
        self._made: set[str] = set()
        self._directories: list[tuple[str, float]] = []
        self._skipped = 0

    def extract(self) -> int:
        try:
            for member in self._archive:
                self._place(member, _clean(member.name))
        except (tarfile.TarError, EOFError) as error:
            raise BadArchive(f"the archive is damaged: {error}") from None
        for path, mtime in reversed(self._directories):
            os.utime(path, (mtime, mtime))
        return self._skipped

    def _place(self, member: tarfile.TarInfo, path: str) -> None:
        parent, base = os.path.split(path)
        if base == _OPAQUE:
            self._empty(parent)
        elif base.startswith(_WHITEOUT):
            _remove(f"{parent}/{base.removeprefix(_WHITEOUT)}")
        elif member.ischr() or member.isblk():
            self._skipped += 1
        else:
            os.makedirs(parent, exist_ok=True)
            self._create(member, path)
            self._made.add(path)
            _set_attributes(member, path)

    def _empty(self, directory: str) -> None:
        """Hide what earlier archives put here; what this one did stays."""
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            if f"{directory.rstrip('/')}/{name}" not in self._made:
                _remove(f"{directory}/{name}")

    def _create(self, member: tarfile.TarInfo, path: str) -> None:
        if member.isdir():
            self._directories.append((path, member.mtime))
            if os.path.isdir(path) and not os.path.islink(path):
                return
        _remove(path)
        self._bounds.take(member.size if member.isreg() else 0)
        if member.isdir():
            os.mkdir(path)
        elif member.issym():
            os.symlink(member.linkname, path)
        elif member.islnk():
            os.link(_clean(member.linkname), path, follow_symlinks=False)
        elif member.isfifo():
            os.mkfifo(path)
        elif member.isreg():
            self._write(member, path)
        else:
            raise BadArchive(f"{member.name} is of an unknown kind ({member.type!r})")

    def _write(self, member: tarfile.TarInfo, path: str) -> None:
        source = self._archive.extractfile(member)
        if source is None:
            raise BadArchive(f"{member.name} has no content")
        with source, open(path, "xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)


def _clean(name: str) -> str:
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BadArchive(f"{name} leads out of the archive")
    return "/" + "/".join(parts)


def _remove(path: str) -> None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _set_attributes(member: tarfile.TarInfo, path: str) -> None:
    if member.islnk():  # shares what the first name has
        return
    try:
        os.lchown(path, member.uid, member.gid)
    except OSError:
        raise BadArchive(
            f"{member.name} belongs to {member.uid}:{member.gid}, and a sandbox has only the ids "
            "up to 65535"
        ) from None
    if not member.issym():
        os.chmod(path, stat.S_IMODE(member.mode))
    for key, value in member.pax_headers.items():
        if key.startswith(_XATTR):
            _set_attribute(path, key.removeprefix(_XATTR), value)
    if not member.isdir():
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


def _set_attribute(path: str, name: str, value: str) -> None:
    try:
        os.setxattr(path, name, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    except OSError:  # a label of another system, such as security.selinux
        return
