"""Single files of the guest, opened from inside it, where no link leads out."""

import errno
import os
import stat

from imagewright.machines.inside.messages import Message, write_fully

_CHUNK_BYTES = 1 << 20
# A FIFO in place of the file must not make us wait, a terminal not become ours.
_CAREFULLY = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def put(path: str, content: int, mode: int) -> Message:
    """Write what the open file ``content`` holds to ``path``; make its parents."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", error.filename) from None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | _CAREFULLY, mode)
    try:
        _require_regular(descriptor, path)
        os.ftruncate(descriptor, 0)
        while chunk := os.read(content, _CHUNK_BYTES):
            write_fully(descriptor, chunk)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return {}


def get(path: str, destination: int, size_bytes_max: int) -> Message:
    """Copy ``path`` to the open file ``destination``."""
    descriptor = open_regular(path)
    try:
        too_large = {"error": f"{path} is larger than {size_bytes_max} bytes"}
        if os.fstat(descriptor).st_size > size_bytes_max:
            return too_large
        size_bytes = 0
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            size_bytes += len(chunk)
            if size_bytes > size_bytes_max:
                return too_large
            write_fully(destination, chunk)
    finally:
        os.close(descriptor)
    return {"size_bytes": size_bytes}


def open_regular(path: str) -> int:
    """Open a file to be read. Raises OSError if it is of another kind, and waits for no FIFO."""
    descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
    try:
        _require_regular(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(descriptor: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(f"{path} is not a regular file")
