"""How pipelines stand, and the images that came of them, in functions on a connection (PIP-33)."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from imagewright.arns import Arn, Kind
from imagewright.engine.records import ImageStatus
from imagewright.store import resources as store
from imagewright.store.outbox import Outbox
from imagewright.store.pipeline_tables import pipeline_runs, pipeline_states
from imagewright.store.resources import Conditions, Place, Stored
from imagewright.store.tables import resources

FAILURES_MAX = 5
"""How many scheduled runs in a row may fail where the pipeline does not say (PIP-32)."""

_S, _R = pipeline_states.c, pipeline_runs.c


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineState:
    """How a pipeline stands; moments as the wire spells them."""

    arn: str
    consecutive_failures: int = 0
    last_run_at: str | None = None
    next_run_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A pipeline whose schedule says that it builds now."""

    arn: str
    at: str
    """When it was to."""
    pipeline: Stored


def set_schedule(connection: Connection, arn: str, next_run_at: str | None) -> None:
    """Begin to count anew for a pipeline that was made or changed (PIP-32)."""
    values = {"consecutive_failures": 0, "next_run_at": next_run_at}
    changed = connection.execute(
        update(pipeline_states).where(_S.arn == arn).values(**values)
    ).rowcount
    if not changed:
        connection.execute(insert(pipeline_states).values(arn=arn, **values))


def state_of(connection: Connection, arn: str) -> PipelineState:
    """Return how a pipeline stands."""
    query = select(_S.arn, _S.consecutive_failures, _S.last_run_at, _S.next_run_at)
    row = connection.execute(query.where(_S.arn == arn)).one_or_none()
    return PipelineState(arn=arn) if row is None else PipelineState(**row._mapping)


def due(connection: Connection, now: str) -> list[Due]:
    """Return the pipelines that build now by themselves, those first that waited longest."""
    query = (
        select(_S.arn, _S.next_run_at).where(_S.next_run_at <= now).order_by(_S.next_run_at, _S.arn)
    )
    found = [(row, _pipeline(connection, row.arn)) for row in connection.execute(query)]
    return [
        Due(arn=row.arn, at=row.next_run_at, pipeline=pipeline)
        for row, pipeline in found
        if pipeline is not None
    ]


def take(connection: Connection, due: Due, next_run_at: str | None) -> Stored | None:
    """Let a pipeline that is due wait for its next run; return it as it is now.

    None if someone else took it, or it was changed or deleted since it was found due.
    """
    taken = connection.execute(
        update(pipeline_states)
        .where(_S.arn == due.arn, _S.next_run_at == due.at)
        .values(next_run_at=next_run_at)
    ).rowcount
    return _pipeline(connection, due.arn) if taken else None


def forget(connection: Connection, arn: str) -> None:
    """Drop the state of a pipeline that is gone; its images stay its images (PIP-35)."""
    connection.execute(delete(pipeline_states).where(_S.arn == arn))


def add_run(
    connection: Connection, pipeline: str, image: Stored, *, scheduled: bool, at: str
) -> None:
    """Write down that a pipeline began to build an image."""
    connection.execute(
        insert(pipeline_runs).values(
            image_arn=str(image.arn),
            pipeline_arn=pipeline,
            sequence=image.sequence,
            scheduled=scheduled,
        )
    )
    connection.execute(update(pipeline_states).where(_S.arn == pipeline).values(last_run_at=at))


def forget_image(connection: Connection, image_arn: str) -> None:
    """Drop the run of an image that is deleted."""
    connection.execute(delete(pipeline_runs).where(_R.image_arn == image_arn))


def images_of(arn: str, *, since: int = 0) -> Conditions:
    """Mean the images of a pipeline, of those made after a place in the order of making."""
    sequences = select(_R.sequence).where(_R.pipeline_arn == arn, _R.sequence > since)
    return Conditions(clauses=(resources.c.sequence.in_(sequences),))


def newest_image(connection: Connection, pipeline: Stored) -> Stored | None:
    """Return the newest image of a pipeline that is still there.

    A pipeline of the same name before it does not count.
    """
    found = store.page_of_builds(
        connection,
        _place(pipeline.arn, Kind.IMAGE),
        conditions=images_of(str(pipeline.arn), since=pipeline.sequence),
        before=None,
        limit=1,
    )
    return found[0] if found else None


def last_build(connection: Connection, pipeline: Stored) -> Stored | None:
    """Return the newest image of a pipeline that succeeded or is being built (PIP-20)."""
    clauses = images_of(str(pipeline.arn), since=pipeline.sequence).clauses
    failed = [ImageStatus.FAILED.value, ImageStatus.CANCELLED.value]
    found = store.page_of_builds(
        connection,
        _place(pipeline.arn, Kind.IMAGE),
        conditions=Conditions(clauses=(*clauses, resources.c.status.not_in(failed))),
        before=None,
        limit=1,
    )
    return found[0] if found else None


def note_end(connection: Connection, image_arn: str, status: ImageStatus, outbox: Outbox) -> None:
    """Count what the end of an image means for the pipeline that built it (PIP-32).

    A success begins the count anew; a failure of a scheduled run counts once, and disables the
    pipeline where it reaches the limit.
    """
    run = connection.execute(select(pipeline_runs).where(_R.image_arn == image_arn)).one_or_none()
    if run is None:
        return
    pipeline = _pipeline(connection, run.pipeline_arn)
    if pipeline is None or pipeline.sequence > run.sequence:
        return
    if status is ImageStatus.AVAILABLE:
        connection.execute(
            update(pipeline_states).where(_S.arn == run.pipeline_arn).values(consecutive_failures=0)
        )
    elif status is ImageStatus.FAILED and run.scheduled and not run.counted:
        connection.execute(
            update(pipeline_runs).where(_R.image_arn == image_arn).values(counted=True)
        )
        count_failure(connection, pipeline, outbox)


def count_failure(connection: Connection, pipeline: Stored, outbox: Outbox) -> None:
    """Count a scheduled run that failed; disable the pipeline that reaches its limit (PIP-32)."""
    arn = str(pipeline.arn)
    failures = state_of(connection, arn).consecutive_failures + 1
    connection.execute(
        update(pipeline_states).where(_S.arn == arn).values(consecutive_failures=failures)
    )
    policy = pipeline.body.get("schedule", {}).get("autoDisablePolicy", {})
    if failures < policy.get("failureCount", FAILURES_MAX):
        return
    if pipeline.body["status"] == "DISABLED":
        return
    connection.execute(
        update(resources)
        .where(resources.c.sequence == pipeline.sequence)
        .values(body={**pipeline.body, "status": "DISABLED"})
    )
    connection.execute(update(pipeline_states).where(_S.arn == arn).values(next_run_at=None))
    outbox.disabled(connection, arn, failures)


def _pipeline(connection: Connection, arn_text: str) -> Stored | None:
    arn = Arn.parse(arn_text)
    place = _place(arn, Kind.IMAGE_PIPELINE)
    return store.build(connection, place, arn.path, store.UNVERSIONED, 0)


def _place(arn: Arn, kind: Kind) -> Place:
    return Place(account=arn.account, region=arn.region, kind=kind, partition=arn.partition)
