"""Naming the cause of a failed build (IMG-32, IMG-33)."""

import json
from collections.abc import Mapping
from dataclasses import replace
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

_INTEGRATES = "ApplyImageConfigurations"
_OF_REGIONS = ("distributedImages", "modifiedImages", "configuredImages", "regionFailures")
"""The outputs in which distributing actions say how each region ended (§7)."""
_REGIONS_MAX = 256
_ENDS = {"Failed": "FAILED", "Cancelled": "CANCELLED", "TimedOut": "TIMED_OUT"}
_INTEGRATION_STEPS = {
    "AssociateLicensesRunning": "ASSOCIATE_LICENSES",
    "UpdateLaunchTemplateRunning": "UPDATE_LAUNCH_TEMPLATES",
    "PutSsmParametersRunning": "PUT_SSM_PARAMETERS",
    "UpdateFastLaunchConfiguration": "UPDATE_FAST_LAUNCH_CONFIGURATIONS",
    "ExportAmiQueued": "EXPORT_AMI",
    "ExportAmiRunning": "EXPORT_AMI",
}


def failure_of(image_arn: str, records: Records) -> tuple[str, FailureContext | None]:
    """Return why a build failed, in words and as its context."""
    plan = records.plan(image_arn)
    for execution in records.executions(image_arn):
        failed = execution.status in {WorkflowStatus.FAILED, WorkflowStatus.ROLLBACK_COMPLETED}
        if failed and not plan.workflows[execution.planned].goes_on_after_failure:
            reason, context = _explain(execution, records)
            if plan.workflows[execution.planned].is_shown:
                return reason, context
            return _without_workflow(image_arn, reason, context)
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
    cause = step.message or f"Step '{step.name}' failed."
    outputs: Any = json.loads(step.outputs) if step.outputs else {}
    context = replace(
        context,
        step_execution_id=step.id,
        failed_step=step.name,
        component_failure=_component_failure(outputs),
        distribution_failure=distribution_failure(outputs),
    )
    if step.action == _INTEGRATES:
        context = replace(context, image_status=ImageStatus.INTEGRATING)
    return f"{intro} with reason: {cause}"[:REASON_MAX], context


def _without_workflow(
    image_arn: str, reason: str, context: FailureContext
) -> tuple[str, FailureContext]:
    """Leave out the workflow that follows the attached configuration: it is shown nowhere."""
    _, intro, cause = reason.partition(" failed with reason: ")
    job = str(context.step_execution_id).removeprefix("step-")
    bare = FailureContext(
        image_status=context.image_status, distribution_failure=context.distribution_failure
    )
    if context.image_status is ImageStatus.INTEGRATING:
        begin = f"Integration failed with JobId '{job}', status = 'Failed' for ARN '{image_arn}'."
        return f"{begin} {cause}"[:REASON_MAX], bare
    return cause if intro else "The distribution failed.", bare


def _failed_step(execution: WorkflowExecution, records: Records) -> StepExecution | None:
    """Return the step that ended the workflow: the last that failed and was not to go on."""
    failed = [
        step
        for step in records.steps(execution.id)
        if step.status is StepStatus.FAILED and step.on_failure == "Abort"
    ]
    return failed[-1] if failed else None


def _component_failure(outputs: Mapping[str, Any]) -> dict[str, str] | None:
    failure = outputs.get("componentFailure")
    return dict(failure) if isinstance(failure, dict) else None


def distribution_failure(outputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return which regions failed of a distributing step that put this out (IMG-34); or None."""
    entries = next((outputs[name] for name in _OF_REGIONS if name in outputs), ())
    failed = [entry for entry in entries if entry["status"] in _ENDS]
    if not failed:
        return None
    return {
        "errorMessage": str(outputs.get("errorMessage", ""))[:REASON_MAX],
        "regionFailures": [_region_failure(entry) for entry in failed[:_REGIONS_MAX]],
    }


def _region_failure(entry: Mapping[str, Any]) -> dict[str, str]:
    members = {
        "region": entry["region"],
        "status": _ENDS[entry["status"]],
        "imageConfigurationStep": _INTEGRATION_STEPS.get(entry["step"]),
        "errorMessage": entry.get("errorMessage", "")[:REASON_MAX],
        "targetAccountId": entry.get("accountId"),
    }
    return {name: value for name, value in members.items() if value is not None}
