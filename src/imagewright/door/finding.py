"""Finding the image that a person means: by its ARN, or by as much of it as tells it apart."""

import re

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.arns import Kind, slug_of
from imagewright.call import Call
from imagewright.errors import InvalidParameterValue, InvalidVersionNumber, ResourceNotFound
from imagewright.store import resources as store
from imagewright.store.resources import EVERYTHING, Conditions, Stored
from imagewright.store.tables import resources
from imagewright.versions import ANY_VERSION, VersionPattern

LAST = "last"

AVAILABLE = Conditions(clauses=(resources.c.status == "AVAILABLE",))

_MEMBER = "image"
_ARN = re.compile(r"arn:[^:]*:imagebuilder:[^:]*:[^:]*:image/.+", re.ASCII)
_SHORT = re.compile(
    r"(?P<name>[^/:]{1,128})"
    r"(?:/(?P<version>(?:[0-9]+|x)\.(?:[0-9]+|x)\.(?:[0-9]+|x))(?:/(?P<build>[0-9]{1,9}))?)?",
    re.ASCII,
)


def find_image(
    connection: Connection, reference: str, call: Call, passing: Conditions = EVERYTHING
) -> Stored:
    """Return the build that ``last``, an ARN, ``name``, ``name/1.0.0`` or ``name/1.0.0/2`` means.

    Where several fit it is the one asked for last; those that do not pass are not looked at.
    Raises ResourceNotFound; InvalidParameterValue for a reference of no such form.
    """
    wanted = _short(reference, call)
    place = lookup.own_place(call, Kind.IMAGE)
    if wanted == LAST:
        found = store.page_of_builds(connection, place, conditions=passing, before=None, limit=1)
        return _only(list(found), reference)
    match = _SHORT.fullmatch(wanted)
    if match is None:
        raise InvalidParameterValue(
            _MEMBER, "It must be an image's ARN, name, name/version, name/version/build, or last."
        )
    pattern = _pattern(match["version"], reference)
    path = slug_of(match["name"])
    if match["build"] is None:
        newest = store.page_of_builds(
            connection, place, path=path, pattern=pattern, conditions=passing, before=None, limit=1
        )
        return _only(list(newest), reference)
    if pattern.exact is None:
        raise ResourceNotFound(reference)
    one = store.build(connection, place, path, pattern.exact, int(match["build"]))
    return _only([] if one is None else [one], reference)


def _short(reference: str, call: Call) -> str:
    """Cut an ARN down to its resource, where it lies in the caller's own place (ERR-26)."""
    if not reference.startswith("arn:"):
        return reference
    own = f"arn:{call.partition}:imagebuilder:{call.region}:{call.account}:image/"
    if not _ARN.fullmatch(reference):
        raise InvalidParameterValue(_MEMBER, "This ARN is not that of an image.")
    if not reference.startswith(own):
        raise ResourceNotFound(reference)
    return reference.removeprefix(own)


def _pattern(version: str | None, reference: str) -> VersionPattern:
    if version is None:
        return ANY_VERSION
    try:
        return VersionPattern.parse(version, member=_MEMBER)
    except InvalidVersionNumber:
        raise ResourceNotFound(reference) from None  # no version can have such a number


def _only(found: list[Stored], reference: str) -> Stored:
    if not found:
        raise ResourceNotFound(reference)
    return found[0]
