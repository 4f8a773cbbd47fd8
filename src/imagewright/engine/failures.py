"""Naming the cause of a failed build (IMG-32, IMG-33)."""

import json
from typing import Any

from imagewright.documents.specs import Stage
from imagewright.engine.ports import Records
from imagewright.engine.records import (
    FailureContext,
    ImageStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
)

REASON_MAX = 1024
"""Of ``state.reason``, in characters (§2)."""

STATES = {
    Stage.BUILD: ImageStatus.BUILDING,
    Stage.TEST: ImageStatus.TESTING,
    Stage.DISTRIBUTION: ImageStatus.DISTRIBUTING,
}
"""The state of an image while a stage of its build runs (§10.3)."""


def failure_of(image_arn: str, records: Records) -> tuple[str, FailureContext | None]:
    """Return why a build failed, in words and as its context."""
    plan = records.plan(image_arn)
    for execution in records.executions(image_arn):
        failed = execution.status in {WorkflowStatus.FAILED, WorkflowStatus.ROLLBACK_COMPLETED}
        if failed and not plan.workflows[execution.planned].goes_on_after_failure:
            return _explain(execution, records)
    return "The build failed.", None


def _explain(execution: WorkflowExecution, records: Records) -> tuple[str, FailureContext]:
    step = _failed_step(execution, records)
    context = FailureContext(
        image_status=STATES[execution.stage],
        workflow_execution_id=execution.id,
        workflow_arn=execution.workflow_arn,
    )
    intro = f"Workflow Execution ID: '{execution.id}' failed"
    if step is None:
        because = f" with reason: {execution.message}" if execution.message else "."
        return f"{intro}{because}", context
    component = _component_failure(step)
    cause = step.message or f"Step '{step.name}' failed."
    context = FailureContext(
        image_status=context.image_status,
        workflow_execution_id=execution.id,
        workflow_arn=execution.workflow_arn,
        step_execution_id=step.id,
        failed_step=step.name,
        component_failure=component,
    )
    return f"{intro} with reason: {cause}"[:REASON_MAX], context


def _failed_step(execution: WorkflowExecution, records: Records) -> StepExecution | None:
    """Return the step that ended the workflow: the last that failed and was not to go on."""
    failed = [
        step
        for step in records.steps(execution.id)
        if step.status is StepStatus.FAILED and step.on_failure == "Abort"
    ]
    return failed[-1] if failed else None


def _component_failure(step: StepExecution) -> dict[str, str] | None:
    outputs: Any = json.loads(step.outputs) if step.outputs else {}
    failure = outputs.get("componentFailure")
    return dict(failure) if isinstance(failure, dict) else None
