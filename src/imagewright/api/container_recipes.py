"""Container recipes: create, get, list, delete (``api-behaviour.md`` §9.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from sqlalchemy import Connection

from imagewright.api import lookup, storing
from imagewright.api.creation import Once
from imagewright.api.dockerfile_templates import check_template
from imagewright.api.documents import Document, Documents, Kept
from imagewright.api.entries import identity
from imagewright.api.filters import FilterMeaning, by_name, conditions, equals, equals_member
from imagewright.api.latest import latest_version_references
from imagewright.api.listing import Lists, listed_place
from imagewright.api.members import given
from imagewright.api.parents import (
    Parent,
    check_container_form,
    ecr_kind,
    find_parent,
    is_machine_image,
    is_registry_image,
)
from imagewright.api.recipe_components import check_choice, find_components
from imagewright.api.recipes import (
    PreparedRecipe,
    check_components,
    check_devices,
    store_recipe,
)
from imagewright.api.repositories import check_repository
from imagewright.api.shapes import (
    ComponentConfiguration,
    ContainerRecipe,
    ContainerRecipeSummary,
    CreateContainerRecipeRequest,
    CreateContainerRecipeResponse,
    DeleteContainerRecipeRequest,
    DeleteContainerRecipeResponse,
    GetContainerRecipeRequest,
    GetContainerRecipeResponse,
    ListContainerRecipesRequest,
    ListContainerRecipesResponse,
)
from imagewright.arns import Arn, Kind, slug_of
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.errors import InvalidParameterValue
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored
from imagewright.store.tables import resources
from imagewright.versions import OpenVersion, Version

_FILTERS: Mapping[str, FilterMeaning] = {
    "containerType": equals_member("containerType"),
    "name": by_name,
    "parentImage": equals_member("parentImage"),
    "platform": equals(resources.c.platform),
}
_ECHOED = (
    "containerType",
    "components",
    "instanceConfiguration",
    "kmsKeyId",
    "parentImage",
    "workingDirectory",
    "targetRepository",
)
_ARN: Final = "containerRecipeArn"
_DATA: Final = "dockerfileTemplateData"
_URI: Final = "dockerfileTemplateUri"


@dataclass(frozen=True, slots=True)
class ContainerRecipes:
    """The handlers of the container recipe operations."""

    database: Database
    once: Once
    lists: Lists
    documents: Documents
    quota: int
    components_max: int

    def create_container_recipe(
        self, request: CreateContainerRecipeRequest, call: Call
    ) -> CreateContainerRecipeResponse:
        """Store a recipe under a version of its own, or under the next one (VER-10).

        The caller's errors: those of sections 3, 4.1, 9.1 and 9.2.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._prepare(request, call),
            commit=lambda connection, prepared: self._store(connection, prepared, request, call),
        )
        return cast("CreateContainerRecipeResponse", answer)

    def get_container_recipe(
        self, request: GetContainerRecipeRequest, call: Call
    ) -> GetContainerRecipeResponse:
        """Return a recipe with its template, or the newest that a wildcard ARN means."""
        with self.database.read() as connection:
            stored = lookup.find(connection, request[_ARN], call, member=_ARN)
        shown = recipe_facts(stored)
        shown[_DATA] = self.documents.open(stored, call).text
        return {
            "containerRecipe": shown,
            "latestVersionReferences": latest_version_references(stored.arn),
        }

    def list_container_recipes(
        self, request: ListContainerRecipesRequest, call: Call
    ) -> ListContainerRecipesResponse:
        """Return recipes in the order of their ARNs (SRT-02)."""
        wanted = conditions(request, _FILTERS)
        place = listed_place(request, call, Kind.CONTAINER_RECIPE)
        page = self.lists.versions(request, call, place, wanted)
        shown = page.members("containerRecipeSummaryList", _summary)
        return cast("ListContainerRecipesResponse", shown)

    def delete_container_recipe(
        self, request: DeleteContainerRecipeRequest, call: Call
    ) -> DeleteContainerRecipeResponse:
        """Delete a recipe that no pipeline uses (CTR-07)."""
        return {_ARN: storing.delete(self.database, request[_ARN], call, member=_ARN)}

    def _prepare(self, request: CreateContainerRecipeRequest, call: Call) -> PreparedRecipe:
        version = OpenVersion.parse(request["semanticVersion"])
        components = request.get("components", [])
        check_container_form(request["parentImage"])
        check_choice(components, components_max=self.components_max)
        _check_request(request, components)
        member, template = self.documents.read(request, call, data=_DATA, uri=_URI)
        check_template(template, member=member, has_components=bool(components))
        with self.database.read() as connection:
            parent = find_parent(connection, request["parentImage"], call)
            builds = find_components(connection, components, call)
        platform = _platform(request, parent, builds[0].platform if builds else None)
        check_components(
            self.documents,
            components,
            builds,
            call,
            platform=platform,
            os_version=request.get("imageOsVersionOverride", parent.os_version),
        )
        kept = self.documents.keep(Document(template, ()), request.get("kmsKeyId"), call)
        return PreparedRecipe(version, partial(_draft, request, platform, kept, call))

    def _store(
        self,
        connection: Connection,
        prepared: PreparedRecipe,
        request: CreateContainerRecipeRequest,
        call: Call,
    ) -> CreateContainerRecipeResponse:
        kind = Kind.CONTAINER_RECIPE
        stored = store_recipe(connection, kind, prepared, request, call, quota=self.quota)
        return {
            "containerRecipeArn": str(stored.arn),
            "latestVersionReferences": latest_version_references(stored.arn),
        }


def recipe_facts(stored: Stored) -> ContainerRecipe:
    """Show a recipe as it was given, but for its template, which may be sealed (CTR-06)."""
    shown = {
        **identity(stored),
        **given(stored.body, *_ECHOED),
        "dateCreated": stored.created_at,
        "encrypted": True,
        "tags": dict(stored.tags),
    }
    return cast("ContainerRecipe", shown)


def _summary(stored: Stored) -> ContainerRecipeSummary:
    facts = recipe_facts(stored)
    shown = given(
        facts,
        "arn",
        "containerType",
        "name",
        "platform",
        "owner",
        "parentImage",
        "dateCreated",
        "tags",
    )
    image = facts.get("instanceConfiguration", {}).get("image")
    if image is not None:
        shown["instanceImage"] = image
    return cast("ContainerRecipeSummary", shown)


def _draft(
    request: CreateContainerRecipeRequest,
    platform: str,
    template: Kept,
    call: Call,
    version: Version,
    text: str,
) -> Draft:
    return Draft(
        path=slug_of(request["name"]),
        version=version,
        version_text=text,
        name=request["name"],
        platform=platform,
        description=request.get("description"),
        body=given(request, *_ECHOED, "imageOsVersionOverride"),
        document=template.content,
        sealed_key=template.sealed_key,
        tags=request.get("tags", {}),
        created_at=iso_milliseconds(call.received_at),
    )


def _check_request(
    request: CreateContainerRecipeRequest, components: list[ComponentConfiguration]
) -> None:
    """Check what the request alone tells (CTR-01, CTR-04, CTR-05)."""
    _check_overrides(request)
    for index, component in enumerate(components):
        if Arn.parse(component["componentArn"]).account == "aws-marketplace":
            raise InvalidParameterValue(
                f"components[{index}].componentArn",
                "Container Recipes must not contain marketplace components.",
            )
    instance = request.get("instanceConfiguration", {})
    if "image" in instance and not is_machine_image(instance["image"]):
        raise InvalidParameterValue(
            "instanceConfiguration.image",
            "It must be an AMI id, or 'ssm:' with the name or ARN of a parameter.",
        )
    mappings = instance.get("blockDeviceMappings", ())
    check_devices(mappings, path="instanceConfiguration.blockDeviceMappings")
    check_repository(request["targetRepository"], path="targetRepository")


def _check_overrides(request: CreateContainerRecipeRequest) -> None:
    """Check what is said in the parent's place, in the words of the service (CTR-04)."""
    platform = request.get("platformOverride")
    if platform == "macOS":
        raise InvalidParameterValue("platformOverride", _NO_MACOS)
    if not is_registry_image(request["parentImage"]):
        for member, what in (
            ("platformOverride", "a platform"),
            ("imageOsVersionOverride", "an image OsVersion"),
        ):
            if member in request:
                raise InvalidParameterValue(
                    member,
                    f"You cannot specify {what} override when using an Image Builder Image as your "
                    "parent.",
                )
    elif platform is None and (kind := ecr_kind(request["parentImage"])):
        raise InvalidParameterValue(
            "parentImage",
            f"You must specify a platform override when using {kind} Repositories as your parent "
            "image.",
        )
    elif platform == "Windows" and "imageOsVersionOverride" not in request:
        raise InvalidParameterValue(
            "parentImage",
            "You must specify an image OsVersion override when using ECR Repositories as your "
            "parent image for Windows Platform.",
        )


def _platform(
    request: CreateContainerRecipeRequest, parent: Parent, component_platform: str | None
) -> str:
    """Return the recipe's platform: said, the parent's, or else that of the first component."""
    said = request.get("platformOverride") or parent.platform or component_platform or "Linux"
    if said == "macOS":
        raise InvalidParameterValue("parentImage", _NO_MACOS)
    return said


_NO_MACOS = "Container recipes don't currently support the macOS platform."
