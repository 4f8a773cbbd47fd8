"""Instances as rows, in functions on a connection: any worker brings a machine up from one.

A living instance holds its top layer (``layer_holders``), so that pruning leaves it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from imagewright.clock import iso_milliseconds
from imagewright.store import layers
from imagewright.store.build_tables import machine_steps
from imagewright.store.machine_tables import instances

State = Literal["running", "kept", "terminated"]


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One machine: ``i-`` and 17 hex digits, its driver, and what it has come to."""

    id: str
    driver: str
    layer: str
    owner: str
    state: State
    """kept: left after a failure for its author to look into."""
    created_at: str
    ended_at: str | None
    kept_at: str | None
    launch_layer: str | None = None
    """What it was launched on; None for one of an older release."""
    config: Mapping[str, Any] | None = None
    """How containers of what it stands on are run: an OCI image's ``config``."""


def add(
    connection: Connection,
    instance_id: str,
    *,
    driver: str,
    layer: str,
    owner: str,
    now: str,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Make an instance on top of a layer."""
    connection.execute(
        insert(instances).values(
            id=instance_id, driver=driver, layer=layer, launch_layer=layer, owner=owner,
            state="running", created_at=now, ended_at=None, kept_at=None, config=config,
        )
    )  # fmt: skip
    layers.hold(connection, instance_id, layer)


def get(connection: Connection, instance_id: str) -> InstanceRow | None:
    """Return an instance, if there was one."""
    row = connection.execute(select(instances).where(instances.c.id == instance_id)).one_or_none()
    return None if row is None else InstanceRow(**row._mapping)


def living(connection: Connection, *, owner: str | None = None) -> list[InstanceRow]:
    """Return the instances that did not end, the oldest first; those of one build, if said."""
    statement = select(instances).where(instances.c.state != "terminated")
    if owner is not None:
        statement = statement.where(instances.c.owner == owner)
    rows = connection.execute(statement.order_by(instances.c.created_at, instances.c.id))
    return [InstanceRow(**row._mapping) for row in rows]


def advance(connection: Connection, instance_id: str, layer: str) -> None:
    """Note that the instance has come to another layer; one that has ended holds none."""
    connection.execute(update(instances).where(instances.c.id == instance_id).values(layer=layer))
    layers.release(connection, instance_id)
    row = get(connection, instance_id)
    if row is not None and row.state != "terminated":
        layers.hold(connection, instance_id, layer)


def keep(connection: Connection, instance_id: str, now: str) -> bool:
    """Leave a running instance for its author to look into; tell whether it was one."""
    kept = connection.execute(
        update(instances)
        .where(instances.c.id == instance_id, instances.c.state == "running")
        .values(state="kept", kept_at=now)
    )
    return kept.rowcount == 1


def revive(connection: Connection, instance_id: str, layer: str) -> None:
    """Let an instance run again, on a layer that it once stood on."""
    connection.execute(
        update(instances)
        .where(instances.c.id == instance_id)
        .values(state="running", ended_at=None, kept_at=None)
    )
    advance(connection, instance_id, layer)


def end_long_kept(connection: Connection, age_max: timedelta, now: datetime) -> list[str]:
    """End the instances that were kept for longer than this; return their ids.

    A kept machine is a row that holds layers: it is enough to do this before anyone looks at
    either. Without an age (zero) none ends. One of an older release counts from its launch.
    """
    if not age_max:
        return []
    kept_before, ended_at = iso_milliseconds(now - age_max), iso_milliseconds(now)
    since = func.coalesce(instances.c.kept_at, instances.c.created_at)
    statement = select(instances.c.id).where(instances.c.state == "kept", since < kept_before)
    ids = list(connection.execute(statement).scalars())
    for instance_id in ids:
        end(connection, instance_id, ended_at)
    return ids


def forget(connection: Connection, owner: str) -> None:
    """Forget every instance of a build, and let go of their layers."""
    ids = list(
        connection.execute(select(instances.c.id).where(instances.c.owner == owner)).scalars()
    )
    for instance_id in ids:
        layers.release(connection, instance_id)
    connection.execute(delete(machine_steps).where(machine_steps.c.instance_id.in_(ids)))
    connection.execute(delete(instances).where(instances.c.owner == owner))


def end(connection: Connection, instance_id: str, now: str) -> None:
    """Note that the instance is gone, and let go of its layers. Calling it again does nothing."""
    connection.execute(
        update(instances)
        .where(instances.c.id == instance_id, instances.c.state != "terminated")
        .values(state="terminated", ended_at=now)
    )
    layers.release(connection, instance_id)
