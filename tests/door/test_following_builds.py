"""What those who follow a build are told, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.door.conftest import add_image, call_by

from imagewright.clock import iso_milliseconds
from imagewright.documents.specs import Stage
from imagewright.door.following import Watch
from imagewright.engine.records import (
    ImageStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
)
from imagewright.logs.builds import READ_BYTES_MAX, BuildLogs
from imagewright.store.builds import BuildRecords
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox

START = datetime(2026, 1, 1, tzinfo=UTC)


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def advance(self, milliseconds: int = 10) -> datetime:
        self.time += timedelta(milliseconds=milliseconds)
        return self.time


class Scene:
    """A build of one workflow with two steps, moved along by a test."""

    def __init__(self, database: Database, logs: Path) -> None:
        self.clock = HandClock()
        self.logs = BuildLogs(logs, self.clock)
        self.database = database
        self.records = BuildRecords(database, Outbox((), self.clock))
        self.arn = add_image(database)
        self.execution = WorkflowExecution(
            id="wf-1",
            image_arn=self.arn,
            ordinal=0,
            planned=0,
            workflow_arn="arn:aws:imagebuilder:us-east-1:aws:workflow/build/b/1.0.0/1",
            stage=Stage.BUILD,
        )
        self.steps = [
            StepExecution(
                id=f"step-{name}",
                workflow_execution_id="wf-1",
                image_arn=self.arn,
                ordinal=ordinal,
                name=name,
                action="RunCommand",
            )
            for ordinal, name in enumerate(("One", "Two"))
        ]
        self.records.begin([self.execution], self.steps)

    def watch(self, after_bytes: int = 0) -> Watch:
        return Watch(
            self.database,
            self.logs,
            self.arn,
            call_by(),
            clock=self.clock,
            after_bytes=after_bytes,
        )

    def start_workflow(self) -> None:
        self.execution = replace(
            self.execution, status=WorkflowStatus.RUNNING, started_at=self.clock.advance()
        )
        self.records.save_execution(self.execution)
        self.records.set_image_state(self.arn, ImageStatus.BUILDING)

    def start(self, ordinal: int) -> None:
        self._save(ordinal, status=StepStatus.RUNNING, started_at=self.clock.advance())

    def say(self, ordinal: int, text: str) -> None:
        self.clock.advance()
        self.logs.write(self.arn, "line", text, step_execution=self.steps[ordinal].id)

    def end(self, ordinal: int) -> None:
        self._save(ordinal, status=StepStatus.COMPLETED, ended_at=self.clock.advance())

    def finish(self) -> None:
        self.execution = replace(
            self.execution, status=WorkflowStatus.COMPLETED, ended_at=self.clock.advance()
        )
        self.records.save_execution(self.execution)
        self.records.set_image_state(self.arn, ImageStatus.AVAILABLE)

    def _save(self, ordinal: int, **changes: Any) -> None:
        self.steps[ordinal] = replace(self.steps[ordinal], **changes)
        self.records.save_step(self.steps[ordinal])


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Scene:
    """Return a build that has not begun."""
    return Scene(database, tmp_path / "logs")


def told(watch: Watch, scene: Scene) -> list[str]:
    """Look once, a little later than what has happened; return the events in short."""
    scene.clock.advance()
    return [short(event) for event in watch.look()]


def short(event: Any) -> str:
    match event["event"]:
        case "step":
            return f"{event['name']} {event['status']}"
        case "log":
            return str(event["text"])
        case "mark":
            return "mark"
        case kind:
            return f"{kind} {event['status']}"


def run_whole(scene: Scene) -> None:
    scene.start_workflow()
    scene.start(0)
    scene.say(0, "one")
    scene.end(0)
    scene.start(1)
    scene.say(1, "two")
    scene.end(1)
    scene.finish()


WHOLE = [
    "workflow RUNNING", "One RUNNING", "one", "One COMPLETED", "Two RUNNING", "two",
    "Two COMPLETED", "workflow COMPLETED",
]  # fmt: skip


def test_who_comes_late_is_told_everything_in_its_order(scene: Scene) -> None:
    run_whole(scene)
    watch = scene.watch()

    first, second = told(watch, scene), told(watch, scene)

    assert first == [*WHOLE, "mark"]
    assert second == ["end AVAILABLE"]
    assert watch.is_over


def test_who_is_there_is_told_each_thing_once(scene: Scene) -> None:
    watch = scene.watch()
    events = told(watch, scene)

    for act in (
        scene.start_workflow,
        lambda: scene.start(0),
        lambda: scene.say(0, "one"),
        lambda: scene.end(0),
        lambda: scene.start(1),
        lambda: scene.say(1, "two"),
        lambda: scene.end(1),
        scene.finish,
    ):
        act()
        events += told(watch, scene)
    events += told(watch, scene)

    seen = [event for event in events if event != "mark"]
    assert seen == ["state PENDING", "state BUILDING", *WHOLE, "end AVAILABLE"]


def test_what_is_younger_than_the_look_waits_for_the_next(scene: Scene) -> None:
    scene.start_workflow()
    scene.start(0)
    scene.say(0, "one")
    scene.clock.time = START + timedelta(milliseconds=5)  # the look began before all of it
    watch = scene.watch()

    early = [short(event) for event in watch.look()]
    scene.clock.time = START + timedelta(seconds=1)
    late = [short(event) for event in watch.look()]

    assert early == ["state BUILDING", "mark"]
    assert late == ["workflow RUNNING", "One RUNNING", "one"]


def test_a_mark_is_where_to_go_on_from(scene: Scene) -> None:
    scene.start_workflow()
    scene.start(0)
    scene.say(0, "one")
    scene.clock.advance()
    mark = scene.watch().look()[-1]
    scene.say(0, "two")

    again = told(scene.watch(after_bytes=mark["next"]), scene)

    assert mark["event"] == "mark"
    assert "two" in again
    assert "one" not in again


def test_a_mark_comes_before_what_is_held_back(scene: Scene) -> None:
    scene.say(0, "young")
    scene.clock.time = START

    [*_, mark] = scene.watch().look()

    assert mark == {"event": "mark", "next": 0}


def test_a_long_log_is_told_in_pieces_and_steps_end_after_their_lines(scene: Scene) -> None:
    scene.start_workflow()
    scene.start(0)
    lines = 3 * READ_BYTES_MAX // 16_000
    for number in range(lines):
        scene.say(0, f"{number}".ljust(16_000, "."))
    scene.end(0)
    scene.finish()
    watch = scene.watch()

    pieces: list[list[str]] = []
    while not watch.is_over:
        pieces.append(told(watch, scene))

    events = [event[:12].strip(".") for piece in pieces for event in piece if event != "mark"]
    assert len(pieces) > 3
    assert events[:2] == ["workflow RUN", "One RUNNING"]
    assert events[2 : 2 + lines] == [str(number) for number in range(lines)]
    assert events[2 + lines] == "One COMPLETE"


def test_a_step_that_waits_and_one_that_is_undone_are_told(scene: Scene) -> None:
    scene.start_workflow()
    scene.start(0)
    watch = scene.watch()
    told(watch, scene)

    scene._save(0, status=StepStatus.WAITING)
    waiting = told(watch, scene)

    assert waiting == ["One WAITING"]


def test_the_image_may_be_deleted_meanwhile(scene: Scene) -> None:
    watch = scene.watch()
    told(watch, scene)
    with scene.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM resources")

    assert told(watch, scene) == ["end DELETED"]
    assert watch.is_over


def test_a_workflow_that_is_skipped_has_no_beginning(scene: Scene) -> None:
    scene.execution = replace(
        scene.execution,
        status=WorkflowStatus.SKIPPED,
        started_at=scene.clock.advance(),
        ended_at=scene.clock.now(),
    )
    scene.records.save_execution(scene.execution)

    assert told(scene.watch(), scene) == ["state PENDING", "workflow SKIPPED"]


def test_times_are_the_records_own(scene: Scene) -> None:
    scene.start_workflow()
    scene.start(0)
    scene.end(0)
    scene.clock.advance()

    steps = [event for event in scene.watch().look() if event["event"] == "step"]

    assert [step["time"] for step in steps] == [
        iso_milliseconds(START + timedelta(milliseconds=20)),
        iso_milliseconds(START + timedelta(milliseconds=30)),
    ]
    assert steps[1]["seconds"] == 0.01


def test_what_a_retry_took_over_stands_below_its_workflow(scene: Scene) -> None:
    for ordinal in (0, 1):
        scene.start(ordinal)
        scene.end(ordinal)
    watch = scene.watch()

    early = told(watch, scene)
    scene.start_workflow()
    late = told(watch, scene)

    assert early == ["state PENDING"]
    steps = ["One RUNNING", "One COMPLETED", "Two RUNNING", "Two COMPLETED"]
    assert late == ["state BUILDING", "workflow RUNNING", *steps]
