"""Finding what an ARN names, as the caller may see it (VER-14 to VER-19, ERR-26)."""

from sqlalchemy import Connection

from imagewright.arns import MANAGED_ACCOUNT, Arn, Kind
from imagewright.call import Call
from imagewright.errors import Forbidden, InvalidVersionNumber, ResourceNotFound
from imagewright.store import resources as store
from imagewright.store.resources import Conditions, Place, Stored
from imagewright.store.tables import resources
from imagewright.versions import VersionPattern

_RESOLVING = {
    Kind.COMPONENT: Conditions(clauses=(resources.c.status == "ACTIVE",)),
    Kind.IMAGE: Conditions(clauses=(resources.c.status == "AVAILABLE",)),
}
"""Which builds an ARN without a build number may mean, where not all (VER-18)."""


def own_place(call: Call, kind: Kind) -> Place:
    """Name the place of the caller's own resources of a kind."""
    return Place(account=call.account, region=call.region, kind=kind, partition=call.partition)


def managed_place(call: Call, kind: Kind) -> Place:
    """Name the place of what the product ships of a kind, shown in the caller's region."""
    return Place(account=MANAGED_ACCOUNT, region=call.region, kind=kind, partition=call.partition)


def place_of(arn: Arn, call: Call) -> Place:
    """Name the place that an ARN points into.

    Raises ResourceNotFound if the caller sees nothing there: another account, region or
    partition counts as absent.
    """
    place = (managed_place if arn.is_managed else own_place)(call, arn.kind)
    if (arn.account, arn.region, arn.partition) != (place.account, call.region, call.partition):
        raise ResourceNotFound(str(arn))
    return place


def find(connection: Connection, text: str, call: Call, *, member: str) -> Stored:
    """Return what an ARN names: a build, or the newest build that a version or pattern means.

    Raises ResourceNotFound, or InvalidParameterValue for ``member`` (VER-14).
    """
    arn = Arn.parse(text)
    place = place_of(arn, call)
    if arn.version is None:
        found = store.build(connection, place, arn.path, store.UNVERSIONED, 0)
    else:
        try:
            pattern = VersionPattern.parse(arn.version, member=member)
        except InvalidVersionNumber:
            raise ResourceNotFound(text) from None  # no version can have such a number
        if arn.build is None:
            passing = _RESOLVING.get(arn.kind, store.EVERYTHING)
            found = store.newest_matching(connection, place, arn.path, pattern, passing)
        elif pattern.exact is not None and arn.build <= 2**31 - 1:
            found = store.build(connection, place, arn.path, pattern.exact, arn.build)
        else:
            found = None
    if found is None:
        raise ResourceNotFound(text)
    return found


def find_own(connection: Connection, text: str, call: Call, *, member: str) -> Stored:
    """Return one of the caller's own resources, to change or delete it.

    Raises Forbidden for what the product ships (CRT-74), and what ``find`` raises.
    """
    stored = find(connection, text, call, member=member)
    if stored.arn.is_managed:
        raise Forbidden(f"The resource '{text}' is managed and cannot be changed or deleted.")
    return stored
