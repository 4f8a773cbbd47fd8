"""Putting what the product ships into the store, where every read finds it (FLT-21)."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from imagewright.api.component_documents import ComponentChecker
from imagewright.api.components import ACTIVE
from imagewright.api.creation import digest
from imagewright.api.workflows import CheckWorkflow
from imagewright.arns import MANAGED_ACCOUNT, Kind, slug_of
from imagewright.clock import Clock, iso_milliseconds
from imagewright.engine.records import ImageStatus
from imagewright.errors import InvalidParameterValue
from imagewright.managed import ShippedImage, ShippedWorkflow
from imagewright.managed.components import BadStandIn, ManagedComponent
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import AlreadyStored, Draft, Place
from imagewright.versions import Version


def ship(
    database: Database,
    *,
    workflows: Iterable[ShippedWorkflow],
    components: Iterable[ManagedComponent],
    images: Iterable[ShippedImage],
    check: CheckWorkflow,
    checker: ComponentChecker,
    clock: Clock,
) -> None:
    """Store each managed workflow, component and image unless it is there already.

    Raises BadStandIn, with everything that is wrong with it.
    """
    now = iso_milliseconds(clock.now())
    wanted: list[tuple[Kind, Draft, Callable[[], Draft]]] = []
    for workflow in workflows:
        draft = _workflow(workflow, now)
        wanted.append((Kind.WORKFLOW, draft, partial(_checked_workflow, draft, workflow, check)))
    for component in components:
        draft = _component(component, now)
        wanted.append(
            (Kind.COMPONENT, draft, partial(_checked_component, draft, component, checker))
        )
    for image in images:
        draft = _image(image, now)
        wanted.append((Kind.IMAGE, draft, partial(_as_it_is, draft)))
    with database.read() as connection:
        new = [
            (kind, finish)
            for kind, draft, finish in wanted
            if not _is_there(connection, kind, draft)
        ]
    for kind, finish in new:
        draft = finish()
        with suppress(AlreadyStored), database.write() as connection:  # another just shipped it
            store.add_build(connection, _place(kind), draft)


def _is_there(connection: Connection, kind: Kind, draft: Draft) -> bool:
    present = store.newest_build(connection, _place(kind), draft.path, draft.version)
    return present is not None and present.digest == draft.digest


def _place(kind: Kind) -> Place:
    return Place(account=MANAGED_ACCOUNT, region=store.EVERYWHERE, kind=kind)


def _as_it_is(draft: Draft) -> Draft:
    return draft


def _component(component: ManagedComponent, now: str) -> Draft:
    return Draft(
        path=slug_of(component.name),
        version=Version.parse(component.version),
        version_text=component.version,
        name=component.name,
        platform=component.platform,
        status=ACTIVE,
        digest=digest(b"", component.text),
        body={},
        created_at=now,
    )


def _checked_component(
    draft: Draft, component: ManagedComponent, checker: ComponentChecker
) -> Draft:
    try:
        checked = checker.check(component.text, component.platform, "data")
    except InvalidParameterValue as error:
        raise BadStandIn(f"the stand-in {component.file} is refused. {error}") from None
    document = [component.text, checked.document.parameters]
    return replace(
        draft, type=checked.type, document=json.dumps(document, ensure_ascii=False).encode()
    )


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


def _workflow(workflow: ShippedWorkflow, now: str) -> Draft:
    return Draft(
        path=f"{workflow.type.lower()}/{slug_of(workflow.name)}",
        version=Version.parse(workflow.version),
        version_text=workflow.version,
        name=workflow.name,
        type=workflow.type,
        digest=digest(b"", workflow.text()),
        body={},
        created_at=now,
    )


def _checked_workflow(draft: Draft, workflow: ShippedWorkflow, check: CheckWorkflow) -> Draft:
    text = workflow.text()
    document = [text, check(text, workflow.type, "data")]
    return replace(draft, document=json.dumps(document, ensure_ascii=False).encode())
