"""Workflows: create, get, list, delete (``api-behaviour.md`` sections 4 and 6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Connection

from imagewright.api import lookup, storing
from imagewright.api.creation import Once
from imagewright.api.documents import Document, Documents
from imagewright.api.entries import build_entry, name_entry, version_entry
from imagewright.api.filters import FilterMeaning, by_name, by_version, conditions, equals
from imagewright.api.latest import latest_version_references
from imagewright.api.listing import Lists, listed_place, wanted_builds, wants_names
from imagewright.api.members import given
from imagewright.api.shapes import (
    CreateWorkflowRequest,
    CreateWorkflowResponse,
    DeleteWorkflowRequest,
    DeleteWorkflowResponse,
    GetWorkflowRequest,
    GetWorkflowResponse,
    ListWorkflowBuildVersionsRequest,
    ListWorkflowBuildVersionsResponse,
    ListWorkflowsRequest,
    ListWorkflowsResponse,
    Workflow,
)
from imagewright.arns import Kind, slug_of
from imagewright.call import Call
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored
from imagewright.store.tables import resources
from imagewright.versions import Version

WorkflowType = Literal["BUILD", "TEST", "DISTRIBUTION"]

CheckWorkflow = Callable[[str, WorkflowType, str], tuple[Mapping[str, Any], ...]]
"""Checks a text for a type of workflow and returns its parameters as the API shows them.

The third argument is the member that carried the text. Raises InvalidParameterValue (CRT-41).
"""

_FILTERS: Mapping[str, FilterMeaning] = {
    "description": equals(resources.c.description),
    "name": by_name,
    "type": equals(resources.c.type),
    "version": by_version,
}
_OWNERS_REFUSED = frozenset({"Shared", "ThirdParty"})


@dataclass(frozen=True, slots=True)
class Workflows:
    """The handlers of the workflow operations."""

    database: Database
    once: Once
    lists: Lists
    documents: Documents
    check: CheckWorkflow
    quota: int

    def create_workflow(self, request: CreateWorkflowRequest, call: Call) -> CreateWorkflowResponse:
        """Store one more build of a workflow version, or say everything that is wrong with it.

        The caller's errors are those of section 4.6.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._draft(request, call),
            commit=lambda connection, draft: self._store(connection, draft, call),
        )
        return cast("CreateWorkflowResponse", answer)

    def get_workflow(self, request: GetWorkflowRequest, call: Call) -> GetWorkflowResponse:
        """Return a build, or the newest that a version or wildcard ARN means (VER-18)."""
        with self.database.read() as connection:
            stored = lookup.find(
                connection,
                request["workflowBuildVersionArn"],
                call,
                member="workflowBuildVersionArn",
            )
        document = self.documents.open(stored, call)
        return {
            "workflow": _workflow(stored, document),
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def list_workflows(self, request: ListWorkflowsRequest, call: Call) -> ListWorkflowsResponse:
        """Return versions, or with ``byName`` names, in the order of their ARNs (SRT-02)."""
        names = wants_names(request)
        wanted = conditions(request, _FILTERS)
        place = listed_place(request, call, Kind.WORKFLOW, refused=_OWNERS_REFUSED)
        read = self.lists.names if names else self.lists.versions
        page = read(request, call, place, wanted)
        shown = page.members("workflowVersionList", name_entry if names else version_entry)
        return cast("ListWorkflowsResponse", shown)

    def list_workflow_build_versions(
        self, request: ListWorkflowBuildVersionsRequest, call: Call
    ) -> ListWorkflowBuildVersionsResponse:
        """Return builds, newest first; of one version or pattern, or all that the caller owns."""
        text = request.get("workflowVersionArn")
        wanted = wanted_builds(text, call, Kind.WORKFLOW, member="workflowVersionArn")
        shown = self.lists.builds(request, call, wanted).members("workflowSummaryList", build_entry)
        return cast("ListWorkflowBuildVersionsResponse", shown)

    def delete_workflow(self, request: DeleteWorkflowRequest, call: Call) -> DeleteWorkflowResponse:
        """Delete one build that nothing refers to (CRT-71, CRT-74)."""
        text = request["workflowBuildVersionArn"]
        arn = storing.delete(self.database, text, call, member="workflowBuildVersionArn")
        return {"workflowBuildVersionArn": arn}

    def _draft(self, request: CreateWorkflowRequest, call: Call) -> Draft:
        version = Version.parse(request["semanticVersion"])
        member, text = self.documents.read(request, call)
        return self.documents.draft(
            request,
            call,
            path=f"{request['type'].lower()}/{slug_of(request['name'])}",
            version=version,
            type=request["type"],
            document=Document(text, self.check(text, request["type"], member)),
        )

    def _store(self, connection: Connection, draft: Draft, call: Call) -> CreateWorkflowResponse:
        stored = storing.add(
            connection, call, Kind.WORKFLOW, draft, quota=self.quota, how=store.add_build
        )
        return {
            "workflowBuildVersionArn": str(stored.arn),
            "latestVersionReferences": latest_version_references(stored.arn),
        }


def _workflow(stored: Stored, document: Document) -> Workflow:
    shown: dict[str, Any] = {
        **build_entry(stored),
        **given(stored.body, "kmsKeyId"),
        "data": document.text,
        "tags": dict(stored.tags),
    }
    if document.parameters:
        shown["parameters"] = list(document.parameters)
    return cast("Workflow", shown)
