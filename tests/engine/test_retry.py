"""What a retry runs again, as a table of executions and their steps."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from imagewright.documents.specs import Stage
from imagewright.engine.attempts import Attempt
from imagewright.engine.plan import BuildPlan, KeptDocument, PlannedWorkflow
from imagewright.engine.records import (
    RollbackStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
)
from imagewright.engine.retry import Again, Retry, from_the_failed_step, stopped_in, whole_stage

ARN = "arn:aws:imagebuilder:us-east-1:000000000000:image/web/1.0.0/1"
STAGES = {"B": Stage.BUILD, "T": Stage.TEST, "D": Stage.DISTRIBUTION}
STATUSES = {
    "ok": WorkflowStatus.COMPLETED,
    "bad": WorkflowStatus.FAILED,
    "undone": WorkflowStatus.ROLLBACK_COMPLETED,
    "ended": WorkflowStatus.CANCELLED,
    "todo": WorkflowStatus.PENDING,
    "off": WorkflowStatus.SKIPPED,
}


def build(text: str) -> tuple[BuildPlan, list[WorkflowExecution]]:
    """Read ``B:ok T:bad? T:todo``; ``?`` goes on after a failure."""
    words = [word.rstrip("?").split(":") for word in text.split()]
    document = KeptDocument(content="")
    plan = BuildPlan(
        image_arn=ARN,
        account="000000000000",
        region="us-east-1",
        image_name="web",
        version="1.0.0",
        build=1,
        parent_image="debian-12",
        workflows=[
            PlannedWorkflow(
                arn="w",
                stage=STAGES[stage],
                document=document,
                goes_on_after_failure=word.endswith("?"),
            )
            for word, (stage, _) in zip(text.split(), words, strict=True)
        ],
    )
    executions = [
        WorkflowExecution(
            id=f"wf-{place}",
            image_arn=ARN,
            ordinal=place,
            planned=place,
            workflow_arn="w",
            stage=STAGES[stage],
            status=STATUSES[status],
        )
        for place, (stage, status) in enumerate(words)
    ]
    return plan, executions


def no_steps(_: WorkflowExecution) -> list[StepExecution]:
    return []


def places(retry: Retry | None) -> tuple[list[int], list[str]] | None:
    """Return which executions run again, and all that is still to run, new ones as ``new``."""
    if retry is None:
        return None
    order = [each if each in {f"wf-{n}" for n in range(9)} else "new" for each in retry.order]
    return [again.instead_of.planned for again in retry.again], order


@pytest.mark.parametrize(
    ("text", "stage", "whole", "failed"),
    [
        ("B:undone T:todo", "B", ([0], ["new", "wf-1"]), ([0], ["new", "wf-1"])),
        ("B:ok T:bad", "T", ([1], ["new"]), ([1], ["new"])),
        ("B:ok T:ok T:bad T:todo", "T", ([1, 2], ["new", "new", "wf-3"]), ([2], ["new", "wf-3"])),
        ("B:ok T:bad? T:undone", "T", ([1, 2], ["new", "new"]), ([2], ["new"])),
        ("B:ok T:ended? D:todo", "T", ([1], ["new", "wf-2"]), ([1], ["new", "wf-2"])),
        ("B:ok T:ok D:bad", "D", ([2], ["new"]), ([2], ["new"])),
        ("B:ok T:off D:bad", "D", ([2], ["new"]), ([2], ["new"])),
        ("B:ok T:todo", "T", ([], ["wf-1"]), ([], ["wf-1"])),
        ("B:ok T:ok", None, None, None),
        ("B:ok T:bad?", None, None, None),
        ("", None, None, None),
    ],
)
def test_a_retry_runs_again_what_stopped_the_build(
    text: str, stage: str | None, whole: Any, failed: Any
) -> None:
    """IMG-64, IMG-65."""
    plan, executions = build(text)

    assert stopped_in(plan, executions) == (STAGES[stage] if stage else None)
    assert places(whole_stage(plan, executions, no_steps)) == whole
    assert places(from_the_failed_step(plan, executions, no_steps)) == failed


def step(name: str, status: StepStatus, **more: Any) -> StepExecution:
    return StepExecution(
        id=f"step-{name}",
        workflow_execution_id="wf-0",
        image_arn=ARN,
        ordinal=more.pop("ordinal", 0),
        name=name,
        action=more.pop("action", "RunCommand"),
        status=status,
        **more,
    )


def again_with(*steps: StepExecution) -> Again:
    plan, executions = build("B:undone")
    retry = from_the_failed_step(plan, executions, lambda _: steps)
    assert retry is not None
    return retry.again[0]


LAUNCHED = step(
    "Launch",
    StepStatus.COMPLETED,
    action="LaunchInstance",
    results={"instanceId": "i-1"},
    rollback_status=RollbackStatus.COMPLETED,
)
FAILED = step("Fail", StepStatus.FAILED)
NOT_BEGUN = step("Later", StepStatus.PENDING)


@pytest.mark.parametrize(
    ("steps", "carried", "machines"),
    [
        ([LAUNCHED, FAILED, NOT_BEGUN], ["step-Launch"], ["i-1"]),
        (
            [LAUNCHED, step("No", StepStatus.SKIPPED), FAILED],
            ["step-Launch", "step-No"],
            ["i-1"],
        ),
        (
            [LAUNCHED, step("May", StepStatus.FAILED, on_failure="Continue"), FAILED],
            ["step-Launch", "step-May"],
            ["i-1"],
        ),
        (
            [
                LAUNCHED,
                step("Gone", StepStatus.COMPLETED, rollback_status=RollbackStatus.COMPLETED),
                FAILED,
            ],
            ["step-Launch"],
            ["i-1"],
        ),
        (
            [
                LAUNCHED,
                step(
                    "End",
                    StepStatus.COMPLETED,
                    action="TerminateInstance",
                    inputs=json.dumps({"instanceId": "i-1"}),
                ),
                FAILED,
            ],
            ["step-Launch", "step-End"],
            [],
        ),
        (
            [
                LAUNCHED,
                step(
                    "Gone",
                    StepStatus.COMPLETED,
                    action="CollectImageMetadata",
                    inputs=json.dumps({"instanceId": "i-1"}),
                    rollback_status=RollbackStatus.COMPLETED,
                ),
                step(
                    "End",
                    StepStatus.COMPLETED,
                    action="TerminateInstance",
                    inputs=json.dumps({"instanceId": "i-1"}),
                ),
                FAILED,
            ],
            ["step-Launch"],
            ["i-1"],
        ),
        ([step("Ask", StepStatus.CANCELLED), NOT_BEGUN], [], []),
        ([LAUNCHED, step("Done", StepStatus.COMPLETED)], [], []),
    ],
)
def test_steps_before_the_failed_one_are_carried_over(
    steps: list[StepExecution], carried: list[str], machines: list[str]
) -> None:
    """What a rollback took away is done again; a machine that was ended stays so."""
    again = again_with(*steps)

    assert list(again.carried) == carried
    assert [machine.instance_id for machine in again.machines] == machines
    assert [each.name for each in again.steps] == [each.name for each in steps]
    for old, new in zip(steps, again.steps, strict=True):
        is_carried = old.id in again.carried
        assert new.status is (old.status if is_carried else StepStatus.PENDING)
        assert (new.id != old.id, new.rollback_status) == (True, None)


def test_a_machine_keeps_the_works_of_the_steps_before_the_last_first() -> None:
    again = again_with(LAUNCHED, step("Do", StepStatus.COMPLETED), FAILED)

    assert again.machines[0].works_of == ("step-Do", "step-Launch")


def test_machines_of_workflows_that_are_not_done_again_run_again() -> None:
    """workflow-documents.md §8: a workflow may hand its machine on."""
    plan, executions = build("B:ok T:ok? T:bad")
    handed_on = replace(LAUNCHED, rollback_status=None)
    ended = step(
        "End",
        StepStatus.COMPLETED,
        action="TerminateInstance",
        inputs=json.dumps({"instanceId": "i-1"}),
    )
    of_build = [handed_on, step("Do", StepStatus.COMPLETED)]
    of_test = [step("Use", StepStatus.COMPLETED), FAILED]

    def retried(choose: Any, *steps_of: list[StepExecution]) -> list[tuple[str, tuple[str, ...]]]:
        retry = choose(plan, executions, lambda execution: steps_of[execution.planned])
        return [(machine.instance_id, machine.works_of) for machine in retry.handed_on]

    assert retried(whole_stage, of_build, [], of_test) == [("i-1", ("step-Do", "step-Launch"))]
    assert retried(whole_stage, of_build, [], [ended, FAILED])
    works = ("step-Use", "step-Do", "step-Launch")
    assert retried(from_the_failed_step, of_build, [], of_test) == [("i-1", works)]
    assert retried(from_the_failed_step, of_build, [], [ended, FAILED]) == []
    assert retried(from_the_failed_step, of_build, [ended], of_test) == []
    assert retried(from_the_failed_step, [], [LAUNCHED, FAILED], of_test) == []


def test_what_ended_last_is_the_last_work_whoever_was_planned_last() -> None:
    """Tests of a group take turns at a machine, in no certain order."""
    plan, executions = build("B:ok T:ok T:ok T:bad")
    moments = [datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in range(4)]
    launched = replace(LAUNCHED, rollback_status=None, ended_at=moments[0])
    works = [step(f"T{n}", StepStatus.COMPLETED, ended_at=moments[3 - n]) for n in (1, 2)]
    steps_of = [[launched], works[:1], works[1:], [replace(FAILED, ended_at=moments[3])]]

    retry = from_the_failed_step(plan, executions, lambda execution: steps_of[execution.planned])

    assert retry is not None
    assert retry.handed_on[0].works_of == ("step-T1", "step-T2", "step-Launch")


@pytest.mark.parametrize("number", [0, 1, 12])
def test_the_id_of_a_run_says_which_attempt_it_is(number: int) -> None:
    assert Attempt.of(Attempt(ARN, number).id) == Attempt(ARN, number)
    assert Attempt(ARN).id == ARN
