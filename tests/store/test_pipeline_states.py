"""How pipelines stand after their runs: counted failures, their limit, the newest image."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from imagewright.arns import Kind
from imagewright.clock import SystemClock
from imagewright.engine.records import ImageStatus
from imagewright.store import builds, findings, pipelines
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.findings import FindingRow, Wanted
from imagewright.store.outbox import Outbox
from imagewright.store.resources import Draft, Place, Stored
from imagewright.versions import Version

ACCOUNT, REGION = "000000000000", "us-east-1"
NOW = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-02T00:00:00.000Z"

NOBODY = Outbox((), SystemClock())

Add = Callable[..., Stored]


def place(kind: Kind) -> Place:
    return Place(account=ACCOUNT, region=REGION, kind=kind)


@pytest.fixture
def add_pipeline(database: Database) -> Add:
    """Add a pipeline with a limit of failures."""

    def add(limit: int | None = 2, name: str = "") -> Stored:
        name = name or f"pipeline-{uuid4().hex[:8]}"
        schedule: dict[str, Any] = {"scheduleExpression": "rate(1 day)", "timezone": "UTC"}
        if limit is not None:
            schedule["autoDisablePolicy"] = {"failureCount": limit}
        draft = Draft(
            path=name, version=store.UNVERSIONED, version_text="0.0.0", name=name,
            body={"status": "ENABLED", "schedule": schedule}, created_at=NOW,
        )  # fmt: skip
        with database.write() as connection:
            stored = store.add_only(connection, place(Kind.IMAGE_PIPELINE), draft)
            pipelines.set_schedule(connection, str(stored.arn), LATER)
        return stored

    return add


@pytest.fixture
def add_run(database: Database) -> Add:
    """Add an image that a pipeline began to build."""

    def add(pipeline: Stored, *, scheduled: bool = True) -> Stored:
        draft = Draft(
            path="web", version=Version(1, 0, 0), version_text="1.0.0", name="web", type="AMI",
            status="BUILDING", digest=uuid4().hex, body={}, created_at=NOW,
        )  # fmt: skip
        with database.write() as connection:
            image = store.add_build(connection, place(Kind.IMAGE), draft)
            pipelines.add_run(connection, str(pipeline.arn), image, scheduled=scheduled, at=NOW)
        return image

    return add


def end(database: Database, image: Stored, status: str) -> None:
    with database.write() as connection:
        builds.set_state(connection, str(image.arn), {"status": status}, NOBODY)


def failures(database: Database, pipeline: Stored) -> int:
    with database.read() as connection:
        return pipelines.state_of(connection, str(pipeline.arn)).consecutive_failures


def body(database: Database, pipeline: Stored) -> dict[str, Any]:
    with database.read() as connection:
        found = store.build(
            connection, place(Kind.IMAGE_PIPELINE), pipeline.arn.path, store.UNVERSIONED, 0
        )
    assert found is not None
    return dict(found.body)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([("scheduled", "FAILED")], 1),
        ([("scheduled", "FAILED"), ("scheduled", "FAILED")], 2),
        ([("scheduled", "FAILED"), ("scheduled", "AVAILABLE")], 0),
        ([("scheduled", "FAILED"), ("by hand", "AVAILABLE")], 0),
        ([("scheduled", "FAILED"), ("by hand", "FAILED")], 1),
        ([("scheduled", "FAILED"), ("scheduled", "CANCELLED")], 1),
        ([("by hand", "FAILED")], 0),
    ],
)
def test_failures_in_a_row_are_counted(
    database: Database,
    add_pipeline: Add,
    add_run: Add,
    ends: list[tuple[str, str]],
    expected: int,
) -> None:
    """PIP-32."""
    pipeline = add_pipeline(limit=9)

    for how, status in ends:
        end(database, add_run(pipeline, scheduled=how == "scheduled"), status)

    assert failures(database, pipeline) == expected


def test_a_retry_that_fails_again_counts_once_and_one_that_succeeds_clears(
    database: Database, add_pipeline: Add, add_run: Add
) -> None:
    """PIP-32, IMG-64."""
    pipeline = add_pipeline(limit=9)
    image = add_run(pipeline)
    counts = []
    for status in ("FAILED", "FAILED", "AVAILABLE"):
        with database.write() as connection:
            builds.begin_again(connection, str(image.arn), ImageStatus.TESTING, NOBODY)
        end(database, image, status)
        counts.append(failures(database, pipeline))

    assert counts == [1, 1, 0]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (2, 2), (None, 5)])
def test_the_limit_of_failures_disables_a_pipeline(
    database: Database, add_pipeline: Add, add_run: Add, limit: int | None, expected: int
) -> None:
    """PIP-32, PIP-33: without a policy the limit is 5."""
    pipeline = add_pipeline(limit=limit)
    enabled = 0
    while body(database, pipeline)["status"] == "ENABLED":
        end(database, add_run(pipeline), "FAILED")
        enabled += 1

    with database.read() as connection:
        state = pipelines.state_of(connection, str(pipeline.arn))
    assert (enabled, state.consecutive_failures, state.next_run_at) == (expected, expected, None)


def test_a_change_begins_the_count_anew(
    database: Database, add_pipeline: Add, add_run: Add
) -> None:
    """PIP-04, PIP-32."""
    pipeline = add_pipeline(limit=9)
    end(database, add_run(pipeline), "FAILED")

    with database.write() as connection:
        pipelines.set_schedule(connection, str(pipeline.arn), NOW)

    with database.read() as connection:
        state = pipelines.state_of(connection, str(pipeline.arn))
    assert (state.consecutive_failures, state.next_run_at, state.last_run_at) == (0, NOW, NOW)


def test_a_pipeline_takes_nothing_from_one_of_its_name_before(
    database: Database, add_pipeline: Add, add_run: Add
) -> None:
    """PIP-33, PIP-35."""
    first = add_pipeline()
    image = add_run(first)
    with database.write() as connection:
        store.remove(connection, place(Kind.IMAGE_PIPELINE), first)
        pipelines.forget(connection, str(first.arn))
    second = add_pipeline(name=first.name)

    end(database, image, "FAILED")

    assert failures(database, second) == 0
    with database.read() as connection:
        assert pipelines.newest_image(connection, second) is None
        own = store.page_of_builds(
            connection,
            place(Kind.IMAGE),
            conditions=pipelines.images_of(str(second.arn)),
            before=None,
            limit=9,
        )
    assert [each.arn for each in own] == [image.arn]


def test_the_findings_of_a_pipeline_are_those_of_its_images(
    database: Database, add_pipeline: Add, add_run: Add
) -> None:
    """FLT-10, SCN-06."""
    pipeline, other = add_pipeline(), add_pipeline()
    image, foreign = add_run(pipeline), add_run(other)
    with database.write() as connection:
        for each in (image, foreign):
            arn = str(each.arn)
            findings.put(connection, arn, [FindingRow(arn, "CVE-1", "HIGH", NOW, {})])

    wanted = Wanted(ACCOUNT, REGION, pipeline=str(pipeline.arn))
    with database.read() as connection:
        page = findings.page(connection, wanted, after=None, count=9)
        counts = findings.severities(connection, wanted)

    assert [row.image for row in page] == [str(image.arn)]
    assert counts == {"HIGH": 1}
