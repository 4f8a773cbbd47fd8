"""Resources of all nine kinds: versions are assigned, builds found, pages cut (section 2 and 6).

Functions on an open connection, so that several of them can share one transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    select,
    tuple_,
    update,
)

from imagewright.arns import MANAGED_ACCOUNT, Arn, Kind
from imagewright.store import statements
from imagewright.store.database import insert_or_hold
from imagewright.store.tables import resources, versions
from imagewright.versions import ANY_VERSION, OpenVersion, Version, VersionPattern

UNVERSIONED = Version(0, 0, 0)
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where resources of one kind lie: whose they are, and in which region.

    What the product ships lies in no region of its own and shows the caller's (FLT-21).
    """

    account: str
    region: str
    kind: Kind
    partition: str = "aws"

    @property
    def stored_region(self) -> str:
        """The region in the table's key."""
        return EVERYWHERE if self.account == MANAGED_ACCOUNT else self.region


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A resource before it has a build number."""

    path: str
    version: Version
    version_text: str
    name: str
    body: Mapping[str, Any]
    """What reads show, beyond what has a column."""
    created_at: str
    digest: str = ""
    """Of the configuration that makes two builds alike (O-03); unused where there are none."""
    type: str | None = None
    platform: str | None = None
    description: str | None = None
    status: str | None = None
    document: bytes | None = None
    sealed_key: Mapping[str, str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A resource as it lies in the store."""

    arn: Arn
    name: str
    type: str | None
    platform: str | None
    description: str | None
    status: str | None
    digest: str
    body: Mapping[str, Any]
    document: bytes | None
    sealed_key: Mapping[str, str] | None
    tags: Mapping[str, str]
    created_at: str
    updated_at: str | None
    sequence: int
    first_created_at: str
    """When the first build of its version was made (VER-25)."""


class AlreadyStored(Exception):
    """What was to be stored is there already; ``arn`` names it."""

    def __init__(self, arn: Arn) -> None:
        self.arn = arn
        super().__init__(f"{arn} exists already")


class VersionKey(NamedTuple):
    """The place of a version in a list that goes by ARN (SRT-02)."""

    path: str
    major: int
    minor: int
    patch: int


def count_builds(connection: Connection, place: Place) -> int:
    """Count all builds (QUO-01)."""
    query = select(func.count()).select_from(resources).where(*_in(place))
    return int(connection.execute(query).scalar_one())


def count_with(connection: Connection, kind: Kind, member: str) -> int:
    """Count the resources of a kind that have a member, whoever's they are."""
    has_member = resources.c.body[member].as_string().is_not(None)
    query = select(func.count()).select_from(resources).where(resources.c.kind == kind.value)
    return int(connection.execute(query.where(has_member)).scalar_one())


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What entries of a list must fulfil: columns by name, each one of several values.

    Built by ``api.filters``; values of one are alternatives, several must all hold (FLT-02).
    """

    clauses: tuple[ColumnElement[bool], ...] = ()


EVERYTHING = Conditions()


def newest_build(
    connection: Connection, place: Place, path: str, version: Version
) -> Stored | None:
    """Return the newest build of exactly this version."""
    row = connection.execute(statements.NEWEST_BUILD, _key(place, path, version)).first()
    return None if row is None else _stored(place, row)


def newest_matching(
    connection: Connection,
    place: Place,
    path: str,
    pattern: VersionPattern,
    conditions: Conditions = EVERYTHING,
) -> Stored | None:
    """Return the newest build of the highest version that a pattern means (VER-15).

    Builds that do not fulfil the conditions are passed over (VER-18).
    """
    query = (
        statements.SELECTION.where(*_in(place), *_under(path, pattern), *conditions.clauses)
        .order_by(*statements.NEWEST_FIRST)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _stored(place, row)


def build(
    connection: Connection, place: Place, path: str, version: Version, number: int
) -> Stored | None:
    """Return one build."""
    key = _key(place, path, version) | {"build": number}
    row = connection.execute(statements.BUILD, key).first()
    return None if row is None else _stored(place, row)


def add_build(connection: Connection, place: Place, draft: Draft) -> Stored:
    """Store a draft as the next build of its version (VER-05 to VER-08).

    Two transactions that race for one version get two numbers: the second waits at the row of
    the version.
    Raises AlreadyStored if the draft is alike the newest build of its version.
    """
    version_row = _lock_version(connection, place, draft)
    if version_row.newest_build is not None:
        newest = newest_build(connection, place, draft.path, draft.version)
        if newest is not None and newest.digest == draft.digest:
            raise AlreadyStored(newest.arn)
    return _insert(connection, place, draft, version_row.last_build + 1, version_row)


def add_only(connection: Connection, place: Place, draft: Draft) -> Stored:
    """Store a draft of which there may be one: a recipe version, a configuration (NAM-06).

    Raises AlreadyStored if there is one.
    """
    version_row = _lock_version(connection, place, draft)
    if version_row.newest_build is not None:
        raise AlreadyStored(_arn(place, draft.path, version_row.version, 0))
    return _insert(connection, place, draft, 0, version_row)


def add_next(
    connection: Connection,
    place: Place,
    path: str,
    wanted: OpenVersion,
    draft: Callable[[Version, str], Draft],
) -> Stored:
    """Store a draft of which there may be one, under the next number of an open version (VER-11).

    ``draft`` gets the version and its text. Of two transactions that race for one number, the
    second finds it taken and goes on to the next (VER-13).
    Raises InvalidVersionNumber when there is no higher number.
    """
    while True:
        number, text = wanted.filled(_highest(connection, place, path, wanted))
        try:
            return add_only(connection, place, draft(number, text))
        except AlreadyStored:
            continue


def replace_in_place(
    connection: Connection,
    stored: Stored,
    *,
    description: str | None,
    body: Mapping[str, Any],
    updated_at: str,
    platform: str | None = None,
) -> bool:
    """Give a resource new content under its name and tags. Tells whether it was there."""
    changed = connection.execute(
        update(resources)
        .where(resources.c.sequence == stored.sequence)
        .values(description=description, platform=platform, body=dict(body), updated_at=updated_at)
    ).rowcount
    return changed == 1


def remove(connection: Connection, place: Place, stored: Stored) -> bool:
    """Delete one build; its number stays taken. Tells whether it was there."""
    version = _version_of(stored.arn)
    path = stored.arn.path
    gone = connection.execute(
        delete(resources).where(
            *_in(place), *_at(path, version), resources.c.build == (stored.arn.build or 0)
        )
    ).rowcount
    newest = connection.execute(
        select(func.max(resources.c.build)).where(*_in(place), *_at(path, version))
    ).scalar_one()
    connection.execute(
        update(versions).where(_version_row(place, path, version)).values(newest_build=newest)
    )
    return gone == 1


def set_tags(connection: Connection, stored: Stored, tags: Mapping[str, str]) -> None:
    """Replace the tags of a resource."""
    connection.execute(
        update(resources).where(resources.c.sequence == stored.sequence).values(tags=dict(tags))
    )


def count_versions(connection: Connection, place: Place) -> int:
    """Count the versions that have a build (QUO-01); one index read per version."""
    found = connection.execute(
        statements.COUNT_VERSIONS,
        {"account": place.account, "region": place.stored_region, "kind": place.kind.value},
    )
    return int(found.scalar_one())


def page_of_versions(
    connection: Connection,
    place: Place,
    *,
    conditions: Conditions = EVERYTHING,
    after: VersionKey | None,
    limit: int,
) -> Sequence[Stored]:
    """Return up to ``limit`` versions in ARN order, each by its newest build (VER-25, SRT-02).

    Costs the same however many versions there are: it reads on from ``after`` in the key.
    """
    key = tuple_(versions.c.path, versions.c.major, versions.c.minor, versions.c.patch)
    query = (
        select(resources, versions.c.version, versions.c.created_at.label("first_created_at"))
        .join_from(
            versions,
            resources,
            and_(
                *(
                    versions.c[name] == resources.c[name]
                    for name in ("account", "region", "kind", "path", "major", "minor", "patch")
                ),
                versions.c.newest_build == resources.c.build,
            ),
        )
        .where(*_versions_in(place), *conditions.clauses)
        .order_by(versions.c.path, versions.c.major, versions.c.minor, versions.c.patch)
        .limit(limit)
    )
    if after is not None:
        query = query.where(key > tuple_(*after))
    return [_stored(place, row) for row in connection.execute(query)]


def page_of_names(
    connection: Connection,
    place: Place,
    *,
    conditions: Conditions = EVERYTHING,
    after: str | None,
    limit: int,
) -> Sequence[Stored]:
    """Return up to ``limit`` names in order, each by its newest version (VER-26, O-11).

    Leaps from name to name in the key, whatever the number of versions between.
    """
    found: list[Stored] = []
    while len(found) < limit:
        leap = (
            select(func.min(versions.c.path))
            .where(*_versions_in(place), versions.c.newest_build.is_not(None))
            .where(*([versions.c.path > after] if after is not None else []))
        )
        after = connection.execute(leap).scalar_one_or_none()
        if after is None:
            break
        newest = newest_matching(connection, place, after, ANY_VERSION)
        if newest is not None and _holds(connection, newest, conditions):
            found.append(newest)
    return found


def page_of_builds(
    connection: Connection,
    place: Place,
    *,
    path: str | None = None,
    pattern: VersionPattern = ANY_VERSION,
    conditions: Conditions = EVERYTHING,
    before: int | None,
    limit: int,
) -> Sequence[Stored]:
    """Return up to ``limit`` builds, newest first (VER-30), before a place in that order."""
    query = (
        statements.SELECTION.where(*_in(place), *conditions.clauses)
        .where(*(_under(path, pattern) if path is not None else []))
        .order_by(resources.c.sequence.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(resources.c.sequence < before)
    return [_stored(place, row) for row in connection.execute(query)]


def _highest(connection: Connection, place: Place, path: str, wanted: OpenVersion) -> int | None:
    """Return the highest number at the open node among versions that are there."""
    nodes = (versions.c.major, versions.c.minor, versions.c.patch)
    given = zip(nodes, wanted.nodes, strict=True)
    highest: int | None = connection.execute(
        select(func.max(nodes[wanted.open_node])).where(
            *_versions_in(place),
            versions.c.path == path,
            versions.c.newest_build.is_not(None),
            *(column == int(node) for column, node in given if node != "x"),
        )
    ).scalar_one()
    return highest


def _lock_version(connection: Connection, place: Place, draft: Draft) -> Row[Any]:
    """Return the row of the draft's version, made if need be, held until the transaction ends."""
    key = _key(place, draft.path, draft.version)
    fresh = {
        "version": draft.version_text,
        "created_at": draft.created_at,
        "last_build": 0,
        "newest_build": None,
    }
    return insert_or_hold(connection, versions, key | fresh, touched="last_build")


def _insert(
    connection: Connection, place: Place, draft: Draft, number: int, version_row: Row[Any]
) -> Stored:
    key = _key(place, draft.path, draft.version)
    values = key | {
        "build": number,
        "name": draft.name,
        "type": draft.type,
        "platform": draft.platform,
        "status": draft.status,
        "description": draft.description,
        "digest": draft.digest,
        "body": dict(draft.body),
        "document": draft.document,
        "sealed_key": draft.sealed_key,
        "tags": dict(draft.tags),
        "created_at": draft.created_at,
    }
    sequence = connection.execute(statements.ADD_RESOURCE, values).scalar_one()
    at_key = {f"at_{name}": value for name, value in key.items()}
    connection.execute(statements.COUNT_UP, at_key | {"number": number})
    return Stored(
        arn=_arn(place, draft.path, version_row.version, number),
        name=draft.name,
        type=draft.type,
        platform=draft.platform,
        description=draft.description,
        status=draft.status,
        digest=draft.digest,
        body=draft.body,
        document=draft.document,
        sealed_key=draft.sealed_key,
        tags=draft.tags,
        created_at=draft.created_at,
        updated_at=None,
        sequence=sequence,
        first_created_at=version_row.created_at,
    )


def _holds(connection: Connection, stored: Stored, conditions: Conditions) -> bool:
    if not conditions.clauses:
        return True
    query = select(resources.c.sequence).where(
        resources.c.sequence == stored.sequence, *conditions.clauses
    )
    return connection.execute(query).first() is not None


def _stored(place: Place, row: Row[Any]) -> Stored:
    return Stored(
        arn=_arn(place, row.path, row.version, row.build),
        name=row.name,
        type=row.type,
        platform=row.platform,
        description=row.description,
        status=row.status,
        digest=row.digest,
        body=row.body,
        document=row.document,
        sealed_key=row.sealed_key,
        tags=row.tags,
        created_at=row.created_at,
        updated_at=row.updated_at,
        sequence=row.sequence,
        first_created_at=row.first_created_at,
    )


def _arn(place: Place, path: str, version_text: str, number: int) -> Arn:
    return Arn(
        partition=place.partition,
        region=place.region,
        account=place.account,
        kind=place.kind,
        path=path,
        version=version_text if place.kind.has_versions else None,
        build=number if place.kind.has_builds else None,
    )


def _version_of(arn: Arn) -> Version:
    return UNVERSIONED if arn.version is None else Version.parse(arn.version)


def _key(place: Place, path: str, version: Version) -> dict[str, Any]:
    """Return the values of a version's key, by the names of its columns."""
    return {
        "account": place.account,
        "region": place.stored_region,
        "kind": place.kind.value,
        "path": path,
        **version._asdict(),
    }


def _in(place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        resources.c.account == place.account,
        resources.c.region == place.stored_region,
        resources.c.kind == place.kind.value,
    )


def _versions_in(place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        versions.c.account == place.account,
        versions.c.region == place.stored_region,
        versions.c.kind == place.kind.value,
    )


def _at(path: str, version: Version) -> list[ColumnElement[bool]]:
    return _under(path, VersionPattern(*version))


def _under(path: str, pattern: VersionPattern) -> list[ColumnElement[bool]]:
    columns = (resources.c.major, resources.c.minor, resources.c.patch)
    fixed = zip(columns, pattern.fixed, strict=False)
    return [resources.c.path == path, *(column == node for column, node in fixed)]


def _version_row(place: Place, path: str, version: Version) -> ColumnElement[bool]:
    return and_(
        *_versions_in(place),
        versions.c.path == path,
        versions.c.major == version.major,
        versions.c.minor == version.minor,
        versions.c.patch == version.patch,
    )
