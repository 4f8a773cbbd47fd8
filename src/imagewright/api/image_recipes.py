"""Image recipes: create, get, list, delete (``api-behaviour.md`` §9.1)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from sqlalchemy import Connection

from imagewright.api import lookup, storing
from imagewright.api.creation import Once
from imagewright.api.documents import Documents
from imagewright.api.entries import identity
from imagewright.api.filters import FilterMeaning, by_name, conditions, equals, equals_member
from imagewright.api.latest import latest_version_references
from imagewright.api.listing import Lists, listed_place
from imagewright.api.members import given
from imagewright.api.parents import Parent, check_form, find_parent
from imagewright.api.recipe_components import (
    check_choice,
    check_fit,
    check_parameters,
    find_components,
    given_values,
)
from imagewright.api.shapes import (
    ComponentConfiguration,
    CreateImageRecipeRequest,
    CreateImageRecipeResponse,
    DeleteImageRecipeRequest,
    DeleteImageRecipeResponse,
    GetImageRecipeRequest,
    GetImageRecipeResponse,
    ImageRecipe,
    ImageRecipeSummary,
    InstanceBlockDeviceMapping,
    ListImageRecipesRequest,
    ListImageRecipesResponse,
)
from imagewright.arns import Arn, Kind, slug_of
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    ServiceQuotaExceeded,
)
from imagewright.store import references
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored
from imagewright.store.tables import resources
from imagewright.versions import OpenVersion, Version

_FILTERS: Mapping[str, FilterMeaning] = {
    "name": by_name,
    "parentImage": equals_member("parentImage"),
    "platform": equals(resources.c.platform),
}
_ECHOED = (
    "components",
    "parentImage",
    "blockDeviceMappings",
    "workingDirectory",
    "additionalInstanceConfiguration",
    "amiTags",
    "amiWatermarks",
)
_PROVISIONED = {"io1", "io2"}
"""Volume types that need ``iops`` (RCP-14)."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A recipe whose values are checked: a draft as soon as its version is known."""

    version: Version | OpenVersion
    draft: Callable[[Version, str], Draft]


@dataclass(frozen=True, slots=True)
class ImageRecipes:
    """The handlers of the image recipe operations."""

    database: Database
    once: Once
    lists: Lists
    documents: Documents
    quota: int
    components_max: int

    def create_image_recipe(
        self, request: CreateImageRecipeRequest, call: Call
    ) -> CreateImageRecipeResponse:
        """Store a recipe under a version of its own, or under the next one (VER-10).

        The caller's errors: those of sections 3 and 9.1.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._prepare(request, call),
            commit=lambda connection, prepared: self._store(connection, prepared, request, call),
        )
        return cast("CreateImageRecipeResponse", answer)

    def get_image_recipe(
        self, request: GetImageRecipeRequest, call: Call
    ) -> GetImageRecipeResponse:
        """Return a recipe, or the newest that a wildcard ARN means."""
        with self.database.read() as connection:
            stored = lookup.find(
                connection, request["imageRecipeArn"], call, member="imageRecipeArn"
            )
        return {
            "imageRecipe": recipe_entry(stored),
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def list_image_recipes(
        self, request: ListImageRecipesRequest, call: Call
    ) -> ListImageRecipesResponse:
        """Return recipes in the order of their ARNs (SRT-02)."""
        wanted = conditions(request, _FILTERS)
        place = listed_place(request, call, Kind.IMAGE_RECIPE)
        page = self.lists.versions(request, call, place, wanted)
        return cast("ListImageRecipesResponse", page.members("imageRecipeSummaryList", _summary))

    def delete_image_recipe(
        self, request: DeleteImageRecipeRequest, call: Call
    ) -> DeleteImageRecipeResponse:
        """Delete a recipe that no pipeline uses (RCP-18)."""
        text = request["imageRecipeArn"]
        return {
            "imageRecipeArn": storing.delete(self.database, text, call, member="imageRecipeArn")
        }

    def _prepare(self, request: CreateImageRecipeRequest, call: Call) -> _Prepared:
        version = OpenVersion.parse(request["semanticVersion"])
        components = request.get("components", [])
        self._check_request(request, components)
        with self.database.read() as connection:
            parent = find_parent(connection, request["parentImage"], call)
            builds = find_components(connection, components, call)
        platform = parent.platform or (builds[0].platform if builds else None) or "Linux"
        _check_agent(request, platform)
        check_fit(builds, platform=platform, os_version=parent.os_version)
        for index, (component, build) in enumerate(zip(components, builds, strict=True)):
            document = self.documents.open(build, call)
            check_parameters(index, document, given_values(component))
        return _Prepared(version, partial(_draft, request, platform, call))

    def _check_request(
        self, request: CreateImageRecipeRequest, components: Sequence[ComponentConfiguration]
    ) -> None:
        check_form(request["parentImage"])
        # Earlier than other quotas, so that nobody makes us look up ten thousand components.
        if len(components) > self.components_max:
            raise ServiceQuotaExceeded("components per recipe", self.components_max)
        check_choice(components)
        for index, mapping in enumerate(request.get("blockDeviceMappings", ())):
            _check_device(index, mapping)
        watermarks = request.get("amiWatermarks", [])
        if len(set(watermarks)) != len(watermarks):
            raise InvalidParameterValue("amiWatermarks", "The names must be distinct.")

    def _store(
        self,
        connection: Connection,
        prepared: _Prepared,
        request: CreateImageRecipeRequest,
        call: Call,
    ) -> CreateImageRecipeResponse:
        # Once more inside the transaction: what is referred to must still be there.
        parent = find_parent(connection, request["parentImage"], call)
        components = request.get("components", [])
        find_components(connection, components, call)
        stored = self._add(connection, prepared, request, call)
        targets = [component["componentArn"] for component in components]
        references.record(
            connection, str(stored.arn), targets + _exact(parent, request["parentImage"])
        )
        return {
            "imageRecipeArn": str(stored.arn),
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def _add(
        self,
        connection: Connection,
        prepared: _Prepared,
        request: CreateImageRecipeRequest,
        call: Call,
    ) -> Stored:
        if isinstance(prepared.version, Version):
            draft = prepared.draft(prepared.version, request["semanticVersion"])
            return storing.add(
                connection, call, Kind.IMAGE_RECIPE, draft, quota=self.quota, how=store.add_only
            )
        place = lookup.own_place(call, Kind.IMAGE_RECIPE)
        slug = slug_of(request["name"])
        stored = store.add_next(connection, place, slug, prepared.version, prepared.draft)
        storing.check_quota(connection, place, self.quota)
        return stored


def recipe_entry(stored: Stored) -> ImageRecipe:
    """Show a recipe as it was given, with what was taken for granted (RCP-13, VER-20)."""
    shown = {
        **identity(stored),
        **given(stored.body, *_ECHOED),
        "dateCreated": stored.created_at,
        "tags": dict(stored.tags),
    }
    return cast("ImageRecipe", shown)


def _summary(stored: Stored) -> ImageRecipeSummary:
    shown = given(
        recipe_entry(stored),
        "arn",
        "name",
        "platform",
        "owner",
        "parentImage",
        "dateCreated",
        "tags",
    )
    return cast("ImageRecipeSummary", shown)


def _draft(
    request: CreateImageRecipeRequest, platform: str, call: Call, version: Version, text: str
) -> Draft:
    directory = "C:/" if platform == "Windows" else "/tmp"  # noqa: S108 - of the build machine (RCP-13)
    return Draft(
        path=slug_of(request["name"]),
        version=version,
        version_text=text,
        name=request["name"],
        platform=platform,
        description=request.get("description"),
        body={"workingDirectory": directory, **given(request, *_ECHOED)},
        tags=request.get("tags", {}),
        created_at=iso_milliseconds(call.received_at),
    )


def _exact(parent: Parent, text: str) -> list[str]:
    """Return the parent if it is one certain build of the caller's (IMG-62)."""
    return [text] if parent.image is not None and Arn.parse(text).build is not None else []


def _check_agent(request: CreateImageRecipeRequest, platform: str) -> None:
    """Refuse agent settings where they mean nothing (RCP-15)."""
    settings: Mapping[str, Any] = request.get("additionalInstanceConfiguration", {})
    if platform == "Windows" and "systemsManagerAgent" in settings:
        raise InvalidParameterCombination(
            "The value supplied for parameter "
            "'additionalInstanceConfiguration.systemsManagerAgent' is not valid. "
            "It cannot be set for a Windows parent image."
        )


def _check_device(index: int, mapping: InstanceBlockDeviceMapping) -> None:
    """Check what one member of a volume asks of another (RCP-14)."""
    volume = mapping.get("ebs", {})
    kind = volume.get("volumeType")
    path = f"blockDeviceMappings[{index}].ebs"
    if kind in _PROVISIONED and "iops" not in volume:
        raise InvalidParameterCombination(
            f"The parameter '{path}.iops' must be given for the volume type {kind}."
        )
    if "throughput" in volume and kind not in {None, "gp3"}:
        raise InvalidParameterCombination(
            f"The parameter '{path}.throughput' is for the volume type gp3, not {kind}."
        )
