"""A build on the screen: its steps with their times, live, and in the end what came of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from imagewright.cli.text import (
    AGAIN,
    ARROW,
    BAR,
    CROSS,
    RING,
    TICK,
    logged,
    seconds,
    short,
    sign,
    visible,
)

Event = Mapping[str, Any]

_LAST_LINES = 20
_NAME_WIDTH = 32
_MARKS = {
    "COMPLETED": (TICK, "green"),
    "FAILED": (CROSS, "bold red"),
    "CANCELLED": (CROSS, "yellow"),
    "SKIPPED": (RING, "dim"),
    "WAITING": (ARROW, "bold yellow"),
}

_UNDONE = {"COMPLETED": "is undone", "FAILED": "could not be undone"}


class View(Protocol):
    """Shows what happens."""

    def begin(self, step: Event) -> None:
        """Show that a step runs."""
        ...

    def line(self, entry: Event) -> None:
        """Show a line of a program's output."""
        ...

    def note(self, entry: Event) -> None:
        """Show what a step tells of itself."""
        ...

    def say(self, text: Text) -> None:
        """Show something for good."""
        ...

    def settle(self, step: Event) -> None:
        """Show how a step stands: it ended, or waits."""
        ...

    def pulse(self) -> None:
        """Show that it goes on."""
        ...


@dataclass
class Progress:
    """Takes the events of a build in and has a view show them. Told twice, it shows once."""

    view: View
    place: int = 0
    """How far the log was told; where to go on after a lost connection."""
    end: Event | None = None
    """The last event, once the build is over."""
    is_closing: bool = False
    """The server said that it stops."""
    _told: dict[str, str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Take one event."""
        match event["event"]:
            case "workflow":
                self._workflow(event)
            case "step":
                self._step(event)
            case "log":
                self._log(event)
            case "mark":
                self.place = event["next"]
            case "alive":
                self.view.pulse()
            case "end":
                self.end = event
            case "closing":
                self.is_closing = True

    @property
    def last_lines(self) -> list[str]:
        """What the build said last."""
        return self._lines[-_LAST_LINES:]

    def _workflow(self, event: Event) -> None:
        if event["status"] == "RUNNING" and self._is_news(event["workflowExecutionId"], "RUNNING"):
            name = short(event["workflowBuildVersionArn"]).partition("/")[2]
            self.view.say(Text.assemble((event["type"], "bold"), (f"  {name}", "dim")))

    def _step(self, event: Event) -> None:
        step_id, status = event["stepExecutionId"], event["status"]
        if self._is_news(step_id, status):
            if status == "RUNNING":
                self.view.begin(event)
            else:
                self.view.settle(event)
        undone = event.get("rollbackStatus")
        if undone in _UNDONE and self._is_news(f"undoing {step_id}", undone):
            self.view.say(Text(f"    {event['name']} {_UNDONE[undone]}", style="dim"))

    def _log(self, event: Event) -> None:
        text = logged(event)
        if event["kind"] == "line":
            self._lines.append(text)
            del self._lines[: -2 * _LAST_LINES]
            self.view.line(event)
        elif event.get("reused") == "yes":
            what = text.removeprefix("Reused ")
            self.view.say(Text.assemble(f"    {sign(AGAIN)} ", (what, "cyan")))
        elif event.get("reused") is None and ("component" in event or self._is_news(text, "told")):
            self.view.note(event)

    def _is_news(self, what: str, stands: str) -> bool:
        told = self._told.get(what)
        if told == stands or (told is not None and stands == "RUNNING"):
            return False
        self._told[what] = stands
        return True


@contextmanager
def showing(console: Console, *, with_lines: bool) -> Iterator[Progress]:
    """Show a build on a console: live on a terminal, plain lines anywhere else.

    ``with_lines``: a terminal, too, gets every line of output.
    """
    if not console.is_terminal:
        yield Progress(PlainView(console))
        return
    view = LiveView(console, with_lines=with_lines)
    with Live(view, console=console, refresh_per_second=10, transient=True):
        yield Progress(view)


class PlainView:
    """Lines one after another. A step that ends at once has one line, the others two."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun: dict[str, str] = {}

    def begin(self, step: Event) -> None:
        """Show that a step runs, as soon as it says something or takes its time."""
        self.pulse()
        self._begun[step["stepExecutionId"]] = step["name"]

    def line(self, entry: Event) -> None:
        """Show a line of a program's output."""
        self.say(Text(f"    {sign(BAR)} {logged(entry)}"))

    def note(self, entry: Event) -> None:
        """Show what a step tells of itself."""
        self.say(_note(entry))

    def say(self, text: Text) -> None:
        """Show something for good."""
        self.pulse()
        self._print(text)

    def settle(self, step: Event) -> None:
        """Show how a step stands."""
        self._begun.pop(step["stepExecutionId"], None)
        self.say(_settled(step))

    def pulse(self) -> None:
        """Show which steps run."""
        for name in self._begun.values():
            self._print(Text(f"  {sign(ARROW)} {name}"))
        self._begun.clear()

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


class LiveView:
    """What has ended stands above; below it, moving, what runs."""

    def __init__(self, console: Console, *, with_lines: bool) -> None:
        self._console = console
        self._with_lines = with_lines
        self._running: dict[str, Event] = {}
        self._last: dict[str, str] = {}
        self._spinners: dict[str, Spinner] = {}

    def begin(self, step: Event) -> None:
        """Show that a step runs."""
        self._running[step["stepExecutionId"]] = step
        self._spinners[step["stepExecutionId"]] = Spinner("dots", style="cyan")

    def line(self, entry: Event) -> None:
        """Show a line: the last one beside its step, or all of them."""
        text = logged(entry)
        self._last[entry.get("step_execution", "")] = text
        if self._with_lines:
            self._print(Text(f"    {sign(BAR)} {text}", style="dim"))

    def note(self, entry: Event) -> None:
        """Show what a step tells of itself: for good unless it is about its progress."""
        is_passing = "component" in entry or "progress" in entry
        if is_passing:
            self._last[entry.get("step_execution", "")] = _note(entry).plain.strip()
        if self._with_lines or not is_passing:
            self._print(_note(entry))

    def say(self, text: Text) -> None:
        """Show something for good."""
        self._print(text)

    def settle(self, step: Event) -> None:
        """Show how a step stands."""
        if step["status"] != "WAITING":
            self._running.pop(step["stepExecutionId"], None)
        self._print(_settled(step))

    def pulse(self) -> None:
        """The clock of a running step shows that it goes on."""

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=3, justify="right")
        table.add_column(min_width=_NAME_WIDTH, no_wrap=True)
        table.add_column(justify="right", no_wrap=True, min_width=8)
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim")
        for step_id, step in self._running.items():
            table.add_row(
                self._spinners[step_id],
                escape(step["name"]),
                seconds(_seconds_since(step["startTime"])),
                escape(self._last.get(step_id, "")),
            )
        yield table

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


def _note(entry: Event) -> Text:
    about = f"{short(entry['component'])}: " if "component" in entry else ""
    return Text(f"    {about}{visible(entry['text'])}", style="dim")


def _settled(step: Event) -> Text:
    mark, style = _MARKS.get(step["status"], (RING, ""))
    text = Text.assemble((f"  {sign(mark)} ", style), step["name"].ljust(_NAME_WIDTH))
    if "seconds" in step and step["status"] != "SKIPPED":
        text.append(f" {seconds(step['seconds']):>8}")
    if step["status"] == "SKIPPED":
        text.append("  skipped", style="dim")
    if step["status"] == "WAITING":
        text.append("  waits for an answer: imagewright runs approve", style="yellow")
    if message := step.get("message"):
        text.append(f"\n    {visible(message)}", style=style)
    return text


def _seconds_since(moment: str) -> float:
    return max((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds(), 0.0)
