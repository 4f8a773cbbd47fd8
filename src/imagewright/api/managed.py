"""Putting what the product ships into the store, where every read finds it (FLT-21)."""

import json
from collections.abc import Iterable
from contextlib import suppress

from imagewright.api.creation import digest
from imagewright.api.workflows import CheckWorkflow
from imagewright.arns import MANAGED_ACCOUNT, Kind, slug_of
from imagewright.clock import Clock, iso_milliseconds
from imagewright.engine.records import ImageStatus
from imagewright.managed import ShippedImage, ShippedWorkflow
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import AlreadyStored, Draft, Place
from imagewright.versions import Version


def ship(
    database: Database,
    *,
    workflows: Iterable[ShippedWorkflow],
    images: Iterable[ShippedImage],
    check: CheckWorkflow,
    clock: Clock,
) -> None:
    """Store each shipped workflow and image unless it is there already."""
    now = iso_milliseconds(clock.now())
    for workflow in workflows:
        _ship(database, Kind.WORKFLOW, _workflow(workflow, check, now))
    for image in images:
        _ship(database, Kind.IMAGE, _image(image, now))


def _ship(database: Database, kind: Kind, draft: Draft) -> None:
    place = Place(account=MANAGED_ACCOUNT, region=store.EVERYWHERE, kind=kind)
    with database.read() as connection:
        present = store.newest_build(connection, place, draft.path, draft.version)
    if present is not None and present.digest == draft.digest:
        return
    with suppress(AlreadyStored), database.write() as connection:  # another has just shipped it
        store.add_build(connection, place, draft)


def _image(image: ShippedImage, now: str) -> Draft:
    status = ImageStatus.AVAILABLE.value
    return Draft(
        path=slug_of(image.name),
        version=Version.parse(image.version),
        version_text=image.version,
        name=image.name,
        type="AMI",
        platform="Linux",
        status=status,
        digest=digest(b"", [image.name, image.os_version]),
        body={
            "state": {"status": status},
            "osVersion": image.os_version,
            "imageSource": "AMAZON_MANAGED",
        },
        created_at=now,
    )


def _workflow(workflow: ShippedWorkflow, check: CheckWorkflow, now: str) -> Draft:
    text = workflow.text()
    parameters = check(text, workflow.type, "data")
    return Draft(
        path=f"{workflow.type.lower()}/{slug_of(workflow.name)}",
        version=Version.parse(workflow.version),
        version_text=workflow.version,
        name=workflow.name,
        type=workflow.type,
        digest=digest(b"", text),
        body={},
        document=json.dumps([text, parameters], ensure_ascii=False).encode(),
        created_at=now,
    )
