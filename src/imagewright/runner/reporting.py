"""What a run tells while it goes on: events, one after another, in the order of what happened.

Whoever shows them (a build's log, the command line, the log folder of §9) picks what it needs;
nothing that a step with ``disableLogging`` printed or was given is ever in one, and no secret.
"""

from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from imagewright.masking import Secrets
from imagewright.runner.status import PhaseStatus, StepStatus


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase begins."""

    phase: str


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """A phase is over."""

    phase: str
    status: PhaseStatus
    seconds: float


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins; also again after a reboot, and for each further attempt."""

    phase: str
    step: str
    action: str
    attempt: int
    """From 1."""
    attempts_max: int


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is over, after its last attempt."""

    phase: str
    step: str
    action: str
    status: StepStatus
    seconds: float
    message: str
    """Why it failed; empty otherwise."""


@dataclass(frozen=True, slots=True)
class CommandStarted:
    """A script or program of the author's begins."""

    phase: str
    step: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """It is over."""

    phase: str
    step: str
    exit_code: int | None
    """None: it came to no end of its own, as when its time was up."""


@dataclass(frozen=True, slots=True)
class OutputLine:
    """It printed a line."""

    phase: str
    step: str
    stream: Literal["stdout", "stderr"]
    text: str
    continues: bool = False
    """The line is a long one, and goes on in the next of its stream."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth telling about a step."""

    phase: str
    step: str
    level: Literal["info", "warning"]
    text: str


@dataclass(frozen=True, slots=True)
class Rebooting:
    """The machine goes down and comes up again."""

    phase: str
    step: str
    count: int
    """Of this run, with this one."""
    runs_again: bool
    """The step runs again afterwards; otherwise the run goes on behind it."""


@dataclass(frozen=True, slots=True)
class InDocument:
    """Something within a document that a step executes."""

    phase: str
    step: str
    """The step that executes it."""
    document: str
    """Where it is, as the step names it."""
    event: "Event"


Event: TypeAlias = (
    PhaseStarted
    | PhaseEnded
    | StepStarted
    | StepEnded
    | CommandStarted
    | CommandEnded
    | OutputLine
    | Notice
    | Rebooting
    | InDocument
)


class Reporter(Protocol):
    """Hears of every event, in the thread that runs the component."""

    def report(self, event: Event) -> None:
        """Take one event. What it raises ends the run."""
        ...


class Silent:
    """A reporter for those who only want the result."""

    def report(self, event: Event) -> None:
        """Let it pass."""


class Discreet:
    """A reporter that tells another all but the secrets; lines of output come without them."""

    def __init__(self, reporter: Reporter, secrets: Secrets) -> None:
        self._reporter = reporter
        self._secrets = secrets

    def report(self, event: Event) -> None:
        """Pass one event on."""
        if self._secrets:
            event = self._without_secrets(event)
        self._reporter.report(event)

    def _without_secrets(self, event: Event) -> Event:
        mask = self._secrets.mask
        match event:
            case CommandStarted(argv=argv):
                return replace(event, argv=tuple(map(mask, argv)))
            case StepEnded(message=message):
                return replace(event, message=mask(message))
            case Notice(text=text):
                return replace(event, text=mask(text))
            case InDocument(document=document, event=inner):
                return replace(event, document=mask(document), event=self._without_secrets(inner))
            case _:
                return event
