"""The one door to other programs: argv and a stated environment, never a shell string.

A program gets a process group of its own, and when time runs out or it is cancelled, the group and
every descendant die. A failure keeps the last lines of output and a command to paste.
"""

import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Literal

LINE_BYTES_MAX = 64 << 10
"""A longer line is handed over in pieces."""
OUTPUT_BYTES_MAX = 4 << 20
"""How much of each stream is kept; of a longer one, the end."""
_LAST_LINES = 20
_READ_BYTES = 64 << 10
_TICK_SECONDS = 0.05
_GRACE_SECONDS = 0.4
_DRAIN_SECONDS = 0.2

ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
"""What most programs need; the starting point of a stated environment."""

StreamName = Literal["stdout", "stderr"]
OnLine = Callable[[StreamName, str, bool], None]
"""Hears a stream's name, a text, and whether its line goes on in the next one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """A program that ended by itself."""

    argv: tuple[str, ...]
    code: int
    """0 to 255; 128 + n when signal n ended it."""
    stdout: bytes
    stderr: bytes
    seconds: float


class CommandFailed(Exception):
    """A program did not do what was asked; the message ends with a command to paste."""

    def __init__(self, argv: Sequence[str], what: str, *, lines: Iterable[str] = ()) -> None:
        self.argv = tuple(argv)
        self.lines = tuple(lines)
        body = "".join(f"\n  {line}" for line in self.lines)
        super().__init__(f"{Path(argv[0]).name} {what}{body}\n  replay: {shlex.join(argv)}")


class ProgramMissing(CommandFailed):
    """The program is not on the path."""


class TimedOut(CommandFailed):
    """The program took too long and was ended."""


class Cancelled(CommandFailed):
    """The program was ended because someone asked for it."""


def run(
    argv: Sequence[str],
    *,
    timeout_seconds: float | None,
    env: Mapping[str, str] = ENVIRONMENT,
    stdin: bytes = b"",
    cwd: Path | None = None,
    on_line: OnLine | None = None,
    cancel: Event | None = None,
    check: bool = True,
    time_out_grace_seconds: float = _GRACE_SECONDS,
) -> Completed:
    """Run a program to its end; one whose time is up has the grace to clear up behind itself.

    Raises ProgramMissing, TimedOut, Cancelled, and CommandFailed for an exit code other than zero
    (unless ``check`` is false).
    """
    started = time.monotonic()
    with _spawned(argv, env, stdin, cwd) as process:
        output = _Output(process, on_line)
        try:
            _attend(process, output, timeout_seconds, cancel)
        except _Interrupted as reason:
            is_late = reason.error is TimedOut
            kill_tree(process, grace_seconds=time_out_grace_seconds if is_late else _GRACE_SECONDS)
            raise reason.error(argv, reason.what, lines=output.last_lines) from None
        except BaseException:
            kill_tree(process)
            raise
        seconds = time.monotonic() - started
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if check and code != 0:
        raise CommandFailed(
            argv, f"exited {code} after {seconds:.1f} s", lines=output.last_lines
        ) from None
    return Completed(
        argv=tuple(argv),
        code=code,
        stdout=bytes(output.kept["stdout"]),
        stderr=bytes(output.kept["stderr"]),
        seconds=seconds,
    )


def kill_tree(process: subprocess.Popen[bytes], *, grace_seconds: float = _GRACE_SECONDS) -> None:
    """End a process started here, its group and all its descendants: SIGTERM, then SIGKILL."""
    tree = {process.pid, *descendants(process.pid)}
    for number in (signal.SIGTERM, signal.SIGKILL):
        tree.update(descendants(process.pid))  # once their parents are gone they are not found
        for pid in tree:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)


def descendants(root: int) -> list[int]:
    """List the processes beneath ``root`` where the system tells (``/proc``), else none."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


class LineSplitter:
    """Cuts a stream of bytes into lines of text; bytes that are no UTF-8 are replaced."""

    def __init__(self, on_line: Callable[[str, bool], None]) -> None:
        """``on_line`` is told a text, and whether its line goes on in the next one."""
        self._on_line = on_line
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in what was read; hand over every line that is complete."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hand_over(self._last_piece(line), continues=False)
        self._rest = self._last_piece(rest)

    def finish(self) -> None:
        """Hand over a last line that had no newline."""
        if self._rest:
            self._hand_over(self._rest, continues=False)
            self._rest = b""

    def _last_piece(self, line: bytes) -> bytes:
        """Hand over all of a line that is too long but its last piece, and return that."""
        while len(line) > LINE_BYTES_MAX:
            end = _end_of_piece(line)
            self._hand_over(line[:end], continues=True)
            line = line[end:]
        return line

    def _hand_over(self, line: bytes, *, continues: bool) -> None:
        self._on_line(line.decode("utf-8", "replace"), continues)


def _end_of_piece(line: bytes) -> int:
    """Find where to cut a line so that no character of UTF-8 is cut in two."""
    for end in range(LINE_BYTES_MAX, LINE_BYTES_MAX - 4, -1):
        if line[end] & 0xC0 != 0x80:
            return end
    return LINE_BYTES_MAX


class _Interrupted(Exception):
    """The program must end now."""

    def __init__(self, error: type[CommandFailed], what: str) -> None:
        self.error = error
        self.what = what


class _Output:
    """What a program writes: kept, cut into lines, and handed on."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: OnLine | None) -> None:
        self.kept: dict[StreamName, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._on_line = on_line
        self._splitters = {name: LineSplitter(self._line_taker(name)) for name in self.kept}
        self._selector = selectors.DefaultSelector()
        self._register(process.stdout, "stdout")
        self._register(process.stderr, "stderr")

    def _register(self, stream: IO[bytes] | None, name: StreamName) -> None:
        if stream is not None:
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, name)

    @property
    def is_open(self) -> bool:
        """May more come?"""
        return bool(self._selector.get_map())

    def read(self, wait_seconds: float) -> bool:
        """Take in what there is, waiting at most so long for it; tell whether there was any."""
        ready = self._selector.select(wait_seconds)
        for key, _events in ready:
            self._take(key)
        return bool(ready)

    def finish(self) -> None:
        """Take in what is left, but not for ever, and hand over unfinished lines."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self.is_open and self.read(0) and time.monotonic() < deadline:
            pass
        for splitter in self._splitters.values():
            splitter.finish()
        self._selector.close()

    def _take(self, key: selectors.SelectorKey) -> None:
        try:
            data = os.read(key.fd, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(key.fileobj)
            return
        name: StreamName = key.data
        kept = self.kept[name]
        kept += data
        if len(kept) > 2 * OUTPUT_BYTES_MAX:
            del kept[:-OUTPUT_BYTES_MAX]
        self._splitters[name].feed(data)

    def _line_taker(self, name: StreamName) -> Callable[[str, bool], None]:
        def take(line: str, continues: bool) -> None:
            self.last_lines.append(line)
            if self._on_line is not None:
                self._on_line(name, line, continues)

        return take


def _spawned(
    argv: Sequence[str], env: Mapping[str, str], stdin: bytes, cwd: Path | None
) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        try:
            return subprocess.Popen(
                argv,
                stdin=source if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            if cwd is not None and not cwd.is_dir():
                raise CommandFailed(argv, f"cannot start in {cwd}: no such directory") from error
            raise ProgramMissing(argv, "is not installed, or not on the path") from error
        except OSError as error:
            raise CommandFailed(argv, f"cannot be started: {error.strerror}") from error


def _attend(
    process: subprocess.Popen[bytes],
    output: _Output,
    timeout_seconds: float | None,
    cancel: Event | None,
) -> None:
    """Read until the program has ended; what it left running may keep its output open."""
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while process.poll() is None:
        if cancel is not None and cancel.is_set():
            raise _Interrupted(Cancelled, "was cancelled")
        if deadline is not None and time.monotonic() > deadline:
            raise _Interrupted(TimedOut, f"took longer than {timeout_seconds:g} s")
        if output.is_open:
            output.read(_TICK_SECONDS)
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_TICK_SECONDS)
    output.finish()
