"""The lines of ``console.log``: a run's events in the executor's own words (§9.2).

People and scripts grep for these; what was observed of AWS's program stands here letter by letter.
"""

from collections.abc import Callable

from imagewright.runner.reporting import (
    CommandEnded,
    CommandStarted,
    Event,
    InDocument,
    Notice,
    OutputLine,
    PhaseEnded,
    PhaseStarted,
    Rebooting,
    StepEnded,
    StepStarted,
)
from imagewright.runner.status import StepStatus
from imagewright.toe.tail import Tail

_BASH = "ExecuteBash"
_STDERR_CHARACTERS_MAX = 1 << 20
"""Kept of a command until it ends; of more, the last."""
_PIECES_MAX = 16
"""Of a line of output, before they are said; a longer line makes several entries."""

Say = Callable[[str], None]


class Console:
    """A ``Reporter`` that says each event as the executor would."""

    def __init__(self, say: Say, debug: Say, *, document: str) -> None:
        self._say = say
        self._debug = debug
        self._document = document
        self._phase = ""
        self._action = ""
        self._begun: str | None = None
        """The module whose beginning is not said yet: its step may be skipped."""
        self._shown: tuple[str, ...] = ()
        self._stdout: list[str] = []
        self._stderr = Tail(_STDERR_CHARACTERS_MAX)
        self._last_stderr: dict[tuple[str, str], str] = {}
        self._has_rebooted = False
        self._inner: Console | None = None
        """Of a document that the step executes."""

    def stderr_of(self, phase: str, step: str) -> str:
        """Return what the last command of a step wrote on standard error."""
        return self._last_stderr.get((phase, step), "")

    def report(self, event: Event) -> None:
        """Say one event."""
        self._catch_up(event)
        match event:
            case PhaseStarted(phase=phase):
                self._phase = phase
                self._say(f"Phase {phase}")
            case PhaseEnded(phase=phase, status=status):
                self._debug(f"Phase {phase} ended: {status.value}")
            case StepStarted():
                self._begin(event)
            case StepEnded():
                self._end(event)
            case CommandStarted(argv=argv):
                self._begin_command(argv)
            case OutputLine():
                self._line(event)
            case CommandEnded():
                self._end_command(event)
            case Notice(step=step, level=level, text=text):
                self._say(f"Step {step}: [{level.upper()}] {text}")
            case InDocument():
                self._tell_of_document(event)
            case Rebooting():
                self._say("Getting reboot signal")
                self._say("Rebooting the system now")
                self._has_rebooted = True

    def recovered(self) -> None:
        """Say that an earlier process of this run sent the machine down, and it is up again."""
        self._has_rebooted = True

    def _catch_up(self, event: Event) -> None:
        """Say what is to stand before an event."""
        if self._has_rebooted:
            self._recover()
        if self._begun is not None and not _ends_unbegun(event):
            self._say(f"{self._begun}: STARTED EXECUTION")
            self._begun = None

    def _recover(self) -> None:
        self._has_rebooted = False
        self._say("Recovery completed for detailed output.")
        self._say("Executor: System has rebooted successfully")
        self._say(f"Document {self._document}")
        if self._phase:
            self._say(f"Phase {self._phase}")

    def _tell_of_document(self, event: InDocument) -> None:
        if self._inner is None:
            self._inner = Console(self._say, self._debug, document=event.document)
            self._say(f"Document {event.document}")
        self._inner.report(event.event)

    def _begin(self, event: StepStarted) -> None:
        if event.attempt == 1:
            self._say(f"Step {event.step}")
        else:
            self._say(f"Step {event.step} (attempt {event.attempt} of {event.attempts_max})")
        self._action = self._begun = event.action
        self._inner = None

    def _end(self, event: StepEnded) -> None:
        if event.status is StepStatus.SKIPPED:
            self._begun = None
            self._say(f"Step {event.step} skipped")
            return
        if event.message:
            self._say(f"{event.action}: [ERROR] {event.message}")
        self._say(f"{event.action}: FINISHED EXECUTION")
        self._debug(f"Step {event.step} ended: {event.status.value}, {event.seconds:.3f} s")

    def _begin_command(self, argv: tuple[str, ...]) -> None:
        self._shown = argv
        self._stderr.clear()
        if self._action == _BASH:
            self._say(f"{_BASH}: Created temporary directory: {_folder_of(argv)}")
            self._say(f"{_BASH}: Created temporary script file at: {argv[-1]}")
        rest = " ".join(argv[1:])
        self._say(f"CmdExecution: Preparing object for command {argv[0]} with arguments [{rest}]")
        whole = " ".join(argv)
        self._say(f"CmdExecution: Starting execution of command with arguments [{whole}]")

    def _line(self, event: OutputLine) -> None:
        if event.stream == "stderr":
            self._stderr.add(event.text if event.continues else f"{event.text}\n")
            return
        self._stdout.append(event.text)
        if not event.continues or len(self._stdout) >= _PIECES_MAX:
            self._say(f"Stdout: {''.join(self._stdout)}")
            self._stdout.clear()

    def _end_command(self, event: CommandEnded) -> None:
        stderr = "".join(self._stderr).rstrip("\n")
        self._last_stderr[event.phase, event.step] = stderr
        self._say("CmdExecution: Terminating read operation on STDOUT pipe - EOF")
        if event.exit_code is not None:
            self._say("CmdExecution: Command execution has been completed")
        if event.exit_code == 0:
            self._say("CmdExecution: Command execution was completed successfully")
        else:
            self._say("CmdExecution: [ERROR] Command execution has resulted in an error")
        self._say(f"CmdExecution: Stderr: {stderr}")
        if event.exit_code is not None:
            self._say(f"CmdExecution: ExitCode {event.exit_code}")
        if self._action == _BASH:
            folder = _folder_of(self._shown)
            self._say(f"{_BASH}: Removing temporary directory: {folder}")
            self._say(f"{_BASH}: Successfully removed temporary directory: {folder}")


def _ends_unbegun(event: Event) -> bool:
    """Tell whether a step ends before its module began."""
    return isinstance(event, StepEnded) and event.status is StepStatus.SKIPPED


def _folder_of(argv: tuple[str, ...]) -> str:
    return argv[-1].rpartition("/")[0]
