"""Components: create, import, get, list, delete (``api-behaviour.md`` sections 4 and 6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import Connection, false

from imagewright.api import lookup, storing
from imagewright.api.component_documents import (
    ComponentChecker,
    shown_parameters,
    wrapped_script,
)
from imagewright.api.creation import Once
from imagewright.api.documents import Document, Documents
from imagewright.api.entries import build_entry, name_entry, version_entry
from imagewright.api.filters import (
    FilterMeaning,
    by_name,
    by_version,
    conditions,
    equals,
    has_item,
)
from imagewright.api.latest import latest_version_references
from imagewright.api.listing import Lists, listed_place, wanted_builds, wants_names
from imagewright.api.members import given
from imagewright.api.shapes import (
    Component,
    ComponentSummary,
    ComponentVersion,
    CreateComponentRequest,
    CreateComponentResponse,
    DeleteComponentRequest,
    DeleteComponentResponse,
    GetComponentRequest,
    GetComponentResponse,
    ImportComponentRequest,
    ImportComponentResponse,
    ListComponentBuildVersionsRequest,
    ListComponentBuildVersionsResponse,
    ListComponentsRequest,
    ListComponentsResponse,
)
from imagewright.arns import Kind, slug_of
from imagewright.call import Call
from imagewright.errors import InvalidParameterValue
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Conditions, Draft, Stored
from imagewright.store.tables import resources
from imagewright.versions import Version

ACTIVE = "ACTIVE"
_DEPRECATED = "DEPRECATED"
_NOT_DEPRECATED = resources.c.status != _DEPRECATED

_FILTERS: Mapping[str, FilterMeaning] = {
    "description": equals(resources.c.description),
    "name": by_name,
    "platform": equals(resources.c.platform),
    "productCodes": lambda _code: false(),  # only what a marketplace sells has one
    "status": equals(resources.c.status),
    "supportedOsVersion": has_item("supportedOsVersions"),
    "type": equals(resources.c.type),
    "version": by_version,
}


@dataclass(frozen=True, slots=True)
class Components:
    """The handlers of the component operations."""

    database: Database
    once: Once
    lists: Lists
    documents: Documents
    checker: ComponentChecker
    quota: int

    def create_component(
        self, request: CreateComponentRequest, call: Call
    ) -> CreateComponentResponse:
        """Store one more build of a component version, or say everything that is wrong with it.

        The caller's errors are those of section 4.6.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._draft(request, call, self.documents.read),
            commit=lambda connection, draft: self._store(connection, draft, call),
        )
        return cast("CreateComponentResponse", answer)

    def import_component(
        self, request: ImportComponentRequest, call: Call
    ) -> ImportComponentResponse:
        """Store a plain script as a component of one step (CRT-60, CRT-61)."""
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._draft(request, call, self._read_script),
            commit=lambda connection, draft: given(
                self._store(connection, draft, call), "componentBuildVersionArn"
            ),
        )
        return cast("ImportComponentResponse", answer)

    def get_component(self, request: GetComponentRequest, call: Call) -> GetComponentResponse:
        """Return a build, or the newest active one that a version or wildcard ARN means."""
        text = request["componentBuildVersionArn"]
        with self.database.read() as connection:
            stored = lookup.find(connection, text, call, member="componentBuildVersionArn")
        return {
            "component": _component(stored, self.documents.open(stored, call)),
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def list_components(self, request: ListComponentsRequest, call: Call) -> ListComponentsResponse:
        """Return versions, or with ``byName`` names, in the order of their ARNs (SRT-02)."""
        names = wants_names(request)
        read = self.lists.names if names else self.lists.versions
        page = read(request, call, listed_place(request, call, Kind.COMPONENT), _listed(request))
        return cast(
            "ListComponentsResponse",
            page.members("componentVersionList", _name if names else _version),
        )

    def list_component_build_versions(
        self, request: ListComponentBuildVersionsRequest, call: Call
    ) -> ListComponentBuildVersionsResponse:
        """Return builds that the caller owns and that are not deprecated (VER-28 to VER-30)."""
        text = request.get("componentVersionArn")
        wanted = wanted_builds(text, call, Kind.COMPONENT, member="componentVersionArn")
        if wanted is not None and wanted.place.account != call.account:
            wanted = None
        page = self.lists.builds(request, call, wanted, Conditions(clauses=(_NOT_DEPRECATED,)))
        return cast(
            "ListComponentBuildVersionsResponse", page.members("componentSummaryList", _summary)
        )

    def delete_component(
        self, request: DeleteComponentRequest, call: Call
    ) -> DeleteComponentResponse:
        """Delete one build that no recipe needs (CRT-70, CRT-74)."""
        text = request["componentBuildVersionArn"]
        arn = storing.delete(self.database, text, call, member="componentBuildVersionArn")
        return {"componentBuildVersionArn": arn}

    def _read_script(self, request: Mapping[str, Any], call: Call) -> tuple[str, str]:
        """Return the member that carried the script, and the document made of it."""
        member, script = self.documents.read(request, call)
        if "\0" in script:
            raise InvalidParameterValue(member, "A script cannot hold a NUL character.")
        return member, wrapped_script(
            script, name=request["name"], type=request["type"], platform=request["platform"]
        )

    def _draft(
        self,
        request: CreateComponentRequest | ImportComponentRequest,
        call: Call,
        read: Callable[[Mapping[str, Any], Call], tuple[str, str]],
    ) -> Draft:
        version = Version.parse(request["semanticVersion"])
        member, text = read(request, call)
        checked = self.checker.check(text, request["platform"], member)
        draft = self.documents.draft(
            request,
            call,
            path=slug_of(request["name"]),
            version=version,
            type=checked.type,
            document=checked.document,
        )
        return replace(draft, status=ACTIVE)

    def _store(self, connection: Connection, draft: Draft, call: Call) -> CreateComponentResponse:
        stored = storing.add(
            connection, call, Kind.COMPONENT, draft, quota=self.quota, how=store.add_build
        )
        return {
            "componentBuildVersionArn": str(stored.arn),
            "latestVersionReferences": latest_version_references(stored.arn),
        }


def _listed(request: ListComponentsRequest) -> Conditions:
    """Leave deprecated components out unless they are asked for (FLT-12)."""
    wanted = conditions(request, _FILTERS)
    asked_for = any(
        entry.get("name") == "status" and _DEPRECATED in entry.get("values", ())
        for entry in request.get("filters", ())
    )
    return wanted if asked_for else Conditions(clauses=(*wanted.clauses, _NOT_DEPRECATED))


def _component(stored: Stored, document: Document) -> Component:
    shown: dict[str, Any] = {
        **_summary(stored),
        **given(stored.body, "kmsKeyId"),
        "data": document.text,
        "encrypted": True,
    }
    if document.parameters:
        shown["parameters"] = shown_parameters(document)
    return cast("Component", shown)


def _summary(stored: Stored) -> ComponentSummary:
    shown = {**build_entry(stored), **_systems(stored), "tags": dict(stored.tags)}
    if stored.status != ACTIVE:
        shown["state"] = {"status": stored.status, **given(stored.body, "reason")}
    return cast("ComponentSummary", shown)


def _version(stored: Stored) -> ComponentVersion:
    shown = {**version_entry(stored), **_systems(stored), "status": stored.status}
    return cast("ComponentVersion", shown)


def _name(stored: Stored) -> ComponentVersion:
    shown = {**name_entry(stored), **_systems(stored), "status": stored.status}
    return cast("ComponentVersion", shown)


def _systems(stored: Stored) -> dict[str, Any]:
    return given(stored.body, "supportedOsVersions")
