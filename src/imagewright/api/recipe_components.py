"""The components of a recipe: found, and checked to fit it and one another (RCP-06 to RCP-12)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.component_documents import allowed_values
from imagewright.api.documents import Document
from imagewright.api.shapes import ComponentConfiguration
from imagewright.arns import Arn
from imagewright.call import Call
from imagewright.documents.component.variables import not_allowed
from imagewright.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    ServiceQuotaExceeded,
)
from imagewright.store.resources import Stored


def check_choice(components: Sequence[ComponentConfiguration], *, components_max: int) -> None:
    """Check what the request alone tells: each component once, each parameter one value.

    Raises InvalidParameterValue, ServiceQuotaExceeded.
    """
    # Earlier than other quotas, so that nobody makes us look up ten thousand components.
    if len(components) > components_max:
        raise ServiceQuotaExceeded("components per recipe", components_max)
    seen: set[tuple[str, str]] = set()
    for index, component in enumerate(components):
        arn = Arn.parse(component["componentArn"])
        if (arn.account, arn.path) in seen:
            raise InvalidParameterValue(
                _member(index), "A recipe can hold a component once, whatever the version."
            )
        seen.add((arn.account, arn.path))
        _check_values(index, component)


def find_components(
    connection: Connection, components: Sequence[ComponentConfiguration], call: Call
) -> list[Stored]:
    """Return the build that each reference means now, in the recipe's order.

    Raises ResourceNotFound (ERR-26), InvalidParameterValue (VER-14).
    """
    return [
        lookup.find(connection, component["componentArn"], call, member=_member(index))
        for index, component in enumerate(components)
    ]


def check_fit(builds: Sequence[Stored], *, platform: str, os_version: str | None) -> None:
    """Check that components may be used, and on this platform and system (RCP-06, RCP-10).

    Raises InvalidParameterValue.
    """
    for index, build in enumerate(builds):
        if build.status != "ACTIVE":
            raise InvalidParameterValue(
                _member(index), f"The component {build.arn} is {str(build.status).lower()}."
            )
        if build.platform != platform:
            raise InvalidParameterValue(
                _member(index),
                f"The component is for {build.platform}, the recipe's parent image is {platform}.",
            )
        systems = build.body.get("supportedOsVersions")
        if systems and os_version and not os_version.startswith(tuple(systems)):
            raise InvalidParameterValue(
                _member(index),
                f"The component supports {', '.join(systems)}; the parent image is {os_version}.",
            )


def given_values(component: ComponentConfiguration) -> dict[str, str]:
    """Return the values that a recipe gives a component, of which each was found to be one."""
    return {entry["name"]: entry["value"][0] for entry in component.get("parameters", ())}


def check_parameters(index: int, document: Document, given: Mapping[str, str]) -> None:
    """Check the values for one component against what its document declares (RCP-12, O-25).

    Raises InvalidParameterCombination for undefined and missing ones (ERR-22), and
    InvalidParameterValue for a value that is not among those allowed.
    """
    declared = {parameter["name"]: parameter for parameter in document.parameters}
    if undefined := [name for name in given if name not in declared]:
        raise _mismatch(
            index, "The following parameters are not defined in the provided component", undefined
        )
    required = [name for name, parameter in declared.items() if "defaultValue" not in parameter]
    if missing := [name for name in required if name not in given]:
        raise _mismatch(
            index, "The following parameters have no default and must be given a value", missing
        )
    for name, value in given.items():
        _check_allowed(index, declared[name], value)


def _check_values(index: int, component: ComponentConfiguration) -> None:
    names: set[str] = set()
    for place, entry in enumerate(component.get("parameters", ())):
        path = f"components[{index}].parameters[{place}]"
        if len(entry["value"]) != 1:
            raise InvalidParameterValue(f"{path}.value", "It must hold exactly one element.")
        if entry["name"] in names:
            raise InvalidParameterValue(
                f"{path}.name", f"The parameter '{entry['name']}' is given twice."
            )
        names.add(entry["name"])


def _check_allowed(index: int, parameter: Mapping[str, Any], value: str) -> None:
    allowed = allowed_values(parameter)
    if not_allowed(parameter["type"], value, allowed) is not None:
        raise InvalidParameterValue(
            f"components[{index}].parameters",
            f"The parameter '{parameter['name']}' must be one of: {', '.join(allowed)}.",
        )


def _mismatch(index: int, what: str, names: Sequence[str]) -> InvalidParameterCombination:
    return InvalidParameterCombination(
        f"The value supplied for parameter 'components[{index}].parameters' is not valid. "
        f"{what}: {', '.join(names)}"
    )


def _member(index: int) -> str:
    return f"components[{index}].componentArn"
