"""Writing files that hold secrets or must never be half there."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Replace a file so that only its owner can read it, and a crash leaves the old one whole."""
    _replace(file, content, 0o600)


def rewrite(file: Path, content: bytes) -> None:
    """Replace what a file holds; its permissions stay, and a crash leaves the old one whole.

    Raises OSError. Behind a symbolic link, the file it names is replaced and the link stays.
    """
    target = file.resolve(strict=True)
    if not target.is_file():
        raise OSError(errno.EINVAL, "it is no regular file")
    mode = stat.S_IMODE(target.stat().st_mode)
    _replace(target, content, mode)


def _replace(file: Path, content: bytes, mode: int) -> None:
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            fresh.chmod(mode)
            os.fsync(stream.fileno())
        fresh.replace(file)
    except BaseException as error:
        fresh.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(file)  # writing to a descriptor knows no name
        raise


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Keep other processes from changing a file between our reading and our writing it.

    The lock is the kernel's, so a killed process leaves none; its file stays beside the other.
    """
    with file.with_name(f".{file.name}.lock").open("a") as handle:
        _lock(handle.fileno())
        yield


if sys.platform == "win32":
    import msvcrt

    open_at_once = os.open

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def open_at_once(path: str, flags: int) -> int:
        """Open a file, as an ``opener``; a FIFO that nobody writes to is empty, not waited for."""
        descriptor = os.open(path, flags | os.O_NONBLOCK)
        os.set_blocking(descriptor, True)
        return descriptor

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
