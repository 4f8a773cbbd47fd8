"""The durable memory of builds: ``engine.ports.Records`` on the database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, literal, select, tuple_, update

from imagewright.arns import Arn, Kind
from imagewright.documents.specs import Stage
from imagewright.engine.attempts import Attempt
from imagewright.engine.image_messages import image_message
from imagewright.engine.image_names import own_description, own_name
from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import (
    FailureContext,
    ImageStatus,
    RollbackStatus,
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
    by_end,
)
from imagewright.store import machine_images, pipelines
from imagewright.store import resources as store
from imagewright.store.build_tables import builds, step_executions, workflow_executions
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox
from imagewright.store.resources import Place, Stored
from imagewright.store.tables import resources
from imagewright.versions import Version

_TOPICS_HEAR_OF = frozenset({ImageStatus.AVAILABLE, ImageStatus.FAILED})
_SCAN_ENDS = frozenset({"ABANDONED", "COMPLETED", "FAILED", "TIMED_OUT"})


class BuildRecords:
    """See ``engine.ports.Records``."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def plan(self, image_arn: str) -> BuildPlan:
        """Return what a build is to do."""
        with self._database.read() as connection:
            found = plan_of(connection, image_arn)
        if found is None:
            raise KeyError(image_arn)
        return found

    def begin(
        self, executions: Sequence[WorkflowExecution], steps: Sequence[StepExecution]
    ) -> None:
        """Record all executions of a build, unless they are recorded already."""
        with self._database.write(soon=True) as connection:
            if executions_of(connection, executions[0].image_arn):
                return
            connection.execute(
                insert(workflow_executions), [values_of(each) for each in executions]
            )
            if steps:
                connection.execute(insert(step_executions), [values_of(step) for step in steps])

    def executions(self, image_arn: str) -> Sequence[WorkflowExecution]:
        """Return the executions of a build that count, in the order of its plan."""
        with self._database.read() as connection:
            return current_executions(connection, image_arn)

    def attempt(self, image_arn: str) -> int:
        """Return how often a build was retried."""
        with self._database.read() as connection:
            query = select(builds.c.attempt).where(builds.c.image_arn == image_arn)
            return int(connection.execute(query).scalar_one())

    def execution(self, execution_id: str) -> WorkflowExecution:
        """Return one workflow execution."""
        with self._database.read() as connection:
            found = find_execution(connection, execution_id)
        if found is None:
            raise KeyError(execution_id)
        return found

    def steps(self, execution_id: str) -> Sequence[StepExecution]:
        """Return the steps of a workflow execution, in order."""
        with self._database.read() as connection:
            return steps_of(connection, execution_id)

    def step(self, step_id: str) -> StepExecution:
        """Return one step execution."""
        with self._database.read() as connection:
            found = find_step(connection, step_id)
        if found is None:
            raise KeyError(step_id)
        return found

    def save_execution(self, execution: WorkflowExecution) -> None:
        """Replace the record of a workflow execution."""
        with self._database.write(soon=True) as connection:
            connection.execute(
                update(workflow_executions)
                .where(workflow_executions.c.id == execution.id)
                .values(values_of(execution))
            )

    def save_step(self, step: StepExecution) -> None:
        """Replace the record of a step."""
        with self._database.write(soon=True) as connection:
            _save_step(connection, step)

    def start_waiting(self, step: StepExecution) -> bool:
        """Let a step wait, unless its build is cancelled; see ``Records``."""
        with self._database.write(soon=True) as connection:
            if _cancel_requested(connection, step.image_arn, lock=True):
                return False
            _save_step(connection, step)
            return True

    def stop_waiting(self, step: StepExecution) -> bool:
        """Let a step that waited in vain end, unless it was answered; see ``Records``."""
        with self._database.write(soon=True) as connection:
            if not take_answer(connection, step.id):
                return False
            _save_step(connection, step)
            return True

    def is_cancelled(self, image_arn: str) -> bool:
        """Tell whether someone asked for the build to be cancelled."""
        with self._database.read() as connection:
            return _cancel_requested(connection, image_arn)

    def set_image_state(
        self,
        image_arn: str,
        status: ImageStatus,
        *,
        reason: str | None = None,
        failure: FailureContext | None = None,
    ) -> ImageStatus:
        """Move the image to a state, and return the one it is in then; see ``Records``."""
        state: dict[str, Any] = {"status": status.value}
        if reason is not None:
            state["reason"] = reason
        if failure is not None:
            state["failureContext"] = _shown(failure)
        with self._database.write(soon=not status.is_final) as connection:
            if status.is_final and _cancel_requested(connection, image_arn, lock=True):
                state = {"status": ImageStatus.CANCELLED.value}
            return set_state(connection, image_arn, state, self._outbox)

    def add_output_image(self, image_arn: str, image_id: str) -> None:
        """Show an image id among the image's output resources (IMG-50, IMG-51)."""
        with self._database.write(soon=True) as connection:
            stored, plan = _image(connection, image_arn), plan_of(connection, image_arn)
            if stored is None or plan is None:
                return
            made = machine_images.find(connection, image_id)
            if made is not None and made.account != plan.account:
                made = None  # a workflow may put out any id
            image = OutputImage(
                id=image_id,
                region=plan.region,
                account=plan.account,
                name=own_name(plan) if made is None else made.name,
                description=own_description(plan) if made is None else made.description,
            )
            add_output(connection, image_arn, image)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputImage:
    """An image or a copy of one, as an image resource shows it (IMG-50)."""

    id: str
    region: str
    account: str
    name: str
    description: str | None


def add_output(connection: Connection, image_arn: str, image: OutputImage) -> None:
    """Show an image among the output resources, unless it is shown there already."""
    stored = _image(connection, image_arn)
    if stored is None:
        return
    amis = list(stored.body.get("outputResources", {}).get("amis", ()))
    if any(ami["image"] == image.id for ami in amis):
        return
    entry = {
        "region": image.region,
        "image": image.id,
        "name": image.name,
        "accountId": image.account,
        "state": {"status": "AVAILABLE"},
    }
    if image.description is not None:
        entry["description"] = image.description
    _show_output(connection, stored, {"amis": [*amis, entry]})


def add_container(connection: Connection, image_arn: str, region: str, uris: Sequence[str]) -> None:
    """Show by what a container image is had in a region, unless that is shown already (IMG-52)."""
    stored = _image(connection, image_arn)
    if stored is None:
        return
    containers = stored.body.get("outputResources", {}).get("containers", ())
    shown = {entry["region"]: entry["imageUris"] for entry in containers}
    shown[region] = list(dict.fromkeys([*shown.get(region, ()), *uris]))
    entries = [{"region": name, "imageUris": known} for name, known in shown.items()]
    _show_output(connection, stored, {"containers": entries})


def _show_output(connection: Connection, stored: Stored, output: Mapping[str, Any]) -> None:
    body = {**stored.body, "outputResources": output}
    _save_image(connection, stored, body, ImageStatus(stored.status or "PENDING"))


def add_build(connection: Connection, plan: BuildPlan) -> None:
    """Record what a build is to do."""
    connection.execute(
        insert(builds).values(
            image_arn=plan.image_arn,
            account=plan.account,
            region=plan.region,
            plan=plan.to_json(),
            cancel_requested=False,
        )
    )


def plan_of(connection: Connection, image_arn: str) -> BuildPlan | None:
    """Return what a build is to do, if there is such a build."""
    query = select(builds.c.plan).where(builds.c.image_arn == image_arn)
    stored = connection.execute(query).scalar_one_or_none()
    return None if stored is None else BuildPlan.from_json(stored)


def set_state(
    connection: Connection, image_arn: str, state: Mapping[str, Any], outbox: Outbox
) -> ImageStatus:
    """Move an image to a state, as answers show it; a final state is never left (EVT-01).

    Returns the state it is in then.
    """
    status = ImageStatus(state["status"])
    stored = _image(connection, image_arn)
    if stored is None:
        return status
    before = ImageStatus(stored.status or "PENDING")
    if before.is_final:
        return before
    body = {**stored.body, "state": dict(state)}
    scan = body.get("scanState")
    if status.is_final and scan is not None and scan["status"] not in _SCAN_ENDS:
        body["scanState"] = {"status": "ABANDONED"}
    _save_image(connection, stored, body, status)
    outbox.moved(connection, image_arn, before, status)
    if status in _TOPICS_HEAR_OF:
        _tell_topic(connection, stored, body, outbox)
    if status.is_final:
        pipelines.note_end(connection, image_arn, status, outbox)
    return status


def _tell_topic(
    connection: Connection, stored: Stored, body: Mapping[str, Any], outbox: Outbox
) -> None:
    """Have the topic of the infrastructure configuration told, if it has one (SNS-01)."""
    topic_arn = body.get("infrastructureConfiguration", {}).get("snsTopicArn")
    if topic_arn is None or not outbox.tells_topics:
        return
    executions: dict[Stage, str] = {}
    for execution in current_executions(connection, str(stored.arn)):
        executions.setdefault(execution.stage, execution.id)
    message = image_message(
        stored.arn,
        name=stored.name,
        image_type=stored.type,
        platform=stored.platform,
        created_at=stored.created_at,
        tags=stored.tags,
        body=body,
        executions=executions,
    )
    outbox.recorded(connection, stored.arn, topic_arn, message)


def set_scan_state(
    connection: Connection, image_arn: str, status: str, *, reason: str | None = None
) -> None:
    """Note how far the scan of an image is (SCN-04)."""
    stored = _image(connection, image_arn)
    if stored is not None:
        state = {"status": status} | ({} if reason is None else {"reason": reason})
        image_status = ImageStatus(stored.status or "PENDING")
        _save_image(connection, stored, {**stored.body, "scanState": state}, image_status)


def begin_again(
    connection: Connection, image_arn: str, status: ImageStatus, outbox: Outbox
) -> None:
    """Move an image whose build was over to the state in which a retry goes on (IMG-30)."""
    stored = _image(connection, image_arn)
    if stored is not None:
        body = {**stored.body, "state": {"status": status.value}}
        if body.get("scanState") == {"status": "ABANDONED"}:
            body["scanState"] = {"status": "PENDING"}
        _save_image(connection, stored, body, status)
        outbox.moved(connection, image_arn, ImageStatus(stored.status or "PENDING"), status)


def set_os_version(connection: Connection, image_arn: str, os_version: str) -> None:
    """Note what an image runs (IMG-54)."""
    stored = _image(connection, image_arn)
    if stored is not None:
        status = ImageStatus(stored.status or "PENDING")
        _save_image(connection, stored, {**stored.body, "osVersion": os_version}, status)


def names_under_way(connection: Connection) -> list[str]:
    """Name the builds of all accounts that are not over, as ``name/1.0.0/1``, the oldest first."""
    return [
        f"{row.path}/{row.major}.{row.minor}.{row.patch}/{row.build}"
        for row in _under_way(connection)
    ]


def standing_on(connection: Connection, image_arn: str) -> list[str]:
    """Return the ARNs of the builds that are not over and whose parent is this image (IMG-61)."""
    names = {image_arn, *machine_images.ids_of(connection, image_arn)}
    image = Arn.parse(image_arn)
    under_way = [
        str(
            replace(
                image,
                region=row.region,
                account=row.account,
                path=row.path,
                version=f"{row.major}.{row.minor}.{row.patch}",
                build=row.build,
            )
        )
        for row in _under_way(connection)
    ]
    parent = builds.c.plan["parent_image"].as_string()
    query = select(parent).where(builds.c.image_arn == bindparam("arn"))
    return [arn for arn in under_way if connection.execute(query, {"arn": arn}).scalar() in names]


def _under_way(connection: Connection) -> Sequence[Any]:
    """Return where the builds of all accounts are kept that are not over, the oldest first."""
    over = [status.value for status in ImageStatus if status.is_final]
    r = resources.c
    query = (
        select(r.account, r.region, r.path, r.major, r.minor, r.patch, r.build)
        .where(r.kind == Kind.IMAGE.value, r.status.not_in(over))
        .order_by(r.sequence)
    )
    return connection.execute(query).all()


def forget_build(connection: Connection, image_arn: str) -> None:
    """Drop the plan and the executions of a build (IMG-63)."""
    connection.execute(delete(step_executions).where(step_executions.c.image_arn == image_arn))
    connection.execute(
        delete(workflow_executions).where(workflow_executions.c.image_arn == image_arn)
    )
    connection.execute(delete(builds).where(builds.c.image_arn == image_arn))


def run_of(connection: Connection, step: StepExecution) -> str:
    """Return the id of the run that a step's answer goes to; see ``Journal.answer``."""
    execution = find_execution(connection, step.workflow_execution_id)
    in_group = execution is not None and execution.parallel_group is not None
    if in_group:
        return step.workflow_execution_id
    query = select(builds.c.attempt).where(builds.c.image_arn == step.image_arn)
    return Attempt(step.image_arn, connection.execute(query).scalar() or 0).id


def take_answer(connection: Connection, step_id: str) -> bool:
    """Let one answer count for a waiting step; tell whether this is the one (EXE-13).

    That nobody answered in time counts as one.
    """
    taken = connection.execute(
        update(step_executions)
        .where(
            step_executions.c.id == step_id,
            step_executions.c.status == StepStatus.WAITING.value,
            step_executions.c.is_answered.is_(False),
        )
        .values(is_answered=True)
    )
    return taken.rowcount == 1


def request_cancel(connection: Connection, image_arn: str) -> list[tuple[StepExecution, str]]:
    """Ask for a build to be cancelled; return the steps that wait and must be told, and where."""
    connection.execute(
        update(builds).where(builds.c.image_arn == image_arn).values(cancel_requested=True)
    )
    query = select(step_executions).where(
        step_executions.c.image_arn == image_arn,
        step_executions.c.status == StepStatus.WAITING.value,
        step_executions.c.is_answered.is_(False),
    )
    waiting = [_step(row) for row in connection.execute(query)]
    return [(step, run_of(connection, step)) for step in waiting]


def executions_of(connection: Connection, image_arn: str) -> list[WorkflowExecution]:
    """Return all executions of a build, in the order they run (SRT-03)."""
    query = (
        select(workflow_executions)
        .where(workflow_executions.c.image_arn == image_arn)
        .order_by(workflow_executions.c.ordinal)
    )
    return [_execution(row) for row in connection.execute(query)]


def shown_executions(connection: Connection, image_arn: str) -> list[WorkflowExecution]:
    """Return the executions of workflows that were asked for, in the order they run (IMG-14)."""
    found = executions_of(connection, image_arn)
    if all(each.stage is not Stage.DISTRIBUTION for each in found):
        return found
    plan = plan_of(connection, image_arn)
    return [each for each in found if plan is None or plan.workflows[each.planned].is_shown]


def current_executions(connection: Connection, image_arn: str) -> list[WorkflowExecution]:
    """Return the executions that none took the place of, in the order of the plan."""
    found = [each for each in executions_of(connection, image_arn) if not each.retried]
    return sorted(found, key=lambda each: each.planned)


def find_execution(connection: Connection, execution_id: str) -> WorkflowExecution | None:
    """Return a workflow execution, if there is one with this id."""
    query = select(workflow_executions).where(workflow_executions.c.id == execution_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _execution(row)


def steps_of(connection: Connection, execution_id: str) -> list[StepExecution]:
    """Return the steps of a workflow execution, in the document's order."""
    query = (
        select(step_executions)
        .where(step_executions.c.workflow_execution_id == execution_id)
        .order_by(step_executions.c.ordinal)
    )
    return [_step(row) for row in connection.execute(query)]


def steps_before(connection: Connection, execution_id: str) -> list[StepExecution]:
    """Return the steps of the workflows that were done before an execution, by their end."""
    execution = find_execution(connection, execution_id)
    if execution is None:
        return []
    last = {
        each.planned: each
        for each in executions_of(connection, execution.image_arn)
        if each.planned < execution.planned and each.ordinal < execution.ordinal
    }
    return by_end(step for number in sorted(last) for step in steps_of(connection, last[number].id))


def find_step(connection: Connection, step_id: str, *, lock: bool = False) -> StepExecution | None:
    """Return a step execution, if there is one with this id."""
    query = select(step_executions).where(step_executions.c.id == step_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _step(row)


def waiting_steps(
    connection: Connection,
    account: str,
    region: str,
    *,
    after: tuple[str, str] | None,
    count: int,
) -> list[StepExecution]:
    """Return steps of an account that wait for an answer, the longest waiting first (EXE-11).

    ``after``: when the step before the first one started, and its id.
    """
    query = (
        select(step_executions)
        .join(builds, builds.c.image_arn == step_executions.c.image_arn)
        .where(
            builds.c.account == account,
            builds.c.region == region,
            builds.c.cancel_requested.is_(False),
            step_executions.c.status == StepStatus.WAITING.value,
            step_executions.c.is_answered.is_(False),
        )
        .order_by(step_executions.c.started_at, step_executions.c.id)
        .limit(count)
    )
    if after is not None:
        place = tuple_(step_executions.c.started_at, step_executions.c.id)
        query = query.where(place > tuple_(*map(literal, after)))
    return [_step(row) for row in connection.execute(query)]


def place_of_waiting(step: StepExecution) -> tuple[str, str]:
    """Return the place of a step among those that wait: what ``waiting_steps`` goes on after."""
    return _moment_text(step.started_at) or "", step.id


def is_cancelled(connection: Connection, image_arn: str) -> bool:
    """Tell whether a build was asked to end; it is not until the end of the transaction."""
    return _cancel_requested(connection, image_arn, lock=True)


def _cancel_requested(connection: Connection, image_arn: str, *, lock: bool = False) -> bool:
    query = select(builds.c.cancel_requested).where(builds.c.image_arn == image_arn)
    return bool(connection.execute(query.with_for_update() if lock else query).scalar())


def _save_step(connection: Connection, step: StepExecution) -> None:
    connection.execute(
        update(step_executions).where(step_executions.c.id == step.id).values(values_of(step))
    )


def _image(connection: Connection, image_arn: str) -> Stored | None:
    arn = Arn.parse(image_arn)
    place = Place(account=arn.account, region=arn.region, kind=arn.kind, partition=arn.partition)
    if arn.version is None or arn.build is None:
        return None
    return store.build(connection, place, arn.path, Version.parse(arn.version), arn.build)


def _save_image(
    connection: Connection, stored: Stored, body: Mapping[str, Any], status: ImageStatus
) -> None:
    connection.execute(
        update(resources)
        .where(resources.c.sequence == stored.sequence)
        .values(body=dict(body), status=status.value)
    )


def values_of(record: WorkflowExecution | StepExecution) -> dict[str, Any]:
    """Return a record's row."""
    values = asdict(record)
    for name in ("started_at", "ended_at"):
        values[name] = _moment_text(values[name])
    for name in ("outputs", "results"):
        if isinstance(values.get(name), Mapping):
            values[name] = dict(values[name])
    return values


def _execution(row: Row[Any]) -> WorkflowExecution:
    values = dict(row._mapping)
    return WorkflowExecution(
        **values
        | {
            "stage": Stage(row.stage),
            "status": WorkflowStatus(row.status),
            "started_at": _moment(row.started_at),
            "ended_at": _moment(row.ended_at),
        }
    )


def _step(row: Row[Any]) -> StepExecution:
    values = dict(row._mapping)
    del values["is_answered"]
    rollback = row.rollback_status
    return StepExecution(
        **values
        | {
            "status": StepStatus(row.status),
            "rollback_status": None if rollback is None else RollbackStatus(rollback),
            "started_at": _moment(row.started_at),
            "ended_at": _moment(row.ended_at),
        }
    )


def _moment_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _shown(failure: FailureContext) -> dict[str, Any]:
    members = {
        "imageStatus": failure.image_status.value,
        "workflowExecutionId": failure.workflow_execution_id,
        "workflowArn": failure.workflow_arn,
        "stepExecutionId": failure.step_execution_id,
        "failedStep": failure.failed_step,
        "componentFailure": failure.component_failure,
        "distributionFailure": failure.distribution_failure,
    }
    return {name: value for name, value in members.items() if value is not None}
