"""Resources without versions: one per name, replaced in place (NAM-06, INF-10, DST-10, PIP-04).

Configurations and pipelines; what they hold lies in the body of their row, as it was given.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.members import given
from imagewright.arns import slug_of
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.errors import ResourceNotFound
from imagewright.store import resources as store
from imagewright.store.resources import Draft, Stored


def draft(
    request: Mapping[str, Any], body: Mapping[str, Any], call: Call, *, platform: str | None = None
) -> Draft:
    """Return what a create request asks to be stored, its content checked."""
    return Draft(
        path=slug_of(request["name"]),
        version=store.UNVERSIONED,
        version_text=str(store.UNVERSIONED),
        name=request["name"],
        description=request.get("description"),
        platform=platform,
        body=body,
        tags=request.get("tags", {}),
        created_at=iso_milliseconds(call.received_at),
    )


def replace(
    connection: Connection,
    request: Mapping[str, Any],
    body: Mapping[str, Any],
    call: Call,
    *,
    member: str,
    platform: str | None = None,
) -> Stored:
    """Give the resource of the ARN in ``member`` new content; return it as it was before.

    Its name and tags stay; a description that is left out is gone.
    Raises ResourceNotFound, Forbidden for what the product ships.
    """
    stored = lookup.find_own(connection, request[member], call, member=member)
    there = store.replace_in_place(
        connection,
        stored,
        description=request.get("description"),
        body=body,
        updated_at=iso_milliseconds(call.received_at),
        platform=platform,
    )
    if not there:
        raise ResourceNotFound(request[member])
    return stored


def entry(stored: Stored, *content: str) -> dict[str, Any]:
    """Show a resource as it is now, with the named members of its body."""
    shown: dict[str, Any] = {
        "arn": str(stored.arn),
        "name": stored.name,
        **given(stored.body, *content),
        "dateCreated": stored.created_at,
        "tags": dict(stored.tags),
    }
    if stored.description is not None:
        shown["description"] = stored.description
    if stored.updated_at is not None:
        shown["dateUpdated"] = stored.updated_at
    return shown
