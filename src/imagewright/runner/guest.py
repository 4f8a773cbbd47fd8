"""The machine as one attempt of a step sees it: a deadline, a place in the log, and paths.

Paths and contents never become part of a shell script's text: they go in as arguments and on
standard input. Every path is made absolute first, so none can be taken for an option.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event as Flag

from imagewright.documents.component.operators import Algorithm
from imagewright.machines.machine import Command, Exit, Line, Machine, MachineError, Scratch
from imagewright.masking import LineMasker
from imagewright.runner.calls import CallDocument
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import Cancelled, ModuleFailure, TimedOut
from imagewright.runner.reporting import CommandEnded, CommandStarted, Event, Notice, OutputLine

"""Kept of a command's standard output for chaining; all of it goes to the log (O-4)."""
FILE_BYTES_MAX = 64 << 20
"""The largest file that is read to the host."""
_ARGUMENT_BYTES_MAX = 128 << 10
_PATH_BYTES_MAX = 4096
_STDERR_LINES = 20
_STDOUT_LINES = 5
_LAST_LINE_CHARACTERS_MAX = 1024
_CLEAN_UP_SECONDS = 10
_NAME = "imagewright"
_OWN_PLACE = re.compile(rf"^{_NAME}: (?:line )?[0-9]+: ", re.MULTILINE)
"""What a shell puts before a complaint about a script of ours; it means nothing to an author."""
_SIGN, _SIGNED = "echo :\n", ":\n"
"""What every script of ours prints first, to show that a shell has read it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended, and what it printed."""

    exit_code: int
    stdout: str
    """Without line ends at its end (O-6)."""
    note: str = ""
    """What it left in its scratch folder if it failed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the run something happens."""

    phase: str
    step: str
    logging: bool = True


@dataclass(slots=True)
class Guest:
    """A machine, for the time of one attempt of one step."""

    machine: Machine
    environment: RunEnvironment
    place: Place
    report: Callable[[Event], None]
    cancel: Flag
    call_document: CallDocument
    timeout_seconds: float | None = None
    """From now on; None for no limit."""
    monotonic: Callable[[], float] = time.monotonic
    lacked_memory: bool = False
    """Whether a command lost a process for lack of memory."""
    last_lines: tuple[str, ...] = ()
    """What the last command of the author's wrote last: on standard error, or if that was silent,
    on standard output."""
    _ends_at: float | None = field(init=False)

    def __post_init__(self) -> None:
        limit = self.timeout_seconds
        self._ends_at = None if limit is None else self.monotonic() + limit

    def path(self, given: str) -> str:
        """Make a path absolute, from the working directory. Raises ModuleFailure if it is none."""
        if not given or "\0" in given:
            raise ModuleFailure("a path cannot be empty" if not given else "a path cannot hold NUL")
        if len(given.encode()) > _PATH_BYTES_MAX:
            shown = self.environment.secrets.mask(given)[:60]
            raise ModuleFailure(f"the path is longer than {_PATH_BYTES_MAX} bytes: {shown}…")
        if given.startswith("/"):
            return given
        return f"{self.environment.working_directory.rstrip('/')}/{given}"

    def script(self, text: str, *arguments: str, stdin: bytes = b"") -> str:
        """Run a POSIX shell script of ours, out of the log; ``arguments`` are ``$1`` and so on.

        Returns what it printed. Raises ModuleFailure with its complaint if it exits above 0, and
        where ``/bin/sh`` is gone or is something else: a file module that did nothing would be
        taken for one that succeeded.
        """
        output: list[str] = []
        complaints: deque[str] = deque(maxlen=_STDERR_LINES)

        def keep(line: Line) -> None:
            (output if line.stream == "stdout" else complaints).append(line.as_written)

        argv = ("/bin/sh", "-c", f"{_SIGN}{text}", _NAME, *arguments)
        exit_code = self._run(argv, stdin, keep)
        said = _OWN_PLACE.sub("", "".join(complaints)).strip()
        if not output or output.pop(0) != _SIGNED:
            why = said or (f"exit status {exit_code}" if exit_code else "it is no POSIX shell")
            raise ModuleFailure(f"the machine's /bin/sh did not run: {why}")
        if exit_code != 0:
            raise ModuleFailure(said or f"exit status {exit_code}", exit_code=exit_code)
        return "".join(output).removesuffix("\n")

    def program(self, argv: Sequence[str]) -> str:
        """Run a program of ours, out of the log, and return what it printed.

        Raises ModuleFailure with its complaint if it does not exit with 0.
        """
        output: list[str] = []
        complaints: deque[str] = deque(maxlen=_STDERR_LINES)

        def keep(line: Line) -> None:
            (output if line.stream == "stdout" else complaints).append(line.as_written)

        exit_code = self._run(argv, b"", keep)
        if exit_code != 0:
            said = "".join(complaints).strip()
            raise ModuleFailure(said or f"exit status {exit_code}", exit_code=exit_code)
        return "".join(output).rstrip("\r\n")

    def stream(
        self,
        argv: Sequence[str],
        *,
        shown: Sequence[str] | None = None,
        scratch: Scratch | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a program of the author's; each line it prints goes to the log at once.

        ``shown`` is what the log calls it, where that differs; ``variables`` come on top of the
        run's own environment.
        """
        for argument in argv:
            _check_argument(argument)
        output = _Output(self)
        self._tell(CommandStarted(self.place.phase, self.place.step, tuple(shown or argv)))
        code = None
        try:
            ended = self._run_command(self._command(argv, scratch, variables), output.take)
            code = ended.code
        except TimedOut as failure:
            failure.outputs = {"stdout": output.text()}
            raise
        finally:
            output.finish()
            self.last_lines = output.last_lines()
            self._tell(CommandEnded(self.place.phase, self.place.step, code))
        return Finished(ended.code, output.text(), ended.note)

    def clean_up(self, text: str, *arguments: str) -> None:
        """Run a script of ours whatever the deadline says; for what a killed command left."""
        self.clean_up_with(("/bin/sh", "-c", text, _NAME, *arguments))

    def clean_up_with(self, argv: Sequence[str]) -> None:
        """Run a program of ours as ``clean_up`` runs a script."""
        command = Command(
            argv=argv,
            env=self.environment.script_environment,
            timeout_seconds=_CLEAN_UP_SECONDS,
        )
        # Something else went wrong before, and that is what is to be told.
        with suppress(MachineError):
            self.machine.run(command)

    def read_file(self, path: str, *, size_bytes_max: int = FILE_BYTES_MAX) -> bytes:
        """Read a file. Raises ModuleFailure if it is absent, no file, or too large."""
        size = self.script(_SIZE, self.path(path))
        if int(size) > size_bytes_max:
            raise ModuleFailure(f"the file has {size} bytes, more than {size_bytes_max}: {path}")
        return self.machine.get_file(self.path(path), size_bytes_max=size_bytes_max)

    def has(self, program: str) -> bool:
        """Tell whether a shell there knows this command."""
        return self.binary_exists(program)

    def variable(self, name: str) -> str | None:
        """Read an environment variable of the machine, or say None."""
        if "=" in name or "\0" in name:
            return None
        found = self.script('printenv "$1" && echo set || true', name)
        return found.removesuffix("set").removesuffix("\n") if found.endswith("set") else None

    def os_release(self, key: str) -> str:
        """Read a value of the machine's ``os-release``; empty if it has none."""
        return self.script(_OS_RELEASE, key)

    def warn(self, text: str) -> None:
        """Put a warning into the log."""
        self._tell(Notice(self.place.phase, self.place.step, "warning", text))

    def tell(self, text: str) -> None:
        """Put a remark into the log."""
        self._tell(Notice(self.place.phase, self.place.step, "info", text))

    def check(self) -> None:
        """Raise Cancelled or TimedOut if it is over."""
        self._seconds_left()

    def pause(self, seconds: float) -> None:
        """Wait, or raise Cancelled."""
        if self.cancel.wait(seconds):
            raise Cancelled

    # What conditions ask (operators.Probe).

    def binary_exists(self, name: str) -> bool:
        """Tell whether a shell there knows this command; builtins count."""
        if not name or name.startswith("-") or "\0" in name:
            return False
        return self._holds('type "$1" >/dev/null 2>&1', name)

    def file_exists(self, path: str) -> bool:
        """Tell whether this is there and a file."""
        return bool(path) and self._holds('[ -f "$1" ]', self.path(path))

    def folder_exists(self, path: str) -> bool:
        """Tell whether this is there and a folder."""
        return bool(path) and self._holds('[ -d "$1" ]', self.path(path))

    def digest(self, path: str, algorithm: Algorithm) -> str | None:
        """Compute a file's digest in hex; None when it is missing."""
        if not self.file_exists(path):
            return None
        tool = f"{algorithm}sum"
        if not self.has(tool):
            raise ModuleFailure(f"the machine has no {tool} to compute a digest with")
        return self.script('"$1" <"$2"', tool, self.path(path)).partition(" ")[0].lower()

    def _holds(self, test: str, argument: str) -> bool:
        return self.script(f"if {test}; then echo yes; fi", argument) == "yes"

    def _run(self, argv: Sequence[str], stdin: bytes, on_line: Callable[[Line], None]) -> int:
        return self._run_command(replace(self._command(argv), stdin=stdin), on_line).code

    def _command(
        self,
        argv: Sequence[str],
        scratch: Scratch | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Command:
        return Command(
            argv=argv,
            env={**self.environment.script_environment, **(variables or {})},
            cwd=self.environment.working_directory,
            timeout_seconds=self._seconds_left(),
            scratch=scratch,
        )

    def _run_command(self, command: Command, on_line: Callable[[Line], None]) -> Exit:
        ended = self.machine.run(command, on_line=on_line, cancel=self.cancel)
        self.lacked_memory |= ended.lacked_memory
        match ended.reason:
            case "cancelled":
                raise Cancelled
            case "timed out":
                raise self._timed_out()
            case "exited":
                return ended

    def _seconds_left(self) -> float | None:
        if self.cancel.is_set():
            raise Cancelled
        if self._ends_at is None:
            return None
        left = self._ends_at - self.monotonic()
        if left <= 0:
            raise self._timed_out()
        return left

    def _timed_out(self) -> TimedOut:
        return TimedOut(f"timed out after {self.timeout_seconds:g} s, the step's timeoutSeconds")

    def _tell(self, event: Event) -> None:
        if self.place.logging:
            self.report(event)


class _Output:
    """What a command prints: to the log at once, and kept as far as chaining needs it."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        secrets = guest.environment.secrets
        self._maskers = {stream: LineMasker(secrets, self._tell) for stream in ("stdout", "stderr")}
        self._stdout: list[str] = []
        self._room = self._room_of_all = guest.environment.limits.output_characters_max
        self._last = {"stdout": _LastLines(_STDOUT_LINES), "stderr": _LastLines(_STDERR_LINES)}

    def take(self, line: Line) -> None:
        self._maskers[line.stream].feed(line, line.text)
        if line.stream == "stdout":
            self._keep(line.as_written)

    def finish(self) -> None:
        for masker in self._maskers.values():
            masker.finish()

    def _tell(self, line: Line, text: str) -> None:
        """Hand on a line in which no secret is."""
        place = self._guest.place
        if place.logging:
            self._guest.report(
                OutputLine(place.phase, place.step, line.stream, text, line.continues)
            )
        self._last[line.stream].take(line if text == line.text else replace(line, text=text))

    def last_lines(self) -> tuple[str, ...]:
        return tuple(self._last["stderr"].texts or self._last["stdout"].texts)

    def text(self) -> str:
        return "".join(self._stdout).rstrip("\r\n")

    def _keep(self, text: str) -> None:
        if self._room <= 0:
            return
        self._stdout.append(text[: self._room])
        self._room -= len(text)
        if self._room <= 0:
            limit = f"{self._room_of_all:,} characters"
            self._guest.warn(
                f"only the first {limit} of the output can be used by other steps, the setting "
                "components.output_characters_max"
            )


class _LastLines:
    """The last lines of a stream; of a long one its beginning."""

    def __init__(self, count: int) -> None:
        self.texts: deque[str] = deque(maxlen=count)
        self._is_amid = False

    def take(self, line: Line) -> None:
        if not self._is_amid:
            self.texts.append(line.text[:_LAST_LINE_CHARACTERS_MAX])
        self._is_amid = line.continues


def _check_argument(argument: str) -> None:
    if "\0" in argument:
        raise ModuleFailure("an argument cannot hold NUL")
    if len(argument.encode()) > _ARGUMENT_BYTES_MAX - 1:
        raise ModuleFailure(f"an argument is longer than {_ARGUMENT_BYTES_MAX:,} bytes")


_OS_RELEASE = """
unset NAME VERSION_ID
for file in /etc/os-release /usr/lib/os-release; do
    if [ -r "$file" ]; then
        . "$file"
        case $1 in
            NAME) printf '%s' "${NAME-}" ;;
            VERSION_ID) printf '%s' "${VERSION_ID-}" ;;
        esac
        exit
    fi
done
"""
_SIZE = """
if [ ! -e "$1" ]; then echo "the file does not exist: $1" >&2; exit 1; fi
if [ ! -f "$1" ]; then echo "this is not a file: $1" >&2; exit 1; fi
wc -c <"$1"
"""
