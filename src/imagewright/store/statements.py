"""The statements of every request, built once: to build one takes several times what it runs.

Each takes its values by the names of the columns; those of a key begin with ``at_`` where the
columns themselves are written.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from imagewright.store.tables import resources, versions

_PLACE = ("account", "region", "kind")
_VERSION = (*_PLACE, "path", "major", "minor", "patch")


def _at(table: Table, names: Iterable[str], prefix: str = "") -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(prefix + name) for name in names))


_SAME_VERSION = and_(*(versions.c[name] == resources.c[name] for name in _VERSION))

SELECTION: Any = select(
    resources, versions.c.version, versions.c.created_at.label("first_created_at")
).join_from(resources, versions, _SAME_VERSION)
"""Resources, each with what its version's row knows; takes no values yet."""

NEWEST_FIRST = tuple(resources.c[name].desc() for name in ("major", "minor", "patch", "build"))

BUILD = SELECTION.where(_at(resources, (*_VERSION, "build"))).limit(1)
"""One build."""

NEWEST_BUILD = SELECTION.where(_at(resources, _VERSION)).order_by(*NEWEST_FIRST).limit(1)
"""The newest build of one version."""

ADD_RESOURCE = insert(resources).returning(resources.c.sequence)
"""Takes a value for each column but the sequence."""

COUNT_UP = (
    update(versions)
    .where(_at(versions, _VERSION, "at_"))
    .values(newest_build=bindparam("number"), last_build=bindparam("number"))
)
"""Writes a version's newest build number; its key's names begin with ``at_``."""

COUNT_VERSIONS = (
    select(func.count())
    .select_from(versions)
    .where(_at(versions, _PLACE), versions.c.newest_build.is_not(None))
)
"""How many versions of one place have a build."""
