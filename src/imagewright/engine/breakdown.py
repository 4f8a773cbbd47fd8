"""Ending what cannot go on: a defect, or a host that fails, must leave no build hanging."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from imagewright.engine.failures import REASON_MAX, STATES
from imagewright.engine.ports import Machines, Records
from imagewright.engine.records import (
    MESSAGE_MAX,
    FailureContext,
    ImageStatus,
    StepStatus,
    WorkflowStatus,
)
from imagewright.errors import ApiError


def cause_of(error: Exception) -> str:
    """Say in words what broke: our own errors have their sentence, others at least a name."""
    return str(error) if isinstance(error, ApiError) else repr(error)


def end_workflow(execution_id: str, cause: str, *, records: Records, now: datetime) -> None:
    """Record that a workflow failed because it could not go on; nothing is undone."""
    message = f"The workflow broke off: {cause}"[:MESSAGE_MAX]
    for step in records.steps(execution_id):
        if step.status in {StepStatus.RUNNING, StepStatus.WAITING}:
            records.save_step(
                replace(step, status=StepStatus.FAILED, message=message, ended_at=now)
            )
    execution = records.execution(execution_id)
    if not execution.status.is_final:
        records.save_execution(
            replace(execution, status=WorkflowStatus.FAILED, message=message, ended_at=now)
        )


def end_build(
    image_arn: str, cause: str, *, records: Records, machines: Machines, now: datetime
) -> ImageStatus:
    """Record that a build failed because it could not go on, and free its machines."""
    stage = None
    for execution in records.executions(image_arn):
        if execution.status in {WorkflowStatus.RUNNING, WorkflowStatus.ROLLBACK_IN_PROGRESS}:
            stage = execution.stage
            end_workflow(execution.id, cause, records=records, now=now)
    with suppress(Exception):  # what is left is freed by the reaper
        machines.settle_all(image_arn, keep=False)
    context = FailureContext(image_status=STATES[stage] if stage else ImageStatus.PENDING)
    reason = f"The build broke off: {cause}"[:REASON_MAX]
    return records.set_image_state(image_arn, ImageStatus.FAILED, reason=reason, failure=context)
