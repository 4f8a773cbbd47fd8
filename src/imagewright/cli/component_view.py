"""A component's run on a terminal, while it goes on; elsewhere why it failed alone."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from rich.console import Console
from rich.status import Status
from rich.text import Text

from imagewright.cli.exits import note
from imagewright.cli.text import CROSS, RING, TICK, seconds, sign, visible
from imagewright.runner.reporting import (
    Event,
    InDocument,
    OutputLine,
    Rebooting,
    StepEnded,
    StepStarted,
)
from imagewright.runner.status import StepStatus

_MARKS = {
    StepStatus.SUCCESS: (TICK, "green"),
    StepStatus.SKIPPED: (RING, "dim"),
    StepStatus.IGNORED_FAILURE: (CROSS, "yellow"),
}
_LINE_WIDTH = 60
_MESSAGE_CHARACTERS_MAX = 2_000
_TELL_SECONDS = 2.0
"""Where no terminal is, one hears this seldom that it goes on."""


class RunView:
    """Shows the step that runs, and each that ended."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._step = ""
        self._said: set[str] = set()

    def progress(self, what: str, how_far: str) -> None:
        """Show what takes its time before the first step; where no terminal is, say it once."""
        if self._console.is_terminal:
            self._status.update(_plain(f"{what}: {how_far}"))
        elif what not in self._said:
            self._said.add(what)
            note(what)

    def wait(self, what: str) -> None:
        """Show on a terminal what is waited for."""
        if self._console.is_terminal:
            self._status.update(_plain(what))

    def notice(self, text: str) -> None:
        """Show what one should know."""
        note(text)

    @contextmanager
    def counting(self, total: int) -> Iterator["Count"]:
        """Show how many of a number of runs are over."""
        yield Count(total, self._status, is_terminal=self._console.is_terminal)

    def take(self, place: str, event: Event) -> None:
        """Take one event of a document; where no terminal is, say why a step failed and no more."""
        if not self._console.is_terminal:
            if isinstance(event, StepEnded) and event.status is StepStatus.FAILED:
                why = "\n".join(_lines(event.message))
                note(f"{place}: {event.phase} {event.step} failed: {why}")
            return
        match event:
            case StepStarted(phase=phase, step=step):
                self._step = f"{phase} {step}"
                self._status.update(self._step)
            case OutputLine(text=text):
                shown = visible(text)[:_LINE_WIDTH]
                self._status.update(Text.assemble(self._step, "  ", (shown, "dim")))
            case Rebooting():
                self._status.update(f"{self._step}: the machine restarts")
            case StepEnded():
                self._console.print(step_line(event))
            case InDocument(event=inner) if not isinstance(inner, StepStarted | StepEnded):
                self.take(place, inner)  # under the name of the step that executes it
            case _:
                pass


@dataclass(slots=True)
class Count:
    """How many runs are over, and how long they took together."""

    total: int
    status: Status
    is_terminal: bool
    over: int = 0
    started_at: float = field(default_factory=time.monotonic)
    _told_at: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._show()

    @property
    def seconds(self) -> float:
        """The time since the first began."""
        return time.monotonic() - self.started_at

    def one(self, _ended: object) -> None:
        """Count one more; from any thread."""
        with self._lock:
            self.over += 1
            self._show()

    def _show(self) -> None:
        said = f"{self.over} of {self.total} cases are over"
        if self.is_terminal:
            self.status.update(said)
        elif self.over < self.total and time.monotonic() > self._told_at + _TELL_SECONDS:
            self._told_at = time.monotonic()
            note(said)


def _plain(text: str) -> Text:
    """Take a text as it is: what others wrote is no markup, and may not act upon the terminal."""
    return Text(visible(text))


def _lines(message: str) -> list[str]:
    """Cut a message into lines; what it quotes may be long, and the log has it whole."""
    whole = len(message) <= _MESSAGE_CHARACTERS_MAX
    shown = message if whole else f"{message[:_MESSAGE_CHARACTERS_MAX]}…"
    return [visible(line) for line in shown.splitlines()]


def step_line(event: StepEnded) -> Text:
    """Draw a step that ended."""
    mark, style = _MARKS.get(event.status, (CROSS, "bold red"))
    told = "  " + "\n    ".join(_lines(event.message)) if event.message else ""
    return Text.assemble(
        (f"{sign(mark)} ", style),
        f"{event.phase} ",
        (event.step, "bold"),
        (f"  {event.action}  {seconds(event.seconds)}", "dim"),
        (told, "red" if event.message else ""),
    )


@contextmanager
def watching(what: str) -> Iterator[RunView]:
    """Show a run on standard error, if that is a terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    status = console.status(_plain(what))
    if not console.is_terminal:
        yield RunView(console, status)
        return
    with status:
        yield RunView(console, status)


def trace(text: str) -> None:
    """Show an entry of the log; some have several lines."""
    for line in text.split("\n"):
        print(visible(line), file=sys.stderr, flush=True)
