"""Image pipelines: create, get, list, update, delete (``api-behaviour.md`` section 8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection

from imagewright.api import lookup, storing, unversioned
from imagewright.api.creation import Once
from imagewright.api.filters import FilterMeaning, by_name, conditions, equals, equals_member
from imagewright.api.found import check_log_groups, find
from imagewright.api.listing import Lists
from imagewright.api.members import given
from imagewright.api.pipeline_schedules import checked_schedule, next_run
from imagewright.api.planning import IMAGE_TESTS, Planner
from imagewright.api.shapes import (
    CreateImagePipelineRequest,
    CreateImagePipelineResponse,
    CreateImageRequest,
    DeleteImagePipelineRequest,
    DeleteImagePipelineResponse,
    GetImagePipelineRequest,
    GetImagePipelineResponse,
    ImagePipeline,
    ListImagePipelinesRequest,
    ListImagePipelinesResponse,
    UpdateImagePipelineRequest,
    UpdateImagePipelineResponse,
)
from imagewright.arns import Kind
from imagewright.call import Call
from imagewright.errors import InvalidParameterCombination
from imagewright.store import pipelines, references
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored
from imagewright.store.tables import resources

_ARN: Final = "imagePipelineArn"
_REFERRING = (
    "imageRecipeArn",
    "containerRecipeArn",
    "infrastructureConfigurationArn",
    "distributionConfigurationArn",
)
_CONTENT = (
    *_REFERRING,
    "enhancedImageMetadataEnabled",
    "imageTestsConfiguration",
    "schedule",
    "status",
    "imageScanningConfiguration",
    "imageTags",
    "executionRole",
    "workflows",
    "loggingConfiguration",
)
_FILTERS: Mapping[str, FilterMeaning] = {
    "description": equals(resources.c.description),
    "distributionConfigurationArn": equals_member("distributionConfigurationArn"),
    "imageRecipeArn": equals_member("imageRecipeArn"),
    "infrastructureConfigurationArn": equals_member("infrastructureConfigurationArn"),
    "name": by_name,
    "status": equals_member("status"),
}

_Content = CreateImagePipelineRequest | UpdateImagePipelineRequest


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A pipeline whose content is checked."""

    body: Mapping[str, Any]
    platform: str


@dataclass(frozen=True, slots=True)
class ImagePipelines:
    """The handlers of the operations on pipelines; ``pipeline_runs`` runs them."""

    database: Database
    once: Once
    lists: Lists
    planner: Planner
    quota: int

    def create_image_pipeline(
        self, request: CreateImagePipelineRequest, call: Call
    ) -> CreateImagePipelineResponse:
        """Store a pipeline under a name of its own (NAM-06).

        The caller's errors: those of sections 3, 7.1, 7.2 and 8.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._prepare(request, call),
            commit=lambda connection, prepared: self._store(connection, prepared, request, call),
        )
        return cast("CreateImagePipelineResponse", answer)

    def get_image_pipeline(
        self, request: GetImagePipelineRequest, call: Call
    ) -> GetImagePipelineResponse:
        """Return a pipeline, and how it stands (PIP-33)."""
        with self.database.read() as connection:
            stored = lookup.find(connection, request[_ARN], call, member=_ARN)
            return {"imagePipeline": pipeline_entry(connection, stored)}

    def list_image_pipelines(
        self, request: ListImagePipelinesRequest, call: Call
    ) -> ListImagePipelinesResponse:
        """Return pipelines in the order of their ARNs (SRT-02)."""
        wanted = conditions(request, _FILTERS)
        place = lookup.own_place(call, Kind.IMAGE_PIPELINE)
        page = self.lists.versions(request, call, place, wanted)
        with self.database.read() as connection:
            shown = page.members(
                "imagePipelineList", lambda stored: pipeline_entry(connection, stored)
            )
        return cast("ListImagePipelinesResponse", shown)

    def update_image_pipeline(
        self, request: UpdateImagePipelineRequest, call: Call
    ) -> UpdateImagePipelineResponse:
        """Replace everything but name and tags; what is left out is gone or reset (PIP-04)."""
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._prepare_update(request, call),
            commit=lambda connection, prepared: self._replace(connection, prepared, request, call),
        )
        return cast("UpdateImagePipelineResponse", answer)

    def delete_image_pipeline(
        self, request: DeleteImagePipelineRequest, call: Call
    ) -> DeleteImagePipelineResponse:
        """Delete a pipeline; its images and the builds under way stay (PIP-06, PIP-35)."""
        text = request[_ARN]
        return {
            _ARN: storing.delete(self.database, text, call, member=_ARN, forget=pipelines.forget)
        }

    def _prepare(self, request: _Content, call: Call) -> _Prepared:
        body = _checked_body(request)
        asked = image_request(body)
        with self.database.read() as connection:
            found = find(connection, asked, call)
        self.planner.check(found, asked, call)
        return _Prepared(body, found.recipe.platform)

    def _prepare_update(self, request: UpdateImagePipelineRequest, call: Call) -> _Prepared:
        with self.database.read() as connection:
            stored = lookup.find_own(connection, request[_ARN], call, member=_ARN)
        for kind in ("imageRecipeArn", "containerRecipeArn"):
            if kind in request and kind not in stored.body:
                raise InvalidParameterCombination(
                    f"The parameter '{kind}' names a recipe of another kind than the pipeline's; "
                    "the kind cannot be changed."
                )
        return self._prepare(request, call)

    def _store(
        self,
        connection: Connection,
        prepared: _Prepared,
        request: CreateImagePipelineRequest,
        call: Call,
    ) -> CreateImagePipelineResponse:
        # Once more inside the transaction: what is referred to must still be there.
        find(connection, image_request(prepared.body), call)
        draft: Draft = unversioned.draft(request, prepared.body, call, platform=prepared.platform)
        stored = storing.add(
            connection, call, Kind.IMAGE_PIPELINE, draft, quota=self.quota, how=store.add_only
        )
        _settle(connection, stored, prepared.body, call)
        return {_ARN: str(stored.arn)}

    def _replace(
        self,
        connection: Connection,
        prepared: _Prepared,
        request: UpdateImagePipelineRequest,
        call: Call,
    ) -> UpdateImagePipelineResponse:
        find(connection, image_request(prepared.body), call)
        stored = unversioned.replace(
            connection, request, prepared.body, call, member=_ARN, platform=prepared.platform
        )
        references.erase(connection, str(stored.arn))
        _settle(connection, stored, prepared.body, call)
        return {_ARN: str(stored.arn)}


def pipeline_entry(connection: Connection, stored: Stored) -> ImagePipeline:
    """Show a pipeline as it is now, and how its runs went (PIP-33, INF-12)."""
    state = pipelines.state_of(connection, str(stored.arn))
    newest = pipelines.newest_image(connection, stored)
    shown = {"dateUpdated": stored.created_at, **unversioned.entry(stored, *_CONTENT)}
    shown["consecutiveFailures"] = state.consecutive_failures
    known = {
        "platform": stored.platform,
        "dateLastRun": state.last_run_at,
        "dateNextRun": state.next_run_at,
        "lastRunStatus": None if newest is None else newest.status,
    }
    shown |= {name: value for name, value in known.items() if value is not None}
    return cast("ImagePipeline", shown)


def image_request(body: Mapping[str, Any]) -> CreateImageRequest:
    """Return what CreateImage would be asked for to build what a pipeline builds."""
    request = given(
        body,
        *_REFERRING,
        "imageTestsConfiguration",
        "enhancedImageMetadataEnabled",
        "imageScanningConfiguration",
        "workflows",
        "executionRole",
    )
    group = body.get("loggingConfiguration", {}).get("imageLogGroupName")
    if group is not None:
        request["loggingConfiguration"] = {"logGroupName": group}
    return cast("CreateImageRequest", request)


def _checked_body(request: _Content) -> dict[str, Any]:
    """Check what the request alone tells, and return what is stored (PIP-03, IMG-04).

    Raises InvalidParameterValue, InvalidParameterCombination.
    """
    check_log_groups(request, request.get("loggingConfiguration", {}).values())
    body = {
        "enhancedImageMetadataEnabled": True,
        "status": "ENABLED",
        **given(request, *_CONTENT),
        "imageTestsConfiguration": {**IMAGE_TESTS, **request.get("imageTestsConfiguration", {})},
    }
    if "schedule" in request:
        body["schedule"] = checked_schedule(request["schedule"])
    return body


def _settle(connection: Connection, stored: Stored, body: Mapping[str, Any], call: Call) -> None:
    """Write down what a pipeline that was made or changed refers to, and when it runs next."""
    workflows = [each["workflowArn"] for each in body.get("workflows", ())]
    targets = [body[member] for member in _REFERRING if member in body]
    references.record(connection, str(stored.arn), targets + workflows)
    now = call.received_at
    pipelines.set_schedule(connection, str(stored.arn), next_run(body, since=now, after=now))
