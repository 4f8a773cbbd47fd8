"""Executions of workflows and steps: read, listed, answered (§7.9, §11, §12)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.creation import Once
from imagewright.api.images import Runs
from imagewright.api.paging import Page, Pager
from imagewright.api.shapes import (
    GetWorkflowExecutionRequest,
    GetWorkflowExecutionResponse,
    GetWorkflowStepExecutionRequest,
    GetWorkflowStepExecutionResponse,
    ListWaitingWorkflowStepsRequest,
    ListWaitingWorkflowStepsResponse,
    ListWorkflowExecutionsRequest,
    ListWorkflowExecutionsResponse,
    ListWorkflowStepExecutionsRequest,
    ListWorkflowStepExecutionsResponse,
    SendWorkflowStepActionRequest,
    SendWorkflowStepActionResponse,
)
from imagewright.arns import Arn
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.engine.records import StepExecution, StepStatus, WorkflowExecution
from imagewright.errors import InvalidParameterValue, InvalidRequest, ResourceNotFound
from imagewright.store import builds
from imagewright.store.database import Database

MESSAGE_MAX = 500
"""Of messages and descriptions in answers, in characters (§2)."""

Record = TypeVar("Record", StepExecution, WorkflowExecution)


@dataclass(frozen=True, slots=True)
class Executions:
    """The handlers of the execution operations."""

    database: Database
    once: Once
    pager: Pager
    runs: Runs
    strict_statuses: bool
    """Show a waiting step as RUNNING, which the model knows (EXE-10)."""

    def list_workflow_executions(
        self, request: ListWorkflowExecutionsRequest, call: Call
    ) -> ListWorkflowExecutionsResponse:
        """Return the executions of an image's build, in the order they run (SRT-03)."""
        with self.database.read() as connection:
            image = lookup.find(
                connection, request["imageBuildVersionArn"], call, member="imageBuildVersionArn"
            )
            found = builds.shown_executions(connection, str(image.arn))
            page = self._page(request, call, found)
            counts = {each.id: _counts(connection, each.id) for each in page.entries}
        shown = page.members(
            "workflowExecutions",
            lambda each: {**_execution(each, counts[each.id]), "retried": each.retried},
        )
        shown["imageBuildVersionArn"] = str(image.arn)
        if reason := image.body.get("state", {}).get("reason"):
            shown["message"] = reason[:MESSAGE_MAX]
        return cast("ListWorkflowExecutionsResponse", shown)

    def get_workflow_execution(
        self, request: GetWorkflowExecutionRequest, call: Call
    ) -> GetWorkflowExecutionResponse:
        """Return one workflow execution (EXE-09)."""
        with self.database.read() as connection:
            found = _find_execution(connection, request["workflowExecutionId"], call)
            counts = _counts(connection, found.id)
        shown = {**_execution(found, counts), "imageBuildVersionArn": found.image_arn}
        return cast("GetWorkflowExecutionResponse", shown)

    def list_workflow_step_executions(
        self, request: ListWorkflowStepExecutionsRequest, call: Call
    ) -> ListWorkflowStepExecutionsResponse:
        """Return the steps of a workflow execution, in the document's order (SRT-03)."""
        with self.database.read() as connection:
            execution = _find_execution(connection, request["workflowExecutionId"], call)
            found = builds.steps_of(connection, execution.id)
        shown = self._page(request, call, found).members("steps", self._step)
        shown["workflowBuildVersionArn"] = execution.workflow_arn
        shown["workflowExecutionId"] = execution.id
        shown["imageBuildVersionArn"] = execution.image_arn
        return cast("ListWorkflowStepExecutionsResponse", shown)

    def get_workflow_step_execution(
        self, request: GetWorkflowStepExecutionRequest, call: Call
    ) -> GetWorkflowStepExecutionResponse:
        """Return one step execution."""
        with self.database.read() as connection:
            step = _find_step(connection, request["stepExecutionId"], call)
            execution = _find_execution(connection, step.workflow_execution_id, call)
        shown = {
            **self._step(step),
            "workflowBuildVersionArn": execution.workflow_arn,
            "workflowExecutionId": execution.id,
            "imageBuildVersionArn": step.image_arn,
            "onFailure": step.on_failure,
            "timeoutSeconds": step.timeout_seconds,
        }
        return cast("GetWorkflowStepExecutionResponse", shown)

    def list_waiting_workflow_steps(
        self, request: ListWaitingWorkflowStepsRequest, call: Call
    ) -> ListWaitingWorkflowStepsResponse:
        """Return what waits for an answer in the whole account, the longest waiting first."""
        with self.database.read() as connection:
            page = self.pager.cut(
                request,
                call,
                fetch=lambda after, limit: builds.waiting_steps(
                    connection,
                    call.account,
                    call.region,
                    after=None if after is None else (after[0], after[1]),
                    count=limit,
                ),
                place=builds.place_of_waiting,
            )
            executions = {
                step.id: _find_execution(connection, step.workflow_execution_id, call)
                for step in page.entries
            }
        shown = page.members(
            "steps",
            lambda step: {
                "stepExecutionId": step.id,
                "imageBuildVersionArn": step.image_arn,
                "workflowExecutionId": step.workflow_execution_id,
                "workflowBuildVersionArn": executions[step.id].workflow_arn,
                "name": step.name,
                "action": step.action,
                **_times(step, ended=False),
            },
        )
        return cast("ListWaitingWorkflowStepsResponse", shown)

    def send_workflow_step_action(
        self, request: SendWorkflowStepActionRequest, call: Call
    ) -> SendWorkflowStepActionResponse:
        """Answer a waiting step; of two answers at once, one wins (EXE-12, EXE-13)."""
        answer = self.once.run(
            request,
            call,
            prepare=self.runs.wait_until_ready,
            commit=lambda connection, _: self._answer(connection, request, call),
        )
        return cast("SendWorkflowStepActionResponse", answer)

    def _answer(
        self, connection: Connection, request: SendWorkflowStepActionRequest, call: Call
    ) -> SendWorkflowStepActionResponse:
        step = _find_step(connection, request["stepExecutionId"], call, lock=True)
        if not _means(connection, request["imageBuildVersionArn"], step.image_arn, call):
            raise InvalidParameterValue(
                "imageBuildVersionArn", f"The step '{step.id}' belongs to another image."
            )
        if (
            step.status is not StepStatus.WAITING
            or builds.is_cancelled(connection, step.image_arn)
            or not builds.take_answer(connection, step.id)
        ):
            raise InvalidRequest(f"The step '{step.id}' does not wait for an action any more.")
        message = {"action": str(request["action"])}
        if "reason" in request:
            message["reason"] = request["reason"]
        run_id = builds.run_of(connection, step)
        self.runs.answer(connection, run_id=run_id, step_id=step.id, message=message)
        return {"stepExecutionId": step.id, "imageBuildVersionArn": step.image_arn}

    def _page(
        self, request: Mapping[str, Any], call: Call, found: Sequence[Record]
    ) -> Page[Record]:
        """Cut a list that is short enough to be read whole; a place in it is a number."""
        return self.pager.cut(
            request,
            call,
            fetch=lambda after, limit: found[after or 0 :][:limit],
            place=lambda entry: found.index(entry) + 1,
        )

    def _step(self, step: StepExecution) -> dict[str, Any]:
        status = step.status.value
        if self.strict_statuses and step.status is StepStatus.WAITING:
            status = StepStatus.RUNNING.value
        optional = {
            "description": None if step.description is None else step.description[:MESSAGE_MAX],
            "rollbackStatus": None if step.rollback_status is None else step.rollback_status.value,
            "message": step.message,
            "inputs": step.inputs,
            "outputs": step.outputs,
        }
        return {
            "stepExecutionId": step.id,
            "name": step.name,
            "action": step.action,
            "status": status,
            "attemptNumber": 1,
            "maxAttempts": 1,
            **{name: value for name, value in optional.items() if value is not None},
            **_times(step),
        }


def _execution(execution: WorkflowExecution, counts: Mapping[StepStatus, int]) -> dict[str, Any]:
    shown = {
        "workflowBuildVersionArn": execution.workflow_arn,
        "workflowExecutionId": execution.id,
        "type": execution.stage.value,
        "status": execution.status.value,
        "totalStepCount": sum(counts.values()),
        "totalStepsSucceeded": counts.get(StepStatus.COMPLETED, 0),
        "totalStepsFailed": counts.get(StepStatus.FAILED, 0),
        "totalStepsSkipped": counts.get(StepStatus.SKIPPED, 0),
        **_times(execution),
    }
    if execution.parallel_group is not None:
        shown["parallelGroup"] = execution.parallel_group
    if execution.message is not None:
        shown["message"] = execution.message[:MESSAGE_MAX]
    return shown


def _times(record: StepExecution | WorkflowExecution, *, ended: bool = True) -> dict[str, str]:
    moments = {"startTime": record.started_at, "endTime": record.ended_at if ended else None}
    return {
        name: iso_milliseconds(moment) for name, moment in moments.items() if moment is not None
    }


def _counts(connection: Connection, execution_id: str) -> Mapping[StepStatus, int]:
    return Counter(step.status for step in builds.steps_of(connection, execution_id))


def _find_execution(connection: Connection, execution_id: str, call: Call) -> WorkflowExecution:
    found = builds.find_execution(connection, execution_id.lower())
    if found is None or not _is_callers(found.image_arn, call):
        raise ResourceNotFound(execution_id)
    if found not in builds.shown_executions(connection, found.image_arn):
        raise ResourceNotFound(execution_id)
    return found


def _find_step(
    connection: Connection, step_id: str, call: Call, *, lock: bool = False
) -> StepExecution:
    found = builds.find_step(connection, step_id.lower(), lock=lock)
    if found is None or not _is_callers(found.image_arn, call):
        raise ResourceNotFound(step_id)
    _find_execution(connection, found.workflow_execution_id, call)
    return found


def _means(connection: Connection, text: str, image_arn: str, call: Call) -> bool:
    """Tell whether an ARN names this image, however it spells the version (VER-09)."""
    try:
        found = lookup.find(connection, text, call, member="imageBuildVersionArn")
    except ResourceNotFound:
        return False
    return str(found.arn) == image_arn


def _is_callers(image_arn: str, call: Call) -> bool:
    arn = Arn.parse(image_arn)
    return (arn.account, arn.region) == (call.account, call.region)
