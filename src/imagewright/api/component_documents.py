"""Component documents at the API's edge: checked at creation, read back from the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from imagewright.api.documents import Document
from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component, Parameter
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.reading import ADMITTED
from imagewright.documents.specs import ModuleSpec, Platform
from imagewright.errors import InvalidParameterValue

ComponentType = Literal["BUILD", "TEST"]


@dataclass(frozen=True, slots=True)
class CheckedComponent:
    """A document that was found good, and its type (CRT-12)."""

    document: Document
    type: ComponentType


class ComponentChecker:
    """Checks component documents against a table of modules."""

    def __init__(self, modules: Mapping[str, ModuleSpec]) -> None:
        self._modules = modules

    def check(self, text: str, platform: str, member: str) -> CheckedComponent:
        """Check a text for a platform (CRT-43).

        Raises InvalidParameterValue for the member that carried the text, with everything that
        is wrong with it (CRT-41).
        """
        checked = load_component(
            text, modules=self._modules, platform=Platform(platform), budget=ADMITTED
        )
        if checked.component is None:
            raise InvalidParameterValue(member, wire_message(checked.findings))
        return CheckedComponent(
            Document(text, _parameters(checked.component)), checked.component.type
        )


def shown_parameters(document: Document) -> list[dict[str, Any]]:
    """Return a document's parameters as the API has them."""
    return [
        {name: value for name, value in parameter.items() if name != _ALLOWED}
        for parameter in document.parameters
    ]


def allowed_values(parameter: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values that a kept parameter may have; empty: any."""
    return tuple(parameter.get(_ALLOWED, ()))


def wrapped_script(script: str, *, name: str, type: ComponentType, platform: str) -> str:  # noqa: A002 - as the wire calls it
    """Write a document whose one step runs a script (CRT-60, CRT-61)."""
    action = "ExecutePowerShell" if platform == Platform.WINDOWS else "ExecuteBash"
    step = {"name": "ExecuteScript", "action": action, "inputs": {"commands": [script]}}
    document = {
        "name": name,
        "schemaVersion": 1.0,
        "phases": [{"name": type.lower(), "steps": [step]}],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


_ALLOWED = "allowedValues"
"""Kept beside what the API shows of a parameter: recipes are checked against it (O-25)."""


def _parameters(component: Component) -> tuple[Mapping[str, Any], ...]:
    return tuple(_parameter(parameter) for parameter in component.parameters)


def _parameter(parameter: Parameter) -> Mapping[str, Any]:
    kept: dict[str, Any] = {"name": parameter.name, "type": parameter.type}
    if parameter.default is not None:
        kept["defaultValue"] = list(parameter.default)
    if parameter.description:
        kept["description"] = parameter.description
    if parameter.allowed_values:
        kept[_ALLOWED] = list(parameter.allowed_values)
    return kept
