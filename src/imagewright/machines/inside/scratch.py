"""A folder that is there for the time of a command (``machine.Scratch``).

Whoever runs the command may put anything in its place meanwhile; it is left by its own names only.
"""

import errno
import os
from contextlib import suppress

from imagewright.machines.inside.files import open_regular
from imagewright.machines.inside.messages import Message, write_fully
from imagewright.machines.inside.users import User

_NOTE_BYTES_MAX = 256 << 10


class Scratch:
    """The folder of one command."""

    def __init__(self, wish: Message, user: User | None) -> None:
        """Make it, for the command's user alone. Raises OSError if it is there, or cannot be."""
        self._folder = str(wish["folder"])
        self._names = [*wish["files"], wish["note"]]
        self._note = f"{self._folder}/{wish['note']}"
        try:
            os.makedirs(os.path.dirname(self._folder), mode=0o755, exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", error.filename) from None
        os.mkdir(self._folder, 0o700)
        try:
            for name, text in wish["files"].items():
                _write(f"{self._folder}/{name}", text.encode(), user)
            if user is not None:
                os.chown(self._folder, user.uid, user.gid)
        except OSError:
            self.remove()
            raise

    def note(self) -> str:
        """Read the note that the command left, if it did; of a long one, the beginning."""
        try:
            descriptor = open_regular(self._note)
        except OSError:
            return ""
        try:
            return os.read(descriptor, _NOTE_BYTES_MAX).decode("utf-8", "replace")
        finally:
            os.close(descriptor)

    def remove(self) -> bool:
        """Take it away; tell whether it is gone, which it is not if more was put into it."""
        with suppress(OSError):
            folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                for name in self._names:
                    with suppress(OSError):
                        os.unlink(name, dir_fd=folder)
            finally:
                os.close(folder)
            os.rmdir(self._folder)
        return not os.path.lexists(self._folder)


def _write(path: str, content: bytes, user: User | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        write_fully(descriptor, content)
        if user is not None:
            os.fchown(descriptor, user.uid, user.gid)
    finally:
        os.close(descriptor)
