"""Images, ``ami-…``, and their copies: a layer each, held for as long as there is a record.

Functions on an open connection, so that several of them can share one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from imagewright.arns import Arn
from imagewright.engine.image_names import own_description, own_name, own_tags
from imagewright.engine.plan import BuildPlan
from imagewright.store import layers, resources
from imagewright.store.build_tables import machine_images
from imagewright.store.resources import Place
from imagewright.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCopy:
    """A copy of an image in a region, for an account (``workflow-documents.md`` §7.9)."""

    id: str
    copy_of: str
    account: str
    region: str
    name: str
    description: str | None
    tags: Mapping[str, str]
    location: str
    """Where it lies: a path, an S3 URL, a reference to a registry."""


def add(
    connection: Connection, image_id: str, *, plan: BuildPlan, token: str, layer: str, now: str
) -> None:
    """Record an image of a build and hold its layer; one that is there already stays."""
    _add(
        connection,
        layer=layer,
        plan=plan,
        token=token,
        now=now,
        id=image_id,
        account=plan.account,
        region=plan.region,
        name=own_name(plan),
        description=own_description(plan),
        tags=own_tags(plan),
    )


def container_id(instance_id: str) -> str:
    """Return the id of the container image that a machine makes."""
    return f"ctr-{instance_id.removeprefix('i-')}"


def put_container(
    connection: Connection,
    instance_id: str,
    *,
    config: Mapping[str, Any],
    plan: BuildPlan,
    token: str,
    layer: str,
    now: str,
) -> str:
    """Record the container image that a machine made, and hold its layer; return its id.

    ``config`` says how containers of it are run, as an OCI image's configuration does. Made once
    more on the same machine, it takes the place of the one before.
    """
    image_id = container_id(instance_id)
    if find(connection, image_id) is not None:
        layers.release(connection, image_id)
        connection.execute(delete(machine_images).where(machine_images.c.id == image_id))
    _add(
        connection,
        layer=layer,
        plan=plan,
        token=token,
        now=now,
        id=image_id,
        account=plan.account,
        region=plan.region,
        name=plan.image_name,
        config=dict(config),
    )
    return image_id


def container_of(connection: Connection, instance_id: str) -> Row[Any] | None:
    """Return the container image that a machine made; None: it made none."""
    return find(connection, container_id(instance_id))


def add_copy(
    connection: Connection, copy: ImageCopy, *, plan: BuildPlan, token: str, layer: str, now: str
) -> None:
    """Record a copy and hold its layer; one that is there already stays."""
    _add(
        connection,
        layer=layer,
        plan=plan,
        token=token,
        now=now,
        **asdict(copy),
    )


def _add(
    connection: Connection, *, layer: str, plan: BuildPlan, token: str, now: str, **values: Any
) -> None:
    if find(connection, values["id"]) is not None:
        return
    connection.execute(
        insert(machine_images).values(
            layer_id=layer,
            token=token,
            image_arn=plan.image_arn,
            platform=plan.platform,
            created_at=now,
            **values,
        )
    )
    layers.hold(connection, values["id"], layer)


def find(connection: Connection, image_id: str) -> Row[Any] | None:
    """Return an image by its id."""
    query = select(machine_images).where(machine_images.c.id == image_id)
    return connection.execute(query).one_or_none()


def ids_of(connection: Connection, image_arn: str) -> Sequence[str]:
    """Return the ids of all images that came of a build, copies included."""
    query = select(machine_images.c.id).where(machine_images.c.image_arn == image_arn)
    return connection.execute(query).scalars().all()


def newest_of(connection: Connection, image_arn: str) -> Row[Any] | None:
    """Return the image that came of a build last, where it was built: copies are none."""
    query = (
        select(machine_images)
        .where(
            machine_images.c.image_arn == str(Arn.parse(image_arn)),
            machine_images.c.copy_of.is_(None),
        )
        .order_by(machine_images.c.created_at.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def by_reference(
    connection: Connection, reference: str, asker: tuple[str, str] | None = None
) -> Row[Any] | None:
    """Find an image built here, by its id or its build's ARN.

    By an id, an ``asker`` (account, region) finds only what they may use; whose an ARN may be was
    asked where the recipe was resolved.
    """
    if reference.startswith("ami-"):
        found = find(connection, reference)
        if found is not None and asker is not None:
            return found if usable(found, account=asker[0], region=asker[1]) else None
        return found
    if ":image/" in reference:
        return newest_of(connection, reference) or _shown_by(connection, reference)
    return None


def _shown_by(connection: Connection, image_arn: str) -> Row[Any] | None:
    """Find what an image that was only distributed shows in its own region: another's (§7.7).

    A build may put out any id: what its account may not use stands for nothing.
    """
    arn = Arn.parse(image_arn)
    if arn.version is None or arn.build is None:
        return None
    place = Place(account=arn.account, region=arn.region, kind=arn.kind, partition=arn.partition)
    stored = resources.build(connection, place, arn.path, Version.parse(arn.version), arn.build)
    shown = [] if stored is None else stored.body.get("outputResources", {}).get("amis", [])
    ids = [ami["image"] for ami in shown if ami["region"] == arn.region]
    found = find(connection, ids[0]) if ids else None
    is_usable = found is not None and usable(found, account=arn.account, region=arn.region)
    return found if is_usable else None


def usable(row: Row[Any], *, account: str, region: str) -> bool:
    """Tell whether an account may use an image in a region: its own, or one it was let use."""
    if row.region != region:
        return False
    permission = row.launch_permission or {}
    return (
        row.account == account
        or account in permission.get("userIds", ())
        or "all" in permission.get("userGroups", ())
    )


def tag(connection: Connection, image_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to an image; of a key that it has, the new value counts."""
    row = find(connection, image_id)
    if row is not None:
        _change(connection, image_id, tags={**(row.tags or {}), **tags})


def permit(connection: Connection, image_id: str, permission: Mapping[str, Sequence[str]]) -> None:
    """Let accounts (``userIds``) and groups (``userGroups``) use an image; none loses that."""
    row = find(connection, image_id)
    if row is not None:
        known = row.launch_permission or {}
        merged = {
            name: sorted({*known.get(name, ()), *permission.get(name, ())})
            for name in ("userIds", "userGroups")
        }
        _change(connection, image_id, launch_permission=merged)


def _change(connection: Connection, image_id: str, **values: Any) -> None:
    connection.execute(
        update(machine_images).where(machine_images.c.id == image_id).values(**values)
    )


def forget(connection: Connection, image_arn: str) -> None:
    """Forget the images of a build, and let go of their layers."""
    for image_id in ids_of(connection, image_arn):
        layers.release(connection, image_id)
    connection.execute(delete(machine_images).where(machine_images.c.image_arn == image_arn))
