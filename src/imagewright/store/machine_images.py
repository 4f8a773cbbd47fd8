"""The images that CreateImage made, ``ami-…``: a layer each, held for as long as there is a record.

Functions on an open connection, so that several of them can share one transaction.
"""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from imagewright.arns import Arn
from imagewright.engine.plan import BuildPlan
from imagewright.store import layers
from imagewright.store.build_tables import machine_images


def add(
    connection: Connection, image_id: str, *, plan: BuildPlan, token: str, layer: str, now: str
) -> None:
    """Record an image of a build and hold its layer; one that is there already stays."""
    if find(connection, image_id) is not None:
        return
    connection.execute(
        insert(machine_images).values(
            id=image_id,
            token=token,
            image_arn=plan.image_arn,
            account=plan.account,
            region=plan.region,
            layer_id=layer,
            name=f"{plan.image_name} {now.replace(':', '-')}",
            platform=plan.platform,
            created_at=now,
        )
    )
    layers.hold(connection, image_id, layer)


def find(connection: Connection, image_id: str) -> Row[Any] | None:
    """Return an image by its id."""
    query = select(machine_images).where(machine_images.c.id == image_id)
    return connection.execute(query).one_or_none()


def newest_of(connection: Connection, image_arn: str) -> Row[Any] | None:
    """Return the image that came of a build last."""
    query = (
        select(machine_images)
        .where(machine_images.c.image_arn == str(Arn.parse(image_arn)))
        .order_by(machine_images.c.created_at.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def forget(connection: Connection, image_arn: str) -> None:
    """Forget the images of a build, and let go of their layers."""
    of_build = machine_images.c.image_arn == image_arn
    for image_id in connection.execute(select(machine_images.c.id).where(of_build)).scalars().all():
        layers.release(connection, image_id)
    connection.execute(delete(machine_images).where(of_build))
