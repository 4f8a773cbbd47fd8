"""Images: asked for, read, listed, cancelled, deleted (``api-behaviour.md`` section 7)."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.creation import Once
from imagewright.api.distribution_configurations import distribution_entry
from imagewright.api.entries import owner_of
from imagewright.api.filters import FilterMeaning, by_name, by_version, conditions, equals
from imagewright.api.found import find
from imagewright.api.infrastructure_configurations import configuration_entry
from imagewright.api.latest import latest_version_references
from imagewright.api.listing import Lists, listed_place, wanted_builds, wants_names
from imagewright.api.members import given
from imagewright.api.paging import Pager
from imagewright.api.planning import IMAGE_TESTS, Planned, Planner
from imagewright.api.run_parameters import NO_PARAMETERS, RunParameters
from imagewright.api.shapes import (
    BuildType,
    CancelImageCreationRequest,
    CancelImageCreationResponse,
    CreateImageRequest,
    CreateImageResponse,
    DeleteImageRequest,
    DeleteImageResponse,
    GetImageRequest,
    GetImageResponse,
    Image,
    ImageSummary,
    ImageVersion,
    ListImageBuildVersionsRequest,
    ListImageBuildVersionsResponse,
    ListImagePackagesRequest,
    ListImagePackagesResponse,
    ListImagesRequest,
    ListImagesResponse,
)
from imagewright.arns import Arn, Kind
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import ImageStatus
from imagewright.errors import InvalidParameterValue, ResourceDependency, ServiceQuotaExceeded
from imagewright.store import builds, findings, packages, pipelines, references
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox
from imagewright.store.resources import Draft, Stored
from imagewright.store.tables import resources
from imagewright.versions import Version

_ARN = "imageBuildVersionArn"

_FILTERS: Mapping[str, FilterMeaning] = {
    "name": by_name,
    "osVersion": equals(resources.c.body["osVersion"].as_string()),
    "platform": equals(resources.c.platform),
    "type": equals(resources.c.type),
    "version": by_version,
}


class Runs(Protocol):
    """Starts builds and answers their waiting steps; ``engine.journal.Journal`` is the real one."""

    def enqueue(self, connection: Connection, run_id: str) -> None:
        """Ask for a run of a build in the caller's transaction; see ``engine.attempts``."""
        ...

    def look(self) -> None:
        """Start what was asked for in transactions that are committed by now."""
        ...

    def wait_until_ready(self) -> None:
        """Return once answers can be sent. Not to be called within a transaction.

        Raises ServiceUnavailable.
        """
        ...

    def answer(
        self, connection: Connection, *, run_id: str, step_id: str, message: Mapping[str, str]
    ) -> None:
        """Send an answer to a waiting step in the caller's transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for an image (IMG-07)."""

    build_type: BuildType
    pipeline_arn: str | None = None


_BY_HAND = Origin("USER_INITIATED")


@dataclass(frozen=True, slots=True)
class Images:
    """The handlers of the image operations."""

    database: Database
    once: Once
    lists: Lists
    pager: Pager
    planner: Planner
    runs: Runs
    outbox: Outbox
    release: Callable[[Connection, str], None]
    """Lets go, in the caller's transaction, of what an image's build left behind."""
    quota: int

    def create_image(
        self, request: CreateImageRequest, call: Call, *, reuse_layers: bool = True
    ) -> CreateImageResponse:
        """Start a build; it goes on after the answer (IMG-02).

        AWS has no member for ``reuse_layers``: without it, every step is done anew.
        """
        answer = self.once.run(
            request if reuse_layers else {**request, "reuseLayers": False},
            call,
            prepare=lambda: self.prepare(request, call, reuse_layers=reuse_layers),
            commit=lambda connection, planned: self._create(connection, planned, request, call),
        )
        self.runs.look()
        return cast("CreateImageResponse", answer)

    def prepare(
        self,
        request: CreateImageRequest,
        call: Call,
        *,
        reuse_layers: bool = True,
        parameters: RunParameters = NO_PARAMETERS,
    ) -> Planned:
        """Check that what is asked for can be built, and fix how. No transaction may be open.

        Raises what the planner does.
        """
        with self.database.read() as connection:
            found = find(connection, request, call)
        planned = self.planner.plan(found, request, call, parameters)
        return replace(planned, plan=replace(planned.plan, reuse_layers=reuse_layers))

    def start(
        self,
        connection: Connection,
        planned: Planned,
        request: CreateImageRequest,
        call: Call,
        origin: Origin = _BY_HAND,
    ) -> Stored:
        """Store an image and ask for its build, in the caller's transaction.

        ``runs.look`` starts it once that is committed. Raises ServiceQuotaExceeded.
        """
        draft = _draft(planned, request, call, origin)
        plan = replace(planned.plan, pipeline_arn=origin.pipeline_arn)
        return add_image(connection, draft, plan, call, runs=self.runs, quota=self.quota)

    def get_image(self, request: GetImageRequest, call: Call) -> GetImageResponse:
        """Return a build, or the newest available one that an ARN means (VER-18)."""
        with self.database.read() as connection:
            stored = lookup.find(connection, request["imageBuildVersionArn"], call, member=_ARN)
        return {
            "image": image_entry(stored),
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def list_images(self, request: ListImagesRequest, call: Call) -> ListImagesResponse:
        """Return versions, or with ``byName`` names, in the order of their ARNs."""
        wanted = conditions(request, _FILTERS)
        place = listed_place(request, call, Kind.IMAGE)
        read = self.lists.names if wants_names(request) else self.lists.versions
        show = _name if request.get("byName") else _version
        page = read(request, call, place, wanted)
        return cast("ListImagesResponse", page.members("imageVersionList", show))

    def list_image_build_versions(
        self, request: ListImageBuildVersionsRequest, call: Call
    ) -> ListImageBuildVersionsResponse:
        """Return builds, newest first, failed ones too (IMG-08)."""
        member = "imageVersionArn"
        wanted = wanted_builds(request.get("imageVersionArn"), call, Kind.IMAGE, member=member)
        page = self.lists.builds(request, call, wanted, conditions(request, _FILTERS))
        return cast(
            "ListImageBuildVersionsResponse", page.members("imageSummaryList", image_summary)
        )

    def list_image_packages(
        self, request: ListImagePackagesRequest, call: Call
    ) -> ListImagePackagesResponse:
        """Return what the build found installed (IMG-53, SRT-04)."""
        with self.database.read() as connection:
            stored = lookup.find(connection, request["imageBuildVersionArn"], call, member=_ARN)
            page = self.pager.cut(
                request,
                call,
                fetch=lambda after, limit: packages.page(
                    connection,
                    str(stored.arn),
                    after=None if after is None else (after[0], after[1]),
                    count=limit,
                ),
                place=list,
            )
        shown = page.members(
            "imagePackageList",
            lambda found: {"packageName": found[0], "packageVersion": found[1]},
        )
        return cast("ListImagePackagesResponse", shown)

    def cancel_image_creation(
        self, request: CancelImageCreationRequest, call: Call
    ) -> CancelImageCreationResponse:
        """Ask a build to end; what it did is undone on its own time (IMG-60)."""
        answer = self.once.run(
            request,
            call,
            prepare=self.runs.wait_until_ready,  # a step that waits is told through the journal
            commit=lambda connection, _: self._cancel(connection, request, call),
        )
        return cast("CancelImageCreationResponse", answer)

    def delete_image(self, request: DeleteImageRequest, call: Call) -> DeleteImageResponse:
        """Delete the record of an image whose build is over (IMG-61 to IMG-63)."""
        text = request["imageBuildVersionArn"]
        with self.database.write() as connection:
            stored = lookup.find_own(connection, text, call, member=_ARN)
            place = lookup.own_place(call, Kind.IMAGE)
            arn = str(stored.arn)  # the request may spell the same version otherwise (VER-09)
            if not _status(stored).is_final:
                raise ResourceDependency(arn)
            users = references.referrers(connection, place, stored)
            standing_on = builds.standing_on(connection, arn)
            if users or standing_on:
                own = [each for each in standing_on if Arn.parse(each).account == call.account]
                raise ResourceDependency(arn, referrers=[*users, *own])
            store.remove(connection, place, stored)
            builds.forget_build(connection, arn)
            packages.forget(connection, arn)
            findings.forget(connection, arn)
            pipelines.forget_image(connection, arn)
            self.release(connection, arn)
        return {"imageBuildVersionArn": arn}

    def _create(
        self, connection: Connection, planned: Planned, request: CreateImageRequest, call: Call
    ) -> CreateImageResponse:
        stored = self.start(connection, planned, request, call)
        return {
            "imageBuildVersionArn": str(stored.arn),
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def _cancel(
        self, connection: Connection, request: CancelImageCreationRequest, call: Call
    ) -> CancelImageCreationResponse:
        stored = lookup.find_own(connection, request["imageBuildVersionArn"], call, member=_ARN)
        if _status(stored).is_final:
            raise InvalidParameterValue(
                _ARN, f"The image is {stored.status}; only a build that goes on can be cancelled."
            )
        if _status(stored) is ImageStatus.PENDING:
            # It waits for its turn: nothing is there to be undone.
            state = {"status": ImageStatus.CANCELLED.value}
            builds.set_state(connection, str(stored.arn), state, self.outbox)
        for step, run_id in builds.request_cancel(connection, str(stored.arn)):
            self.runs.answer(connection, run_id=run_id, step_id=step.id, message={})
        return {"imageBuildVersionArn": str(stored.arn)}


def add_image(
    connection: Connection, draft: Draft, plan: BuildPlan, call: Call, *, runs: Runs, quota: int
) -> Stored:
    """Store an image, the plan of its build and the wish to run it; raise ServiceQuotaExceeded."""
    place = lookup.own_place(call, Kind.IMAGE)
    stored = store.add_build(connection, place, draft)
    if store.count_builds(connection, place) > quota:
        raise ServiceQuotaExceeded("images", quota)
    arn = str(stored.arn)
    numbered = replace(plan, image_arn=arn, build=stored.arn.build or 0, asked_at=stored.created_at)
    builds.add_build(connection, numbered)
    runs.enqueue(connection, arn)
    return stored


def image_entry(stored: Stored) -> Image:
    """Show an image with everything it was built from, as it was then (IMG-06)."""
    shown = {
        **_common(stored),
        **given(
            stored.body,
            "enhancedImageMetadataEnabled",
            "imageRecipe",
            "containerRecipe",
            "infrastructureConfiguration",
            "distributionConfiguration",
            "imageTestsConfiguration",
            "imageScanningConfiguration",
            "executionRole",
            "workflows",
            "sourcePipelineArn",
        ),
    }
    return cast("Image", shown)


def image_summary(stored: Stored) -> ImageSummary:
    """Show an image among others."""
    return cast("ImageSummary", {**_common(stored), "owner": owner_of(stored.arn)})


def _common(stored: Stored) -> dict[str, Any]:
    return {
        "arn": str(stored.arn),
        "name": stored.name,
        "type": stored.type,
        "version": f"{stored.arn.version}/{stored.arn.build}",
        "platform": stored.platform,
        "dateCreated": stored.created_at,
        "tags": dict(stored.tags),
        **given(
            stored.body,
            "osVersion",
            "state",
            "scanState",
            "outputResources",
            "buildType",
            "imageSource",
            "loggingConfiguration",
        ),
    }


def _version(stored: Stored) -> ImageVersion:
    return _version_entry(stored, stored.arn.version)


def _name(stored: Stored) -> ImageVersion:
    return _version_entry(stored, "x.x.x")


def _version_entry(stored: Stored, version: str | None) -> ImageVersion:
    shown = {
        "arn": str(stored.arn.with_version(version)),
        "name": stored.name,
        "type": stored.type,
        "version": stored.arn.version,
        "platform": stored.platform,
        "owner": owner_of(stored.arn),
        "dateCreated": stored.first_created_at,
        **given(stored.body, "osVersion", "buildType", "imageSource"),
    }
    return cast("ImageVersion", shown)


def _draft(planned: Planned, request: CreateImageRequest, call: Call, origin: Origin) -> Draft:
    recipe = planned.found.recipe
    body: dict[str, Any] = {
        "state": {"status": ImageStatus.PENDING.value},
        **_recipe_members(planned),
        "infrastructureConfiguration": dict(configuration_entry(planned.found.infrastructure)),
        "enhancedImageMetadataEnabled": planned.plan.collect_metadata,
        "imageTestsConfiguration": {**IMAGE_TESTS, **request.get("imageTestsConfiguration", {})},
        "buildType": origin.build_type,
        "imageSource": "CUSTOM",
        "workflows": [
            {**configuration, "workflowArn": str(stored.arn)}
            for configuration, stored in planned.found.workflows
        ],
        **given(request, "imageScanningConfiguration", "executionRole", "loggingConfiguration"),
    }
    if origin.pipeline_arn is not None:
        body["sourcePipelineArn"] = origin.pipeline_arn
    if planned.found.distribution is not None:
        body["distributionConfiguration"] = dict(distribution_entry(planned.found.distribution))
    if planned.plan.collect_scan_findings:
        body["scanState"] = {"status": "PENDING"}
    return Draft(
        path=recipe.stored.arn.path,
        version=Version.parse(planned.plan.version),
        version_text=planned.plan.version,
        name=planned.plan.image_name,
        type=planned.plan.image_type,
        platform=planned.plan.platform,
        status=ImageStatus.PENDING.value,
        description=planned.plan.description,
        digest=uuid.uuid4().hex,
        body=body,
        tags=request.get("tags", {}),
        created_at=iso_milliseconds(call.received_at),
    )


def _recipe_members(planned: Planned) -> dict[str, Any]:
    """Show the recipe of either kind, and that nothing came of it yet (IMG-50, IMG-52)."""
    shown = dict(planned.found.recipe.shown)
    if planned.found.recipe.is_for_containers:
        return {"outputResources": {"containers": []}, "containerRecipe": shown}
    return {"outputResources": {"amis": []}, "imageRecipe": shown}


def _status(stored: Stored) -> ImageStatus:
    return ImageStatus(str(stored.status))
