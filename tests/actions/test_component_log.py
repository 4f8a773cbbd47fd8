"""What a build's log says of a component that runs."""

from typing import Any

import pytest

from imagewright.actions.component_log import ComponentLog
from imagewright.runner.reporting import (
    Event,
    InDocument,
    OutputLine,
    PhaseStarted,
    Rebooting,
    StepEnded,
    StepStarted,
)
from imagewright.runner.status import StepStatus


class Heard:
    """A step's log that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.lines: list[tuple[str, str, bool]] = []
        self.places: list[tuple[object, object]] = []

    def line(self, stream: str, text: str, *, continues: bool = False, **facts: Any) -> None:
        self.places.append((facts["phase"], facts["component_step"]))
        self.lines.append((stream, text, continues))

    def note(self, text: str, **facts: Any) -> None:
        self.places.append((facts["phase"], facts.get("component_step")))
        self.notes.append(text)


def ended(status: StepStatus, message: str = "") -> StepEnded:
    return StepEnded("build", "One", "ExecuteBash", status, 0.1, message)


@pytest.mark.parametrize(
    ("event", "notes"),
    [
        (StepStarted("build", "One", "ExecuteBash", 1, 3), ["Step One: ExecuteBash"]),
        (StepStarted("build", "One", "ExecuteBash", 2, 3), ["Step One: ExecuteBash (attempt 2)"]),
        (ended(StepStatus.SUCCESS), []),
        (ended(StepStatus.SKIPPED), ["Step One skipped by its `if`"]),
        (ended(StepStatus.FAILED, "exit status 1"), ["Step One failed: exit status 1"]),
        (Rebooting("build", "One", 1, True), ["The machine reboots, then One runs again"]),
        (Rebooting("build", "One", 1, False), ["The machine reboots, then the run goes on"]),
    ],
)
def test_what_happens_to_a_step_is_noted(event: Event, notes: list[str]) -> None:
    """component-documents.md §4.6, §5.3."""
    heard = Heard()

    ComponentLog(heard, "arn:component").report(event)

    assert heard.notes == notes


def test_what_happens_in_a_document_is_told_as_of_the_step_that_executes_it() -> None:
    """§7.1; a watcher knows the steps of the component and no others."""
    heard = Heard()
    log = ComponentLog(heard, "arn:component")

    for inner in (
        StepStarted("test", "Two", "ExecuteBash", 1, 1),
        OutputLine("test", "Two", "stdout", "inner"),
        InDocument("test", "Two", "/deep.yaml", PhaseStarted("build")),
    ):
        log.report(InDocument("build", "One", "/in.yaml", inner))

    assert heard.notes == ["/in.yaml: Step Two: ExecuteBash", "/in.yaml: Phase build"]
    assert heard.lines == [("stdout", "inner", False)]
    assert heard.places == [("build", "One")] * 3


def test_a_piece_of_a_long_line_stays_one() -> None:
    heard = Heard()
    log = ComponentLog(heard, "arn:component")

    log.report(OutputLine("build", "One", "stdout", "begin", continues=True))
    log.report(OutputLine("build", "One", "stdout", "end"))

    assert heard.lines == [("stdout", "begin", True), ("stdout", "end", False)]
