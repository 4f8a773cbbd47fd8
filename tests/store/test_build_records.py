"""What decides between two who come at once: an answer and a time-out, a cancel and the end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from imagewright.arns import Kind
from imagewright.clock import SystemClock
from imagewright.documents.specs import Stage
from imagewright.engine.plan import BuildPlan, KeptDocument, PlannedWorkflow
from imagewright.engine.records import (
    ImageStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
)
from imagewright.store import builds
from imagewright.store import resources as store
from imagewright.store.builds import BuildRecords
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox
from imagewright.store.resources import Draft, Place
from imagewright.versions import Version

ACCOUNT, REGION = "000000000000", "us-east-1"
PLACE = Place(account=ACCOUNT, region=REGION, kind=Kind.IMAGE)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

AddBuild = Callable[..., list[StepExecution]]


@pytest.fixture
def records(database: Database) -> BuildRecords:
    return BuildRecords(database, Outbox((), SystemClock()))


@pytest.fixture
def add_build(database: Database, records: BuildRecords) -> AddBuild:
    """Add a build whose steps all wait, each begun a second after the one before."""

    def add(steps: int = 1) -> list[StepExecution]:
        name = f"image-{uuid4().hex[:8]}"
        draft = Draft(
            path=name, version=Version.parse("1.0.0"), version_text="1.0.0", name=name,
            type="AMI", status="BUILDING", digest=uuid4().hex, body={}, created_at="now",
        )  # fmt: skip
        with database.write() as connection:
            arn = str(store.add_build(connection, PLACE, draft).arn)
            plan = BuildPlan(
                image_arn=arn, account=ACCOUNT, region=REGION, image_name=name, version="1.0.0",
                build=1, parent_image="debian-12",
                workflows=[
                    PlannedWorkflow(arn="w", stage=Stage.BUILD, document=KeptDocument(content=""))
                ],
            )  # fmt: skip
            builds.add_build(connection, plan)
        execution = WorkflowExecution(
            id=f"wf-{uuid4()}",
            image_arn=arn,
            ordinal=0,
            planned=0,
            workflow_arn="w",
            stage=Stage.BUILD,
        )
        waiting = [
            StepExecution(
                id=f"step-{uuid4()}", workflow_execution_id=execution.id, image_arn=arn,
                ordinal=ordinal, name=f"Ask{ordinal}", action="WaitForAction",
                status=StepStatus.WAITING, started_at=BEGAN + timedelta(seconds=ordinal),
            )
            for ordinal in range(steps)
        ]  # fmt: skip
        records.begin([execution], waiting)
        return waiting

    return add


def ended(step: StepExecution) -> StepExecution:
    return replace(step, status=StepStatus.FAILED, ended_at=BEGAN)


def test_an_answer_at_the_last_moment_keeps_the_time_out_from_counting(
    database: Database, records: BuildRecords, add_build: AddBuild
) -> None:
    """EXE-12, EXE-13."""
    [step] = add_build()
    with database.write() as connection:
        assert builds.take_answer(connection, step.id)

    assert not records.stop_waiting(ended(step))

    assert records.step(step.id).status is StepStatus.WAITING


def test_after_the_time_out_no_answer_counts(
    database: Database, records: BuildRecords, add_build: AddBuild
) -> None:
    """EXE-12."""
    [step] = add_build()

    assert records.stop_waiting(ended(step))

    assert records.step(step.id).status is StepStatus.FAILED
    with database.write() as connection:
        assert not builds.take_answer(connection, step.id)


@pytest.mark.parametrize("status", [ImageStatus.AVAILABLE, ImageStatus.FAILED])
def test_a_build_that_was_to_be_cancelled_ends_cancelled_however_late(
    database: Database, records: BuildRecords, add_build: AddBuild, status: ImageStatus
) -> None:
    """IMG-30, IMG-60."""
    [step] = add_build()
    with database.write() as connection:
        builds.request_cancel(connection, step.image_arn)

    reached = records.set_image_state(step.image_arn, status, reason="why")

    assert reached is ImageStatus.CANCELLED
    assert records.set_image_state(step.image_arn, status) is ImageStatus.CANCELLED


def test_pages_of_waiting_steps_miss_none_though_others_are_answered_meanwhile(
    database: Database, add_build: AddBuild
) -> None:
    """EXE-11, PAG-07."""
    steps = add_build(5)

    def page(after: StepExecution | None) -> list[str]:
        place = None if after is None else builds.place_of_waiting(after)
        with database.read() as connection:
            found = builds.waiting_steps(connection, ACCOUNT, REGION, after=place, count=2)
        return [step.name for step in found]

    assert page(None) == ["Ask0", "Ask1"]
    with database.write() as connection:
        builds.take_answer(connection, steps[0].id)
        builds.take_answer(connection, steps[1].id)

    assert page(steps[1]) == ["Ask2", "Ask3"]
    assert page(steps[3]) == ["Ask4"]


def test_a_build_that_is_to_be_cancelled_waits_for_nobody(
    database: Database, add_build: AddBuild
) -> None:
    """EXE-11."""
    [step] = add_build()

    with database.write() as connection:
        builds.request_cancel(connection, step.image_arn)

    with database.read() as connection:
        assert builds.waiting_steps(connection, ACCOUNT, REGION, after=None, count=9) == []
