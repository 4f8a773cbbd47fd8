"""Tags of resources (``api-behaviour.md`` §11.2)."""

from dataclasses import dataclass

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.shapes import (
    ListTagsForResourceRequest,
    ListTagsForResourceResponse,
    TagResourceRequest,
    TagResourceResponse,
    UntagResourceRequest,
    UntagResourceResponse,
)
from imagewright.arns import Arn
from imagewright.call import Call
from imagewright.errors import InvalidParameter, InvalidParameterValue, ResourceNotFound
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Stored

TAGS_MAX = 50


@dataclass(frozen=True, slots=True)
class Tags:
    """The handlers of the three tag operations."""

    database: Database

    def list_tags_for_resource(
        self, request: ListTagsForResourceRequest, call: Call
    ) -> ListTagsForResourceResponse:
        """Return the tags that Get shows too (TAG-05)."""
        with self.database.read() as connection:
            return {"tags": dict(_tagged(connection, request["resourceArn"], call).tags)}

    def tag_resource(self, request: TagResourceRequest, call: Call) -> TagResourceResponse:
        """Add or overwrite tags, keeping the rest (TAG-04)."""
        with self.database.write() as connection:
            stored = _tagged(connection, request["resourceArn"], call, to_change=True)
            tags = {**stored.tags, **request["tags"]}
            if len(tags) > TAGS_MAX:
                raise InvalidParameter(
                    f"A resource has at most {TAGS_MAX} tags; this one would have {len(tags)}."
                )
            store.set_tags(connection, stored, tags)
        return {}

    def untag_resource(self, request: UntagResourceRequest, call: Call) -> UntagResourceResponse:
        """Remove tags; keys that it does not have are ignored (TAG-04)."""
        with self.database.write() as connection:
            stored = _tagged(connection, request["resourceArn"], call, to_change=True)
            gone = set(request["tagKeys"])
            tags = {key: value for key, value in stored.tags.items() if key not in gone}
            store.set_tags(connection, stored, tags)
        return {}


def _tagged(connection: Connection, text: str, call: Call, *, to_change: bool = False) -> Stored:
    """Return the one resource that carries tags under this ARN (TAG-03, TAG-08)."""
    arn = Arn.parse(text)
    concrete = (
        (arn.version is not None) == arn.kind.has_versions
        and (arn.build is not None) == arn.kind.has_builds
        and "x" not in (arn.version or "")
    )
    if not concrete or (to_change and arn.is_managed):
        raise ResourceNotFound(text)
    try:
        return lookup.find(connection, text, call, member="resourceArn")
    except InvalidParameterValue as error:
        raise InvalidParameter(str(error)) from None
