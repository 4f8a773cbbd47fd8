"""Putting new resources into the store, and taking them out again."""

from collections.abc import Callable

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.arns import Arn, Kind
from imagewright.call import Call
from imagewright.errors import (
    InvalidParameterValue,
    ResourceAlreadyExists,
    ResourceDependency,
    ServiceQuotaExceeded,
)
from imagewright.store import references
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import AlreadyStored, Draft, Place, Stored

Add = Callable[[Connection, Place, Draft], Stored]
"""``store.add_build`` where versions have builds, else ``store.add_only``."""


def add(
    connection: Connection, call: Call, kind: Kind, draft: Draft, *, quota: int, how: Add
) -> Stored:
    """Store a draft as the caller's.

    Raises ResourceAlreadyExists (VER-05, VER-06, NAM-06), ServiceQuotaExceeded (QUO-01).
    """
    place = lookup.own_place(call, kind)
    try:
        stored = how(connection, place, draft)
    except AlreadyStored as error:
        raise ResourceAlreadyExists(kind.camel_case, str(error.arn)) from None
    check_quota(connection, place, quota)
    return stored


def check_quota(connection: Connection, place: Place, quota: int) -> None:
    """Refuse what was just added if that made it too many (QUO-01).

    Raises ServiceQuotaExceeded; the transaction ends with it.
    """
    if store.count_versions(connection, place) > quota:
        raise ServiceQuotaExceeded(place.kind.plural, quota)


def delete(
    database: Database,
    text: str,
    call: Call,
    *,
    member: str,
    forget: Callable[[Connection, str], None] | None = None,
) -> str:
    """Delete one resource of the caller that nothing refers to; return its ARN (CRT-70 to -74).

    ``forget`` drops, in the same transaction, what else is known of it.
    Raises ResourceDependency, Forbidden for what the product ships, ResourceNotFound, and
    InvalidParameterValue for ``member`` when it is not one that is named.
    """
    if "x" in (Arn.parse(text).version or ""):
        raise InvalidParameterValue(member, "Only one version can be deleted; name it exactly.")
    with database.write() as connection:
        stored = lookup.find_own(connection, text, call, member=member)
        place = lookup.own_place(call, stored.arn.kind)
        if users := references.referrers(connection, place, stored):
            raise ResourceDependency(str(stored.arn), referrers=users)
        store.remove(connection, place, stored)
        references.erase(connection, str(stored.arn))
        if forget is not None:
            forget(connection, str(stored.arn))
    return str(stored.arn)
