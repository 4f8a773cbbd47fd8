"""Who uses whom: what keeps a resource from being deleted (CRT-70 to CRT-73)."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from imagewright.arns import Arn
from imagewright.store import resources as store
from imagewright.store.resources import Place, Stored
from imagewright.store.tables import references
from imagewright.versions import Version, VersionPattern


def record(connection: Connection, referrer: str, targets: Iterable[str]) -> None:
    """Write down that a resource refers to others, by the ARNs as they were given."""
    rows = []
    for target in dict.fromkeys(targets):
        arn = Arn.parse(target)
        place = Place(account=arn.account, region=arn.region, kind=arn.kind)
        rows.append(
            {
                "referrer": referrer,
                "account": place.account,
                "region": place.stored_region,
                "kind": arn.kind.value,
                "path": arn.path,
                "target": target,
            }
        )
    if rows:
        connection.execute(insert(references), rows)


def erase(connection: Connection, referrer: str) -> None:
    """Forget what a resource referred to: it is gone, or refers to other things now."""
    connection.execute(delete(references).where(references.c.referrer == referrer))


def referrers(connection: Connection, place: Place, stored: Stored) -> list[str]:
    """Return the ARNs of the resources that would miss this build (CRT-73).

    A reference to the build, or to its exact version, counts; one with ``x`` counts only if
    this is the last build that it matches.
    """
    query = (
        select(references.c.referrer, references.c.target)
        .where(
            references.c.account == place.account,
            references.c.region == place.stored_region,
            references.c.kind == place.kind.value,
            references.c.path == stored.arn.path,
        )
        .order_by(references.c.referrer)
    )
    return [
        row.referrer
        for row in connection.execute(query)
        if _needs(connection, place, Arn.parse(row.target), stored)
    ]


def _needs(connection: Connection, place: Place, target: Arn, stored: Stored) -> bool:
    if target.version is None or stored.arn.version is None:
        return True
    pattern = VersionPattern.parse(target.version, member="version")
    if not pattern.matches(Version.parse(stored.arn.version)):
        return False
    if target.build is not None:
        return target.build == stored.arn.build
    if pattern.exact is not None:
        return True
    matching = store.page_of_builds(
        connection, place, path=target.path, pattern=pattern, before=None, limit=2
    )
    return len(matching) < 2
