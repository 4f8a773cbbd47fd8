"""A build while it happens: a stream of events that ends when the build ends.

One JSON object a line:

- ``{"event": "state", "status": …}``: the image moved to another state
- ``{"event": "workflow", …}``: a workflow execution, whenever its status changed
- ``{"event": "step", …}``: a step, whenever its status changed
- ``{"event": "log", …}``: an entry of the build's log
- ``{"event": "mark", "next": …}``: where to go on from after a lost connection
- ``{"event": "alive"}``: nothing has happened for a while
- ``{"event": "end", "status": …}``: the build is over, and nothing follows
- ``{"event": "closing"}``: the server stops; the build goes on when one runs on its state again

Whoever comes late is told everything from the start, or the log after a mark.
"""

import heapq
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import sleep, to_thread

from imagewright.call import Call
from imagewright.clock import Clock, iso_milliseconds
from imagewright.door.builds import Json, step_entry, workflow_entry
from imagewright.door.finding import find_image
from imagewright.engine.records import (
    ImageStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
)
from imagewright.errors import ResourceNotFound
from imagewright.logs.builds import READ_BYTES_MAX, BuildLogs
from imagewright.store import builds
from imagewright.store.database import Database

BUSY_SECONDS = 0.05
"""Between two looks while something happens: how late an event comes at most."""
QUIET_SECONDS = 0.25
"""Between two looks when nothing has happened for a while."""
QUIET_AFTER_SECONDS = 3.0
ALIVE_SECONDS = 2.0
"""Without news, a sign of life comes so often."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """The records of a build at one moment."""

    state: Mapping[str, Any]
    output_resources: Mapping[str, Any]
    executions: Sequence[WorkflowExecution]
    steps: Sequence[StepExecution]

    @property
    def is_final(self) -> bool:
        return ImageStatus(self.state["status"]).is_final


class Watch:
    """Looks at a build again and again, and tells what is new since the last look.

    Everything is told in the order of its time. What happened before a look began is whole in
    the log and in the records that it reads then; what is younger waits for the next look.
    """

    def __init__(
        self,
        database: Database,
        logs: BuildLogs,
        image_arn: str,
        call: Call,
        *,
        clock: Clock,
        after_bytes: int,
    ) -> None:
        self._database = database
        self._logs = logs
        self._arn = image_arn
        self._call = call
        self._clock = clock
        self._place = after_bytes
        self._held_back: list[Json] = []
        self._told: dict[str, tuple[str, ...]] = {}
        self._was_final = False
        self.is_over = False
        self.is_behind = True
        """There is more to be told already: look again at once."""

    def look(self) -> list[Json]:
        """Return what happened since the last look, in its order."""
        horizon: str | None = iso_milliseconds(self._clock.now())
        try:
            entries, place = self._logs.read(self._arn, after_bytes=self._place)
            picture = self._take_picture()
        except ResourceNotFound:
            self.is_over = True
            return [{"event": "end", "imageBuildVersionArn": self._arn, "status": "DELETED"}]
        is_cut = place - self._place > READ_BYTES_MAX // 2
        if is_cut:
            horizon = entries[-1]["time"]
        elif self._was_final:
            horizon = None
        since = {
            each.id: iso_milliseconds(each.started_at)
            for each in picture.executions
            if each.started_at is not None
        }
        placed = heapq.merge(
            _in_time(self._begun(picture, horizon), "startTime", since),
            [((event["time"], event["time"]), event) for event in self._lines(entries, horizon)],
            _in_time(self._moved(picture, horizon), "endTime", since),
            key=_place,
        )
        events = [*self._state(picture), *(event for _, event in placed)]
        if self._was_final and not is_cut:
            self.is_over = True
            events.append(self._end(picture))
        elif place != self._place:
            # What is held back now would be lost to whoever went on from the end.
            events.append({"event": "mark", "next": self._place if self._held_back else place})
        self._place = place
        self._was_final = picture.is_final
        self.is_behind = is_cut or picture.is_final
        return events

    def _take_picture(self) -> _Picture:
        with self._database.read() as connection:
            image = find_image(connection, self._arn, self._call)
            executions = builds.current_executions(connection, self._arn)
            steps = [step for each in executions for step in builds.steps_of(connection, each.id)]
        return _Picture(
            image.body["state"], image.body.get("outputResources", {}), executions, steps
        )

    def _state(self, picture: _Picture) -> Iterator[Json]:
        status = picture.state["status"]
        if not picture.is_final and self._is_news("image", status):
            yield {"event": "state", "imageBuildVersionArn": self._arn, "status": status}

    def _lines(self, entries: Sequence[Json], horizon: str | None) -> list[Json]:
        """Tell what the log says, and hold back for one look what is younger than that."""
        fresh: list[Json] = [{"event": "log", **entry} for entry in entries]
        ready = len(fresh)
        while horizon is not None and ready and fresh[ready - 1]["time"] > horizon:
            ready -= 1
        told = [*self._held_back, *fresh[:ready]]
        self._held_back = fresh[ready:]
        return told

    def _begun(self, picture: _Picture, horizon: str | None) -> Iterator[dict[str, Any]]:
        """Tell what has started, as it was at its start."""
        for execution in picture.executions:
            ran = execution.status not in {WorkflowStatus.PENDING, WorkflowStatus.SKIPPED}
            if ran and self._is_first(execution, horizon):
                entry = workflow_entry(execution)
                yield {"event": "workflow", **entry, "status": "RUNNING"} | _NOT_ENDED
        stages = {execution.id: execution.stage.value for execution in picture.executions}
        for step in picture.steps:
            ran = step.status not in {StepStatus.PENDING, StepStatus.SKIPPED}
            has_begun = step.workflow_execution_id in self._told  # a retry carries steps over
            if ran and has_begun and self._is_first(step, horizon):
                stage = stages[step.workflow_execution_id]
                entry = {**step_entry(step), "stage": stage, "status": "RUNNING"}
                yield {"event": "step", **entry} | _NOT_ENDED

    def _moved(self, picture: _Picture, horizon: str | None) -> Iterator[dict[str, Any]]:
        """Tell what stands otherwise than was told last."""
        stages = {execution.id: execution.stage.value for execution in picture.executions}
        for step in picture.steps:
            has_begun = step.workflow_execution_id in self._told
            is_told = has_begun and step.status is not StepStatus.PENDING
            if is_told and self._is_other(step, horizon):
                stage = stages[step.workflow_execution_id]
                yield {"event": "step", **step_entry(step), "stage": stage}
        for execution in picture.executions:
            if execution.status is not WorkflowStatus.PENDING and self._is_other(
                execution, horizon
            ):
                yield {"event": "workflow", **workflow_entry(execution)}

    def _is_first(self, record: StepExecution | WorkflowExecution, horizon: str | None) -> bool:
        if record.id in self._told or not _is_within(record.started_at, horizon):
            return False
        self._told[record.id] = ("RUNNING", "")
        return True

    def _is_other(self, record: StepExecution | WorkflowExecution, horizon: str | None) -> bool:
        """Tell whether a record that was told to begin, or never will, stands otherwise now."""
        if record.status.value != "SKIPPED" and record.id not in self._told:
            return False
        undone = record.rollback_status if isinstance(record, StepExecution) else None
        return _is_within(record.ended_at, horizon) and self._is_news(
            record.id, record.status.value, undone or ""
        )

    def _is_news(self, what: str, *stands: str) -> bool:
        if self._told.get(what) == stands:
            return False
        self._told[what] = stands
        return True

    def _end(self, picture: _Picture) -> Json:
        return {
            "event": "end",
            "imageBuildVersionArn": self._arn,
            **picture.state,
            "outputResources": picture.output_resources,
        }


_NOT_ENDED = {"endTime": None, "seconds": None, "message": None, "rollbackStatus": None}


async def follow(watch: Watch, draining: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield the events of a build, a line each, until it is over or the server stops."""
    last_news = last_line = time.monotonic()
    while not draining():
        events = await to_thread.run_sync(watch.look)
        now = time.monotonic()
        if events:
            last_news = last_line = now
            yield b"".join(_line(event) for event in events)
        elif now > last_line + ALIVE_SECONDS:
            last_line = now
            yield _line({"event": "alive"})
        if watch.is_over:
            return
        if not watch.is_behind:
            is_quiet = now > last_news + QUIET_AFTER_SECONDS
            await sleep(QUIET_SECONDS if is_quiet else BUSY_SECONDS)
    yield _line({"event": "closing"})


def _line(event: Json) -> bytes:
    present = {name: value for name, value in event.items() if value is not None}
    return json.dumps(present, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _is_within(moment: Any, horizon: str | None) -> bool:
    return horizon is None or moment is None or iso_milliseconds(moment) <= horizon


_Placed = tuple[tuple[str, str], Json]
"""An event with what it is sorted by: when it is told of, and when it was."""


def _in_time(
    events: Iterator[dict[str, Any]], member: str, since: Mapping[str, str]
) -> list[_Placed]:
    """Give events their time and put them in its order.

    ``since`` is when each execution began: what a retry took over from the one before it stands
    behind that.
    """
    placed: list[_Placed] = []
    for event in events:
        moment = str(event.get(member) or event.get("startTime") or "")
        time = max(moment, since.get(event["workflowExecutionId"], ""))
        is_heading = event["event"] == "workflow" and event["status"] == "RUNNING"
        placed.append(((time, "" if is_heading else moment), {**event, "time": time or None}))
    return sorted(placed, key=_place)


def _place(placed: _Placed) -> tuple[str, str]:
    return placed[0]
