"""Writing down a retry: which executions take the place of which, and what runs again.

Functions on a connection; the caller's transaction holds all of it, with the run that follows.
"""

from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Connection, case, insert, select, update

from imagewright.engine.failures import STATES
from imagewright.engine.retry import Again, Machine, Retry
from imagewright.store import builds, instances, layers
from imagewright.store.build_tables import builds as build_rows
from imagewright.store.build_tables import machine_steps, step_executions, workflow_executions
from imagewright.store.outbox import Outbox


class LayerGone(Exception):
    """A machine cannot run again: what it stood on was freed since."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"what the machine {instance_id} stood on before the step was freed since, or was "
            "made by an older release"
        )
        self.instance_id = instance_id


def record(connection: Connection, image_arn: str, retry: Retry, outbox: Outbox) -> int:
    """Write a retry down and return its number; the image is in the state of its stage then.

    Raises LayerGone; then nothing may be kept of the transaction.
    """
    number = 1 + int(
        connection.execute(
            select(build_rows.c.attempt).where(build_rows.c.image_arn == image_arn)
        ).scalar_one()
    )
    connection.execute(
        update(build_rows)
        .where(build_rows.c.image_arn == image_arn)
        .values(attempt=number, cancel_requested=False)
    )
    taken = max(each.ordinal for each in builds.executions_of(connection, image_arn))
    ordinals = {execution_id: taken + 1 + place for place, execution_id in enumerate(retry.order)}
    _move_back(connection, ordinals)
    for machine in retry.handed_on:
        with suppress(LayerGone):  # perhaps nobody was given it
            _revive(connection, machine)
    for again in retry.again:
        _add(connection, again, ordinals[again.execution.id])
        for machine in again.machines:
            _revive(connection, machine)
        _carry_over(connection, again)
    builds.begin_again(connection, image_arn, STATES[retry.stage], outbox)
    return number


def _move_back(connection: Connection, ordinals: dict[str, int]) -> None:
    """Let executions that have not begun stand behind those that run before them."""
    place = case(ordinals, value=workflow_executions.c.id)
    connection.execute(
        update(workflow_executions)
        .where(workflow_executions.c.id.in_(list(ordinals)))
        .values(ordinal=place)
    )


def _add(connection: Connection, again: Again, ordinal: int) -> None:
    connection.execute(
        update(workflow_executions)
        .where(workflow_executions.c.id == again.instead_of.id)
        .values(retried=True)
    )
    execution = replace(again.execution, ordinal=ordinal)
    connection.execute(insert(workflow_executions).values(builds.values_of(execution)))
    if again.steps:
        rows = [builds.values_of(step) for step in again.steps]
        connection.execute(insert(step_executions), rows)


def _revive(connection: Connection, machine: Machine) -> None:
    """Let a machine stand where it stood before the step that failed."""
    layer_id = layer_after(connection, machine.instance_id, machine.works_of)
    if layer_id is None or layers.get(connection, layer_id) is None:
        raise LayerGone(machine.instance_id)
    instances.revive(connection, machine.instance_id, layer_id)


def layer_after(connection: Connection, instance_id: str, steps: tuple[str, ...]) -> str | None:
    """Return the layer that a machine stood on after some steps, by id, the last first.

    Where none of them changed it, that is what it was launched on; None if that is not known.
    """
    for step_id in steps:
        query = (
            select(machine_steps.c.layer_id)
            .where(machine_steps.c.instance_id == instance_id, machine_steps.c.token == step_id)
            .order_by(machine_steps.c.unit.desc())
            .limit(1)
        )
        if (found := connection.execute(query).scalar()) is not None:
            return str(found)
    row = instances.get(connection, instance_id)
    return None if row is None else row.launch_layer


def _carry_over(connection: Connection, again: Again) -> None:
    """Let the works of a step that is not done again be those of its new record too."""
    query = select(machine_steps).where(machine_steps.c.token.in_(list(again.carried)))
    rows = [dict(row._mapping) for row in connection.execute(query)]
    if rows:
        connection.execute(
            insert(machine_steps), [{**row, "token": again.carried[row["token"]]} for row in rows]
        )
