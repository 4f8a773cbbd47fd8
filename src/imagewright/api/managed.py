"""Putting what the product ships into the store, where every read finds it (FLT-21)."""

import json
from collections.abc import Iterable

from imagewright.api.creation import digest
from imagewright.api.workflows import CheckWorkflow
from imagewright.arns import MANAGED_ACCOUNT, Kind, slug_of
from imagewright.clock import Clock, iso_milliseconds
from imagewright.managed import ShippedWorkflow
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import AlreadyStored, Draft, Place
from imagewright.versions import Version


def ship_workflows(
    database: Database,
    workflows: Iterable[ShippedWorkflow],
    *,
    check: CheckWorkflow,
    clock: Clock,
) -> None:
    """Store each shipped workflow unless it is there already."""
    place = Place(account=MANAGED_ACCOUNT, region=store.EVERYWHERE, kind=Kind.WORKFLOW)
    for workflow in workflows:
        draft = _draft(workflow, check, iso_milliseconds(clock.now()))
        with database.read() as connection:
            present = store.newest_build(connection, place, draft.path, draft.version)
        if present is not None and present.digest == draft.digest:
            continue
        try:
            with database.write() as connection:
                store.add_build(connection, place, draft)
        except AlreadyStored:
            continue  # another server has just shipped it


def _draft(workflow: ShippedWorkflow, check: CheckWorkflow, now: str) -> Draft:
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
