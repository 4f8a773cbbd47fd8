"""Image recipes: create, get, list, delete (``api-behaviour.md`` §9.1)."""

from collections.abc import Mapping
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
from imagewright.api.parents import check_form, find_parent
from imagewright.api.recipe_components import check_choice, find_components
from imagewright.api.recipes import (
    PreparedRecipe,
    check_components,
    check_devices,
    store_recipe,
)
from imagewright.api.shapes import (
    CreateImageRecipeRequest,
    CreateImageRecipeResponse,
    DeleteImageRecipeRequest,
    DeleteImageRecipeResponse,
    GetImageRecipeRequest,
    GetImageRecipeResponse,
    ImageRecipe,
    ImageRecipeSummary,
    ListImageRecipesRequest,
    ListImageRecipesResponse,
)
from imagewright.arns import Kind, slug_of
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.errors import InvalidParameterCombination, InvalidParameterValue
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

    def _prepare(self, request: CreateImageRecipeRequest, call: Call) -> PreparedRecipe:
        version = OpenVersion.parse(request["semanticVersion"])
        components = request.get("components", [])
        check_form(request["parentImage"])
        check_choice(components, components_max=self.components_max)
        _check_request(request)
        with self.database.read() as connection:
            parent = find_parent(connection, request["parentImage"], call)
            builds = find_components(connection, components, call)
        platform = parent.platform or (builds[0].platform if builds else None) or "Linux"
        _check_agent(request, platform)
        check_components(
            self.documents,
            components,
            builds,
            call,
            platform=platform,
            os_version=parent.os_version,
        )
        return PreparedRecipe(version, partial(_draft, request, platform, call))

    def _store(
        self,
        connection: Connection,
        prepared: PreparedRecipe,
        request: CreateImageRecipeRequest,
        call: Call,
    ) -> CreateImageRecipeResponse:
        stored = store_recipe(
            connection, Kind.IMAGE_RECIPE, prepared, request, call, quota=self.quota
        )
        return {
            "imageRecipeArn": str(stored.arn),
            "latestVersionReferences": latest_version_references(stored.arn),
        }


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


def _check_request(request: CreateImageRecipeRequest) -> None:
    check_devices(request.get("blockDeviceMappings", ()), path="blockDeviceMappings")
    watermarks = request.get("amiWatermarks", [])
    if len(set(watermarks)) != len(watermarks):
        raise InvalidParameterValue("amiWatermarks", "The names must be distinct.")


def _check_agent(request: CreateImageRecipeRequest, platform: str) -> None:
    """Refuse agent settings where they mean nothing (RCP-15)."""
    settings: Mapping[str, Any] = request.get("additionalInstanceConfiguration", {})
    if platform == "Windows" and "systemsManagerAgent" in settings:
        raise InvalidParameterCombination(
            "The value supplied for parameter "
            "'additionalInstanceConfiguration.systemsManagerAgent' is not valid. "
            "It cannot be set for a Windows parent image."
        )
