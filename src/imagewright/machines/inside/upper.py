"""The layer that a machine writes to, its mount, and its sealing.

``<name>/d`` holds what the machine writes; beside it lie the overlay's working directory ``w``, the
mount point ``m``, and the run-time layer ``r``: mount points and the few files that a running guest
needs and no image should carry. That one is mounted between the image and the machine's own layer,
so that nothing of it is ever written into a layer, and what the author does to these files is.
"""

import contextlib
import os
import stat
from collections.abc import Sequence

from imagewright.machines.inside import kernel
from imagewright.machines.inside.messages import Message
from imagewright.machines.inside.removal import remove
from imagewright.machines.inside.stack import (
    Found,
    copy_attributes,
    data_directory,
    is_opaque,
    is_whiteout,
    look_up,
    root_of,
)

_SCAFFOLD = ("m", "r", "w")
_MOUNT_POINTS = ("dev", "proc", "run", "sys")
_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
_FILE_BYTES_MAX = 1 << 20


class Upper:
    """One writable layer on top of a stack of sealed ones."""

    def __init__(self, name: str, stack: Sequence[str], files: dict[str, str]) -> None:
        """``files`` are run-time files of ``/etc`` by name; ``hosts`` is a line to add there."""
        self._name = name
        self._stack = stack
        self._root = root_of(stack)
        self._etc = look_up(self._root, "etc")
        self._files = files

    def prepare(self) -> None:
        """Make the directories, or make them ready again after a reboot."""
        self._remove_scaffold()  # a volatile overlay's working directory serves only once
        for part in _SCAFFOLD:
            os.makedirs(f"{self._name}/{part}")
        data = data_directory(self._name)
        if not os.path.isdir(data):
            os.mkdir(data)
            copy_attributes(self._root.path, data, self._root.status)
        self._lay_out_runtime(f"{self._name}/r")

    def mount(self) -> str:
        """Mount it all in this mount namespace; return where."""
        lower = ":".join([f"{self._name}/r", *map(data_directory, self._stack)])
        target = f"{self._name}/m"
        options = (
            # volatile: nothing is flushed while the machine runs, since a layer counts only once
            # sealed; whoever seals it flushes.
            f"userxattr,volatile,lowerdir={lower},"
            f"upperdir={data_directory(self._name)},workdir={self._name}/w"
        )
        kernel.mount("overlay", target, "overlay", kernel.MS_NODEV, options)
        return target

    def seal(self) -> Message:
        """Take out what is only for run time, and measure what is left."""
        if self._etc is not None and self._etc.is_directory:
            self._clean_etc(f"{data_directory(self._name)}/etc", self._etc)
        self._remove_scaffold()
        size_bytes, files = measure(data_directory(self._name))
        return {"changed": files > 0, "size_bytes": size_bytes, "files": files}

    def _remove_scaffold(self) -> None:
        present = [f"{self._name}/{part}" for part in _SCAFFOLD]
        remove([path for path in present if os.path.isdir(path)])

    def _lay_out_runtime(self, target: str) -> None:
        for name in _MOUNT_POINTS:
            os.mkdir(f"{target}/{name}")
            found = look_up(self._root, name)
            if found and found.is_directory:
                copy_attributes(found.path, f"{target}/{name}", found.status)
        if self._etc is None or not self._etc.is_directory:
            return
        os.mkdir(f"{target}/etc")
        for name in self._files:
            with open(f"{target}/etc/{name}", "w", encoding="utf-8") as file:
                file.write(self._content(name))
        copy_attributes(self._etc.path, f"{target}/etc", self._etc.status)

    def _content(self, name: str) -> str:
        return self._base(name) + self._files[name]

    def _base(self, name: str) -> str:
        """What a run-time file begins with: the image's own text where ours is an addition."""
        if name != "hosts":
            return ""
        found = look_up(self._etc, name) if self._etc else None
        text = _read_text(found.path) if found and stat.S_ISREG(found.status.st_mode) else None
        return _HOSTS if text is None else text

    def _clean_etc(self, etc: str, original: Found) -> None:
        """Undo what a guest did to run-time files by accident; keep what it did on purpose."""
        for name in self._files:
            path = f"{etc}/{name}"
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._clean_file(path, name, look_up(original, name))
        with contextlib.suppress(OSError):  # absent, or something is left in it
            if not is_opaque(etc) and _is_like(os.lstat(etc), original.status):
                os.rmdir(etc)

    def _clean_file(self, path: str, name: str, original: Found | None) -> None:
        status = os.lstat(path)
        if is_whiteout(status):
            if original is None:
                os.unlink(path)
        elif stat.S_ISREG(status.st_mode) and (text := _read_text(path)) is not None:
            kept = text.replace(self._files[name], "")
            if text == self._content(name):
                os.unlink(path)
            elif kept != text:
                with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(kept)


def measure(top: str) -> tuple[int, int]:
    """Add up what lies beneath a directory: bytes on the disk, and entries."""
    size_bytes = entries = 0
    waiting = [top]
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for entry in listing:
                status = entry.stat(follow_symlinks=False)
                size_bytes += status.st_blocks * 512
                entries += 1
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(entry.path)
    return size_bytes, entries


def _is_like(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_mode, one.st_uid, one.st_gid) == (other.st_mode, other.st_uid, other.st_gid)


def _read_text(path: str) -> str | None:
    """Read a small text file; one that is large is nobody's run-time file."""
    if os.lstat(path).st_size > _FILE_BYTES_MAX:
        return None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()
