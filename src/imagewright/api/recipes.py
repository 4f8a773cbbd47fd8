"""What image recipes and container recipes have in common (``api-behaviour.md`` §9.1, §9.2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from imagewright.api import lookup, storing
from imagewright.api.documents import Documents
from imagewright.api.parents import certain_build, find_parent
from imagewright.api.recipe_components import (
    check_fit,
    check_parameters,
    find_components,
    given_values,
)
from imagewright.api.shapes import (
    ComponentConfiguration,
    CreateContainerRecipeRequest,
    CreateImageRecipeRequest,
    InstanceBlockDeviceMapping,
)
from imagewright.arns import Kind, slug_of
from imagewright.call import Call
from imagewright.errors import InvalidParameterCombination
from imagewright.store import references
from imagewright.store import resources as store
from imagewright.store.resources import Draft, Stored
from imagewright.versions import OpenVersion, Version

_PROVISIONED = {"io1", "io2"}
"""Volume types that need ``iops`` (RCP-14)."""


@dataclass(frozen=True, slots=True)
class PreparedRecipe:
    """A recipe whose values are checked: a draft as soon as its version is known."""

    version: Version | OpenVersion
    draft: Callable[[Version, str], Draft]
    """Of the version's numbers, and of its text."""


def check_components(
    documents: Documents,
    components: Sequence[ComponentConfiguration],
    builds: Sequence[Stored],
    call: Call,
    *,
    platform: str,
    os_version: str | None,
) -> None:
    """Check what a recipe makes of its components: ``builds`` are what it means now.

    Raises InvalidParameterValue, InvalidParameterCombination (RCP-06 to RCP-12).
    """
    check_fit(builds, platform=platform, os_version=os_version)
    for index, (component, build) in enumerate(zip(components, builds, strict=True)):
        document = documents.open(build, call)
        check_parameters(index, document, given_values(component))


def check_devices(mappings: Sequence[InstanceBlockDeviceMapping], *, path: str) -> None:
    """Check what one member of a volume asks of another (RCP-14).

    ``path`` is where the mappings stand in the request. Raises InvalidParameterCombination.
    """
    for index, mapping in enumerate(mappings):
        volume: Mapping[str, Any] = mapping.get("ebs", {})
        kind = volume.get("volumeType")
        member = f"{path}[{index}].ebs"
        if kind in _PROVISIONED and "iops" not in volume:
            raise InvalidParameterCombination(
                f"The parameter '{member}.iops' must be given for the volume type {kind}."
            )
        if "throughput" in volume and kind not in {None, "gp3"}:
            raise InvalidParameterCombination(
                f"The parameter '{member}.throughput' is for the volume type gp3, not {kind}."
            )


def store_recipe(
    connection: Connection,
    kind: Kind,
    prepared: PreparedRecipe,
    request: CreateImageRecipeRequest | CreateContainerRecipeRequest,
    call: Call,
    *,
    quota: int,
) -> Stored:
    """Store a recipe under a version of its own, or under the next one, with what it refers to.

    Raises ResourceAlreadyExists (VER-06), InvalidVersionNumber (VER-11), ServiceQuotaExceeded,
    and ResourceNotFound for what is referred to and no longer there.
    """
    parent = find_parent(connection, request["parentImage"], call)
    components = request.get("components", [])
    find_components(connection, components, call)
    stored = _add(connection, kind, prepared, request, call, quota)
    targets = [component["componentArn"] for component in components]
    targets += certain_build(parent, request["parentImage"])
    references.record(connection, str(stored.arn), targets)
    return stored


def _add(
    connection: Connection,
    kind: Kind,
    prepared: PreparedRecipe,
    request: CreateImageRecipeRequest | CreateContainerRecipeRequest,
    call: Call,
    quota: int,
) -> Stored:
    if isinstance(prepared.version, Version):
        draft = prepared.draft(prepared.version, request["semanticVersion"])
        return storing.add(connection, call, kind, draft, quota=quota, how=store.add_only)
    place = lookup.own_place(call, kind)
    slug = slug_of(request["name"])
    stored = store.add_next(connection, place, slug, prepared.version, prepared.draft)
    storing.check_quota(connection, place, quota)
    return stored
