"""What a retry runs again, and what it leaves as it is (IMG-64; ``runs retry`` is our own).

Plain values in, plain values out: nothing is read or written here.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from imagewright.documents.specs import Stage
from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import (
    RollbackStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
    by_end,
)

_STOPPED = {WorkflowStatus.FAILED, WorkflowStatus.ROLLBACK_COMPLETED, WorkflowStatus.CANCELLED}
_LAUNCH = "LaunchInstance"
_TERMINATE = "TerminateInstance"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that the first steps of an execution launched, and that runs again."""

    instance_id: str
    works_of: tuple[str, ...]
    """The steps whose works it keeps, the last first."""


@dataclass(frozen=True, slots=True)
class Again:
    """One execution that runs again."""

    instead_of: WorkflowExecution
    execution: WorkflowExecution
    steps: Sequence[StepExecution]
    carried: Mapping[str, str]
    """Steps that are not done again: the id of each before, and now."""
    machines: Sequence[Machine] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """What becomes of a build's executions."""

    stage: Stage
    """Where the build goes on."""
    again: Sequence[Again]
    order: Sequence[str]
    """The executions that are still to run, by id, in their order."""
    handed_on: Sequence[Machine] = ()
    """Machines of workflows that are not done again, which later ones may have been given."""


StepsOf = Callable[[WorkflowExecution], Sequence[StepExecution]]
NewUuid = Callable[[], uuid.UUID]


def stopped_in(plan: BuildPlan, executions: Sequence[WorkflowExecution]) -> Stage | None:
    """Return the stage in which a build that failed or was cancelled stopped.

    ``executions`` are those that count, in the order of the plan. None if nothing is to be done
    again: the build stopped before its first workflow, or after its last.
    """
    unfinished = [
        each
        for each in executions
        if each.status is WorkflowStatus.PENDING or _stopped_for_good(plan, each)
    ]
    return unfinished[0].stage if unfinished else None


def whole_stage(
    plan: BuildPlan,
    executions: Sequence[WorkflowExecution],
    steps_of: StepsOf,
    new_uuid: NewUuid = uuid.uuid4,
) -> Retry | None:
    """Run the stage in which a build stopped from its beginning, as RetryImage does."""
    stage = stopped_in(plan, executions)
    if stage is None:
        return None
    return _retry(
        stage,
        executions,
        steps_of,
        [each for each in executions if each.stage is stage and _has_begun(each)],
        lambda each: _from_the_start(each, steps_of(each), new_uuid),
    )


def from_the_failed_step(
    plan: BuildPlan,
    executions: Sequence[WorkflowExecution],
    steps_of: StepsOf,
    new_uuid: NewUuid = uuid.uuid4,
) -> Retry | None:
    """Go on where a build stopped: steps that were done are carried over, machines run again."""
    stage = stopped_in(plan, executions)
    if stage is None:
        return None
    return _retry(
        stage,
        executions,
        steps_of,
        [each for each in executions if _stopped_for_good(plan, each)],
        lambda each: _from_where_it_stopped(each, steps_of(each), new_uuid),
    )


def _retry(
    stage: Stage,
    executions: Sequence[WorkflowExecution],
    steps_of: StepsOf,
    superseded: Sequence[WorkflowExecution],
    again_for: Callable[[WorkflowExecution], Again],
) -> Retry:
    again = {each.id: again_for(each) for each in superseded}
    order = [
        again[each.id].execution.id if each.id in again else each.id
        for each in executions
        if each.id in again or each.status is WorkflowStatus.PENDING
    ]
    done: list[StepExecution] = []
    others: list[StepExecution] = []
    for each in executions:
        steps = steps_of(each)
        if each.id in again:
            done.extend(step for step in steps if step.id in again[each.id].carried)
        else:
            done.extend(steps)
            others.extend(step for step in steps if not _is_undone(step))
    return Retry(stage, list(again.values()), order, _machines(others, by_end(done)))


def _has_begun(execution: WorkflowExecution) -> bool:
    return execution.status not in {WorkflowStatus.PENDING, WorkflowStatus.SKIPPED}


def _stopped_for_good(plan: BuildPlan, execution: WorkflowExecution) -> bool:
    if execution.status not in _STOPPED:
        return False
    goes_on = plan.workflows[execution.planned].goes_on_after_failure
    return execution.status is WorkflowStatus.CANCELLED or not goes_on


def _anew(execution: WorkflowExecution, new_uuid: NewUuid) -> WorkflowExecution:
    return WorkflowExecution(
        id=f"wf-{new_uuid()}",
        image_arn=execution.image_arn,
        ordinal=execution.ordinal,
        planned=execution.planned,
        workflow_arn=execution.workflow_arn,
        stage=execution.stage,
        parallel_group=execution.parallel_group,
    )


def _step_anew(step: StepExecution, execution_id: str, new_uuid: NewUuid) -> StepExecution:
    return StepExecution(
        id=f"step-{new_uuid()}",
        workflow_execution_id=execution_id,
        image_arn=step.image_arn,
        ordinal=step.ordinal,
        name=step.name,
        action=step.action,
        description=step.description,
        on_failure=step.on_failure,
        timeout_seconds=step.timeout_seconds,
    )


def _from_the_start(
    execution: WorkflowExecution, steps: Sequence[StepExecution], new_uuid: NewUuid
) -> Again:
    fresh = _anew(execution, new_uuid)
    return Again(execution, fresh, [_step_anew(step, fresh.id, new_uuid) for step in steps], {})


def _from_where_it_stopped(
    execution: WorkflowExecution, steps: Sequence[StepExecution], new_uuid: NewUuid
) -> Again:
    before = list(_before_the_stop(steps))
    if len(before) == len(steps):  # every step was done, and what they came to was no good
        before = []
    fresh = _anew(execution, new_uuid)
    again: list[StepExecution] = []
    carried: dict[str, str] = {}
    done = _not_done_again(before)
    for step in steps:
        new = _step_anew(step, fresh.id, new_uuid)
        if step in done:
            carried[step.id] = new.id
            new = replace(step, id=new.id, workflow_execution_id=fresh.id, rollback_status=None)
        again.append(new)
    return Again(execution, fresh, again, carried, _machines(before, done))


def _before_the_stop(steps: Sequence[StepExecution]) -> Sequence[StepExecution]:
    for number, step in enumerate(steps):
        failed = step.status is StepStatus.FAILED and step.on_failure == "Abort"
        if failed or step.status not in {
            StepStatus.COMPLETED,
            StepStatus.SKIPPED,
            StepStatus.FAILED,
        }:
            return steps[:number]
    return steps


def _not_done_again(before: Sequence[StepExecution]) -> list[StepExecution]:
    """Leave out what the rollback took away, and what ended a machine that this needs.

    A machine that the rollback ended is brought back.
    """
    lost = [step for step in before if _is_undone(step) and step.action != _LAUNCH]
    needed = {_instance_of(step.inputs) for step in lost}
    return [
        step
        for step in before
        if step not in lost
        and not (step.action == _TERMINATE and _instance_of(step.inputs) in needed)
    ]


def _is_undone(step: StepExecution) -> bool:
    return step.rollback_status is RollbackStatus.COMPLETED


def _machines(launching: Sequence[StepExecution], done: Sequence[StepExecution]) -> list[Machine]:
    """Return the machines that steps launched and none of those that are done has ended."""
    ended = {_instance_of(step.inputs) for step in done if step.action == _TERMINATE}
    launched = [
        str(step.results["instanceId"])
        for step in launching
        if step.action == _LAUNCH and step.status is StepStatus.COMPLETED and step.results
    ]
    works_of = tuple(step.id for step in reversed(done))
    return [Machine(each, works_of) for each in launched if each not in ended]


def _instance_of(inputs: str | None) -> str | None:
    given = json.loads(inputs) if inputs else {}
    return given.get("instanceId") if isinstance(given, dict) else None
