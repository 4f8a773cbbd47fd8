"""This host itself as a machine: nothing is confined, nothing is undone.

For who means just that: an instance that awstoe would run on, a throw-away machine of a CI.
"""

import os
import shutil
import socket
import time
import uuid
from dataclasses import replace
from pathlib import Path
from threading import Event

from imagewright.machines.machine import Command, Exit, Line, MachineError, OnLine, Scratch
from imagewright.process import Cancelled, CommandFailed, ProgramMissing, TimedOut, run

_NOT_FOUND, _NOT_EXECUTABLE, _TERMINATED = 127, 126, 143
_TIME_OUT_GRACE_SECONDS = 10.0


class RestartDue(Exception):
    """The host has to be restarted before the run goes on; who asked for it has to see to that."""


class HostMachine:
    """See ``machine.Machine``; commands inherit this process's environment and rights.

    A command that has to end takes its process group and descendants with it; what detached
    itself from both stays.
    """

    def __init__(self) -> None:
        self._id = f"i-{uuid.uuid5(uuid.NAMESPACE_DNS, socket.gethostname()).hex[:17]}"

    @property
    def id(self) -> str:
        """``i-`` and 17 hex digits, of the host's name."""
        return self._id

    def run(
        self, command: Command, *, on_line: OnLine | None = None, cancel: Event | None = None
    ) -> Exit:
        """Run a command; see ``machine.Machine.run``."""
        if command.user:
            raise MachineError(
                f"the host runs commands as who runs imagewright, and not as {command.user}: use a "
                "sandbox or a container"
            )
        if command.empty:
            raise MachineError("nothing is laid over directories of the host: use a sandbox")
        if (scratch := command.scratch) is None:
            return self._run(command, on_line, cancel)
        try:
            folder = _make(scratch)
        except OSError as error:
            (on_line or _ignore)(Line("stderr", f"{error.filename}: {error.strerror}"))
            return Exit(code=1, seconds=0.0)
        try:
            ended = self._run(command, on_line, cancel)
            return replace(ended, note=_note(folder / scratch.note) if ended.code else "")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, command: Command, on_line: OnLine | None, cancel: Event | None) -> Exit:
        started = time.monotonic()
        hear = on_line or _ignore
        try:
            done = run(
                command.argv,
                timeout_seconds=command.timeout_seconds,
                env={**os.environ, **command.env},
                stdin=command.stdin,
                cwd=Path(command.cwd),
                on_line=lambda stream, text, continues: hear(Line(stream, text, continues)),
                cancel=cancel,
                check=False,
                time_out_grace_seconds=_TIME_OUT_GRACE_SECONDS,
            )
        except ProgramMissing:
            hear(Line("stderr", f"{command.argv[0]}: not found"))
            return Exit(code=_NOT_FOUND, seconds=time.monotonic() - started)
        except TimedOut:
            seconds = time.monotonic() - started
            return Exit(code=_TERMINATED, seconds=seconds, reason="timed out")
        except Cancelled:
            seconds = time.monotonic() - started
            return Exit(code=_TERMINATED, seconds=seconds, reason="cancelled")
        except CommandFailed as error:
            hear(Line("stderr", str(error).partition("\n")[0]))
            return Exit(code=_NOT_EXECUTABLE, seconds=time.monotonic() - started)
        return Exit(code=done.code, seconds=done.seconds)

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Write a file; see ``machine.Machine.put_file``."""
        file = _absolute(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            file.chmod(mode)
        except OSError as error:
            raise MachineError(f"the file {path} cannot be written: {error.strerror}") from None

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        """Read a file; see ``machine.Machine.get_file``."""
        file = _absolute(path)
        try:
            if file.exists() and not file.is_file():
                raise MachineError(f"the file {path} cannot be read: not a regular file")
            with file.open("rb") as stream:
                content = stream.read(size_bytes_max + 1)
        except OSError as error:
            raise MachineError(f"the file {path} cannot be read: {error.strerror}") from None
        if len(content) > size_bytes_max:
            raise MachineError(f"the file {path} is larger than {size_bytes_max} bytes")
        return content

    def commit(self) -> str:
        """Refuse: a host makes no layers."""
        raise MachineError("the host makes no layers; only a sandbox does")

    def reboot(self) -> None:
        """Raise RestartDue: to restart a host is for its owner."""
        raise RestartDue("this host has to be restarted")

    def terminate(self) -> None:
        """Leave it as it is."""


def _make(scratch: Scratch) -> Path:
    folder = _absolute(scratch.folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    try:
        for name, text in scratch.files.items():
            (folder / name).write_text(text, "utf-8", newline="")
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _note(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace") if file.is_file() else ""
    except OSError:
        return ""


def _absolute(path: str) -> Path:
    if not path.startswith("/") or "\0" in path:
        raise MachineError(f"{path!r} is not an absolute path")
    return Path(path)


def _ignore(_line: Line) -> None:
    """Nobody listens."""
