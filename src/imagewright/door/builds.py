"""Builds, as their authors follow them: which there are, what each did, what it said."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import Connection, select

from imagewright.api import lookup
from imagewright.api.shapes import CreateImageRequest, CreateImageResponse
from imagewright.arns import Kind
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.door.asked import Asked
from imagewright.door.finding import find_image
from imagewright.engine.records import ImageStatus, StepExecution, WorkflowExecution
from imagewright.logs.builds import BuildLogs
from imagewright.store import builds
from imagewright.store import resources as store
from imagewright.store.build_tables import FAILED_WORK, machine_steps, step_executions
from imagewright.store.database import Database
from imagewright.store.resources import EVERYTHING, Conditions, Stored
from imagewright.store.tables import resources
from imagewright.wire.checking import check_parameters
from imagewright.wire.model import service
from imagewright.wire.reading import read_parameters

COUNT_MAX = 1000
LOG_BYTES_MAX = 1 << 20
"""Of one answer; whoever wants more asks again from where it ended."""

Json = Mapping[str, Any]


class StartImage(Protocol):
    """CreateImage, with what AWS has no member for."""

    def __call__(
        self, request: CreateImageRequest, call: Call, *, reuse_layers: bool = True
    ) -> CreateImageResponse:
        """Start a build."""
        ...


class RetryBuild(Protocol):
    """Takes a build up at the step that failed: ``api.retries.Retries.go_on``."""

    def __call__(self, find: Callable[[Connection], Stored]) -> Stored:
        """Retry the image that ``find`` returns."""
        ...


@dataclass(frozen=True, slots=True)
class Builds:
    """The operations on builds."""

    database: Database
    logs: BuildLogs
    start_image: StartImage
    retry_build: RetryBuild
    client_token_required: bool

    def list(self, asked: Asked) -> Json:
        """Return the newest builds of the caller, each with its state and its times.

        ``status`` restricts them to those of one state.
        """
        count = asked.number("count", 50, maximum=COUNT_MAX)
        place = lookup.own_place(asked.call, Kind.IMAGE)
        with self.database.read() as connection:
            found = store.page_of_builds(
                connection, place, conditions=_wanted(asked), before=None, limit=count
            )
            return {"builds": [_summary(connection, stored) for stored in found]}

    def detail(self, asked: Asked) -> Json:
        """Return a build's workflows and steps, how long each took, and what was reused."""
        with self.database.read() as connection:
            stored = find_image(connection, asked.text("image"), asked.call)
            arn = str(stored.arn)
            works = _works_by_step(connection, arn)
            return {
                **_summary(connection, stored),
                "workflows": [
                    {
                        **workflow_entry(execution),
                        "steps": [
                            {**step_entry(step), "works": works.get(step.id, [])}
                            for step in builds.steps_of(connection, execution.id)
                        ],
                    }
                    for execution in builds.executions_of(connection, arn)
                ],
            }

    def log(self, asked: Asked) -> Json:
        """Return what a build has said after a place, and the place to go on from."""
        after = asked.number("after", 0, maximum=10**18)
        with self.database.read() as connection:
            stored = find_image(connection, asked.text("image"), asked.call)
        arn = str(stored.arn)
        entries, following = self.logs.read(arn, after_bytes=after, bytes_max=LOG_BYTES_MAX)
        return {
            "imageBuildVersionArn": arn,
            "status": stored.status,
            "entries": entries,
            "next": following,
        }

    def start(self, asked: Asked) -> Json:
        """Start a build as CreateImage does, which with ``reuse=no`` reuses no layer."""
        operation = service().operations["CreateImage"]
        parameters = read_parameters(
            operation, asked.request, None, client_token_required=self.client_token_required
        )
        check_parameters(operation, parameters)
        answer = self.start_image(
            cast("CreateImageRequest", parameters),
            asked.call,
            reuse_layers=asked.flag("reuse", default=True),
        )
        return cast("Json", answer)

    def retry(self, asked: Asked) -> Json:
        """Take a build that failed or was cancelled up at the step that stopped it.

        ``logged`` is the place in its log behind which the retry is told.
        Raises ResourceNotFound, ResourceInUse and InvalidRequest.
        """
        reference = str(asked.body().get("image", ""))
        with self.database.read() as connection:
            arn = str(find_image(connection, reference, asked.call).arn)
        logged = self.logs.end(arn)
        self.retry_build(lambda connection: find_image(connection, arn, asked.call))
        return {"imageBuildVersionArn": arn, "logged": logged}


def step_entry(step: StepExecution) -> dict[str, Any]:
    """Show a step."""
    shown = {
        "stepExecutionId": step.id,
        "workflowExecutionId": step.workflow_execution_id,
        "name": step.name,
        "action": step.action,
        "status": step.status.value,
        "rollbackStatus": None if step.rollback_status is None else step.rollback_status.value,
        "message": step.message,
        **_times(step),
    }
    return {name: value for name, value in shown.items() if value is not None}


def workflow_entry(execution: WorkflowExecution) -> dict[str, Any]:
    """Show a workflow execution, without its steps."""
    shown = {
        "workflowExecutionId": execution.id,
        "workflowBuildVersionArn": execution.workflow_arn,
        "type": execution.stage.value,
        "status": execution.status.value,
        "parallelGroup": execution.parallel_group,
        "retried": execution.retried or None,
        **_times(execution),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _wanted(asked: Asked) -> Conditions:
    if (status := asked.query.get("status")) is None:
        return EVERYTHING
    return Conditions(clauses=(resources.c.status == status,))


def _summary(connection: Connection, stored: Stored) -> dict[str, Any]:
    executions = builds.executions_of(connection, str(stored.arn))
    started = [each.started_at for each in executions if each.started_at is not None]
    ended = [each.ended_at for each in executions if each.ended_at is not None]
    is_over = ImageStatus(str(stored.status)).is_final
    shown = {
        "imageBuildVersionArn": str(stored.arn),
        "name": stored.name,
        "version": f"{stored.arn.version}/{stored.arn.build}",
        "dateCreated": stored.created_at,
        "osVersion": stored.body.get("osVersion"),
        "images": _outputs(stored.body["outputResources"]),
        **stored.body["state"],
        **_span(min(started, default=None), max(ended, default=None) if is_over else None),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _outputs(resources: Mapping[str, Any]) -> list[str]:
    """Name what came of a build: AMIs by their ids, container images by where they lie."""
    amis = [ami["image"] for ami in resources.get("amis", ())]
    return amis + [uri for each in resources.get("containers", ()) for uri in each["imageUris"]]


def _works_by_step(connection: Connection, image_arn: str) -> Mapping[str, list[Json]]:
    """Return what each step did on its machine, piece by piece, and why a piece was reused."""
    query = (
        select(machine_steps)
        .join(step_executions, step_executions.c.id == machine_steps.c.token)
        .where(step_executions.c.image_arn == image_arn)
        .order_by(machine_steps.c.token, machine_steps.c.unit)
    )
    found: dict[str, list[Json]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.token].append(
            {
                "name": row.name,
                "reused": row.reused,
                "failed": row.reason == FAILED_WORK,
                "reason": row.reason,
                "layer": row.layer_id,
            }
        )
    return found


def _times(record: StepExecution | WorkflowExecution) -> dict[str, Any]:
    return _span(record.started_at, record.ended_at)


def _span(started: datetime | None, ended: datetime | None) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if started is not None:
        shown["startTime"] = iso_milliseconds(started)
    if ended is not None:
        shown["endTime"] = iso_milliseconds(ended)
    if started is not None and ended is not None:
        shown["seconds"] = round((ended - started).total_seconds(), 3)
    return shown
