"""Writes layers and images as tar archives: the same content gives the same bytes."""

import os
import stat
import tarfile
from collections.abc import Iterator
from typing import IO

from imagewright.machines.inside.stack import (
    data_directory,
    extended_attributes,
    is_opaque,
    is_whiteout,
)
from imagewright.machines.inside.view import enter

_KINDS = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}


def pack_layer(name: str, output: int) -> None:
    """Write one layer; what it hides of lower ones is said in the way of OCI images."""
    _pack(data_directory(name), output)


def pack_view(stack: list[str], output: int) -> None:
    """Write everything that a stack of layers shows."""
    enter(stack)
    _pack("/", output)


def _pack(top: str, output: int) -> None:
    with os.fdopen(output, "wb") as stream:
        writer = _Writer(stream)
        for path, name, status in _walk(top):
            writer.add(path, name, status)
        writer.close()


def _walk(top: str) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield all beneath a directory, parents first, in order of their names."""
    waiting = [(top, "")]
    while waiting:
        path, name = waiting.pop()
        status = os.lstat(path)
        if name:
            yield path, name, status
        if stat.S_ISDIR(status.st_mode):
            prefix = f"{name}/" if name else ""
            base = path.rstrip("/")
            for entry in sorted(os.listdir(path), reverse=True):
                waiting.append((f"{base}/{entry}", prefix + entry))


class _Writer:
    """One archive being written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._archive = tarfile.open(  # noqa: SIM115 - closed by close()
            fileobj=stream,
            mode="w|",
            format=tarfile.PAX_FORMAT,
            encoding="utf-8",
            errors="surrogateescape",
            bufsize=1 << 18,
        )
        self._first_names: dict[int, str] = {}

    def close(self) -> None:
        self._archive.close()

    def add(self, path: str, name: str, status: os.stat_result) -> None:
        if is_whiteout(status):
            directory, _, base = name.rpartition("/")
            self._add_marker(f"{directory}/.wh.{base}" if directory else f".wh.{base}")
            return
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:  # a socket or a device: made anew by whoever runs the image
            return
        entry = _entry(path, name, status, kind)
        if kind == tarfile.REGTYPE:
            self._add_file(path, entry, status)
            return
        self._archive.addfile(entry)
        if kind == tarfile.DIRTYPE and is_opaque(path):
            self._add_marker(f"{name}/.wh..wh..opq")

    def _add_file(self, path: str, entry: tarfile.TarInfo, status: os.stat_result) -> None:
        if status.st_nlink > 1:
            first = self._first_names.setdefault(status.st_ino, entry.name)
            if first != entry.name:
                entry.type, entry.linkname, entry.size = tarfile.LNKTYPE, first, 0
                entry.pax_headers = {}
                self._archive.addfile(entry)
                return
        with open(path, "rb") as content:
            self._archive.addfile(entry, content)

    def _add_marker(self, name: str) -> None:
        marker = tarfile.TarInfo(name)
        marker.mode = 0
        self._archive.addfile(marker)


def _entry(path: str, name: str, status: os.stat_result, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = stat.S_IMODE(status.st_mode)
    entry.uid, entry.gid = status.st_uid, status.st_gid
    entry.mtime = int(status.st_mtime)
    if kind == tarfile.REGTYPE:
        entry.size = status.st_size
    elif kind == tarfile.SYMTYPE:
        entry.linkname = os.readlink(path)
    entry.pax_headers = {
        f"SCHILY.xattr.{attribute}": value.decode("utf-8", "surrogateescape")
        for attribute, value in extended_attributes(path)
    }
    return entry
