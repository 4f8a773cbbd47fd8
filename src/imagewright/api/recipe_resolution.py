"""A recipe at the start of a build: every reference made concrete (VER-20, IMG-06)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.container_recipes import recipe_facts
from imagewright.api.image_recipes import recipe_entry
from imagewright.api.parents import Parent, find_parent
from imagewright.api.recipe_components import find_components, given_values
from imagewright.api.shapes import ComponentConfiguration, ContainerRecipe, ImageRecipe
from imagewright.arns import Kind
from imagewright.call import Call
from imagewright.errors import InvalidRequest
from imagewright.store.resources import Stored

ShownRecipe = ImageRecipe | ContainerRecipe


@dataclass(frozen=True, slots=True)
class ResolvedComponent:
    """One component of a recipe."""

    build: Stored
    """Its ARN is the concrete build's; its document is as kept, perhaps sealed."""
    given: Mapping[str, str]
    """The parameters' values that the recipe gives."""


@dataclass(frozen=True, slots=True)
class ResolvedRecipe:
    """All that a build takes from a recipe, fixed at one moment."""

    stored: Stored
    shown: ShownRecipe
    """As the image shows it: components, and a parent of the caller's, by their build ARNs.

    A container recipe's template is not in it: that may be sealed.
    """
    platform: str
    parent: Parent
    components: tuple[ResolvedComponent, ...]
    """In the order in which they run."""

    @property
    def is_for_containers(self) -> bool:
        """Whether it is a container recipe, and not an image recipe."""
        return self.stored.arn.kind is Kind.CONTAINER_RECIPE


def resolve_recipe(
    connection: Connection, call: Call, text: str, *, member: str = "imageRecipeArn"
) -> ResolvedRecipe:
    """Return the recipe of either kind that an ARN means now, with everything it refers to.

    A parent that is none of the caller's images stays as given: the catalogue of base images
    knows what it stands for. Whether the parameters still fit the components is for
    ``recipe_components.check_parameters`` to say, once the documents are open.
    Raises ResourceNotFound for the recipe or what it refers to, InvalidParameterValue (VER-14),
    and InvalidRequest if the parent is disabled (O-28).
    """
    stored = lookup.find(connection, text, call, member=member)
    is_for_containers = stored.arn.kind is Kind.CONTAINER_RECIPE
    shown: ShownRecipe = recipe_facts(stored) if is_for_containers else recipe_entry(stored)
    references = shown.get("components", [])
    parent = find_parent(connection, shown["parentImage"], call)
    if parent.image is not None and parent.image.status == "DISABLED":
        raise InvalidRequest(f"The parent image {parent.image.arn} is disabled.")
    builds = find_components(connection, references, call)
    components = tuple(
        ResolvedComponent(build, given_values(reference))
        for reference, build in zip(references, builds, strict=True)
    )
    return ResolvedRecipe(
        stored, _concrete(shown, parent, builds), stored.platform or "Linux", parent, components
    )


def _concrete(shown: ShownRecipe, parent: Parent, builds: list[Stored]) -> ShownRecipe:
    concrete = dict(shown)
    if parent.image is not None:
        concrete["parentImage"] = str(parent.image.arn)
    if builds:
        concrete["components"] = [
            cast("ComponentConfiguration", {**reference, "componentArn": str(build.arn)})
            for reference, build in zip(shown["components"], builds, strict=True)
        ]
    return cast("ShownRecipe", concrete)
