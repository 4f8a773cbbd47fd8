"""Rows of layers, in functions on a connection: a caller may join them to its own writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from imagewright.store.machine_tables import layer_holders, layers, unchanging_works

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerRow:
    """One sealed layer."""

    id: str
    parent: str | None
    directory: str
    flat_directory: str | None
    """A directory that holds this layer and all beneath it, once the chain grew long."""
    size_bytes: int
    created_at: str
    used_at: str
    unsynced_boot_id: str | None
    key: str | None
    made_by: str | None
    outputs: JsonObject | None
    has_network: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnchangingWork:
    """A work that changed no file of the layer it stood on."""

    layer: str
    outputs: JsonObject
    has_network: bool
    created_at: str


def add(connection: Connection, row: LayerRow) -> None:
    """Make a layer known: from now on it is whole."""
    connection.execute(insert(layers).values({c.name: getattr(row, c.name) for c in layers.c}))


def get(connection: Connection, layer_id: str) -> LayerRow | None:
    """Return a layer, if it is there."""
    row = connection.execute(select(layers).where(layers.c.id == layer_id)).one_or_none()
    return None if row is None else LayerRow(**row._mapping)


def everything(connection: Connection) -> list[LayerRow]:
    """Return all layers, the oldest first."""
    rows = connection.execute(select(layers).order_by(layers.c.created_at, layers.c.id))
    return [LayerRow(**row._mapping) for row in rows]


def chain(connection: Connection, layer_id: str) -> list[LayerRow]:
    """Return a layer and all beneath it, the topmost first; empty if it is not there."""
    recursive = (
        select(layers.c.id, layers.c.parent).where(layers.c.id == layer_id).cte(recursive=True)
    )
    above = recursive.alias()
    recursive = recursive.union_all(
        select(layers.c.id, layers.c.parent).where(layers.c.id == above.c.parent)
    )
    rows = connection.execute(select(layers).where(layers.c.id.in_(select(recursive.c.id))))
    by_id = {row.id: LayerRow(**row._mapping) for row in rows}
    found = []
    next_id: str | None = layer_id
    while next_id is not None and next_id in by_id:
        found.append(by_id[next_id])
        next_id = by_id[next_id].parent
    return found


def newest_with_key(connection: Connection, key: str) -> LayerRow | None:
    """Return the layer made last under a key."""
    statement = (
        select(layers)
        .where(layers.c.key == key)
        .order_by(layers.c.created_at.desc(), layers.c.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else LayerRow(**row._mapping)


def remember(
    connection: Connection,
    layer_id: str,
    *,
    key: str,
    made_by: str,
    outputs: JsonObject,
    has_network: bool,
) -> None:
    """Let a layer be found by its key, with what the step gave."""
    connection.execute(
        update(layers)
        .where(layers.c.id == layer_id)
        .values(key=key, made_by=made_by, outputs=dict(outputs), has_network=has_network)
    )


def remember_unchanging(
    connection: Connection,
    layer_id: str,
    *,
    key: str,
    outputs: JsonObject,
    has_network: bool,
    now: str,
) -> None:
    """Note what a work gave that changed no file of the layer it stood on."""
    connection.execute(delete(unchanging_works).where(unchanging_works.c.key == key))
    connection.execute(
        insert(unchanging_works).values(
            key=key, layer=layer_id, outputs=dict(outputs), has_network=has_network, created_at=now
        )
    )


def unchanging(connection: Connection, key: str) -> UnchangingWork | None:
    """Return what a work gave under a key, if it changed no file."""
    statement = select(
        unchanging_works.c.layer,
        unchanging_works.c.outputs,
        unchanging_works.c.has_network,
        unchanging_works.c.created_at,
    ).where(unchanging_works.c.key == key)
    row = connection.execute(statement).one_or_none()
    return None if row is None else UnchangingWork(**row._mapping)


def touch(connection: Connection, layer_ids: Iterable[str], now: str) -> None:
    """Note that layers were used."""
    connection.execute(update(layers).where(layers.c.id.in_(list(layer_ids))).values(used_at=now))


def set_flat_directory(connection: Connection, layer_id: str, directory: str) -> bool:
    """Note the flattened form of a chain; False if the layer is gone, or another was quicker."""
    result = connection.execute(
        update(layers)
        .where(layers.c.id == layer_id, layers.c.flat_directory.is_(None))
        .values(flat_directory=directory)
    )
    return result.rowcount == 1


def mark_synced(connection: Connection, layer_ids: Sequence[str]) -> None:
    """Note that these are surely on the disk."""
    connection.execute(
        update(layers).where(layers.c.id.in_(layer_ids)).values(unsynced_boot_id=None)
    )


def delete_rows(connection: Connection, layer_ids: Sequence[str]) -> None:
    """Forget layers; their directories are the caller's to delete."""
    connection.execute(delete(unchanging_works).where(unchanging_works.c.layer.in_(layer_ids)))
    connection.execute(delete(layers).where(layers.c.id.in_(layer_ids)))


def hold(connection: Connection, holder: str, layer_id: str) -> None:
    """Note that someone needs a layer and all beneath it. Saying so twice changes nothing."""
    try:
        with connection.begin_nested():
            connection.execute(insert(layer_holders).values(holder=holder, layer=layer_id))
    except IntegrityError:
        return


def release(connection: Connection, holder: str) -> None:
    """Note that someone needs none of its layers any more."""
    connection.execute(delete(layer_holders).where(layer_holders.c.holder == holder))


def held(connection: Connection) -> set[str]:
    """Return the layers that someone needs."""
    return set(connection.execute(select(layer_holders.c.layer).distinct()).scalars())


def total_size_bytes(connection: Connection) -> int:
    """Return what all layers take together."""
    total: int = connection.execute(
        select(func.coalesce(func.sum(layers.c.size_bytes), 0))
    ).scalar_one()
    return total
