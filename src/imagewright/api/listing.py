"""Lists of versions, names and builds: whose, which, and cut into pages (sections 2.5 and 6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.paging import Page, Pager
from imagewright.arns import Arn, Kind
from imagewright.call import Call
from imagewright.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidVersionNumber,
    ResourceNotFound,
)
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import EVERYTHING, Conditions, Place, Stored, VersionKey
from imagewright.versions import ANY_VERSION, Version, VersionPattern

_EMPTY: Page[Stored] = Page((), None)


@dataclass(frozen=True, slots=True)
class Builds:
    """The builds that a list is asked for: all of a place, or those of some versions there."""

    place: Place
    path: str | None = None
    pattern: VersionPattern = ANY_VERSION


@dataclass(frozen=True, slots=True)
class Lists:
    """Reads the pages of lists from the store. Their errors are those of ``Pager.cut``."""

    database: Database
    pager: Pager

    def versions(
        self,
        request: Mapping[str, Any],
        call: Call,
        place: Place | None,
        conditions: Conditions = EVERYTHING,
    ) -> Page[Stored]:
        """Return versions in the order of their ARNs, each by its newest build (SRT-02).

        Where there are no versions, the resources themselves.
        """
        if place is None:
            return _EMPTY

        def fetch(connection: Connection, after: Any, limit: int) -> Sequence[Stored]:
            key = None if after is None else VersionKey(*after)
            return store.page_of_versions(
                connection, place, conditions=conditions, after=key, limit=limit
            )

        return self._page(request, call, fetch, _version_key)

    def names(
        self,
        request: Mapping[str, Any],
        call: Call,
        place: Place | None,
        conditions: Conditions = EVERYTHING,
    ) -> Page[Stored]:
        """Return names in order, each by its newest version (VER-26)."""
        if place is None:
            return _EMPTY

        def fetch(connection: Connection, after: Any, limit: int) -> Sequence[Stored]:
            return store.page_of_names(
                connection, place, conditions=conditions, after=after, limit=limit
            )

        return self._page(request, call, fetch, lambda stored: stored.arn.path)

    def builds(
        self,
        request: Mapping[str, Any],
        call: Call,
        wanted: Builds | None,
        conditions: Conditions = EVERYTHING,
    ) -> Page[Stored]:
        """Return builds, newest first (SRT-01)."""
        if wanted is None:
            return _EMPTY

        def fetch(connection: Connection, before: Any, limit: int) -> Sequence[Stored]:
            return store.page_of_builds(
                connection,
                wanted.place,
                path=wanted.path,
                pattern=wanted.pattern,
                conditions=conditions,
                before=before,
                limit=limit,
            )

        return self._page(request, call, fetch, lambda stored: stored.sequence)

    def _page(
        self,
        request: Mapping[str, Any],
        call: Call,
        fetch: Callable[[Connection, Any, int], Sequence[Stored]],
        place: Callable[[Stored], Any],
    ) -> Page[Stored]:
        with self.database.read() as connection:
            return self.pager.cut(request, call, fetch=partial(fetch, connection), place=place)


def listed_place(
    request: Mapping[str, Any], call: Call, kind: Kind, *, refused: frozenset[str] = frozenset()
) -> Place | None:
    """Name the place of what an owner has; None if there is never anything (FLT-20, FLT-21).

    Raises InvalidParameterValue for the owners that a list refuses.
    """
    owner = request.get("owner", "Self")
    if owner in refused:
        raise InvalidParameterValue(
            "owner", f"{kind.plural.capitalize()} cannot be listed by the owner {owner}."
        )
    if owner == "Self":
        return lookup.own_place(call, kind)
    if owner == "Amazon":
        return lookup.managed_place(call, kind)
    return None


def wants_names(request: Mapping[str, Any]) -> bool:
    """Tell whether a list collapses versions to names.

    Raises InvalidParameterCombination beside a filter for versions (FLT-14).
    """
    by_name: bool = request.get("byName", False)
    if by_name and any(entry.get("name") == "version" for entry in request.get("filters", ())):
        raise InvalidParameterCombination(
            "The filter 'version' cannot be combined with the parameter 'byName'."
        )
    return by_name


def wanted_builds(text: str | None, call: Call, kind: Kind, *, member: str) -> Builds | None:
    """Read the version ARN of a list of builds: without one, all that the caller owns (VER-28).

    None for an ARN that names nothing the caller may see. Raises InvalidParameterValue (VER-14).
    """
    if text is None:
        return Builds(lookup.own_place(call, kind))
    arn = Arn.parse(text)
    try:
        pattern = VersionPattern.parse(arn.version or "x.x.x", member=member)
        return Builds(lookup.place_of(arn, call), arn.path, pattern)
    except (ResourceNotFound, InvalidVersionNumber):
        return None


def _version_key(stored: Stored) -> VersionKey:
    return VersionKey(stored.arn.path, *Version.parse(stored.arn.version or "0.0.0"))
