"""The service model: operations, shapes and errors of ``imagebuilder`` as botocore publishes them.

The file is read straight from the installed botocore, whose own loader would take ten times as
long; what it gets wrong is put right by ``corrections.json``, each entry with its reason.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

API_VERSION = "2019-12-02"

Location = Literal["body", "uri", "querystring"]


class ModelError(Exception):
    """The model is missing, or holds something that this package cannot serve."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure."""

    name: str
    wire_name: str
    """Its key in JSON, in the query or in the path's template."""
    shape: str
    location: Location
    is_token: bool
    """Whether clients fill it with a fresh UUID (``clientToken``)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of the model; other shapes are referred to by name."""

    name: str
    type: str
    """``structure list map string integer long double boolean`` or ``timestamp``."""
    members: tuple[Member, ...]
    required: tuple[str, ...]
    element: str | None
    key: str | None
    minimum: float | None
    """Of a number its value, of a string its characters, of a list or map its entries."""
    maximum: float | None
    pattern: str | None
    enum: tuple[str, ...]

    @property
    def holds(self) -> str:
        """The shape of a list's elements, or of a map's values. Raises ModelError for others."""
        if self.element is None:
            raise ModelError(f"the {self.type} {self.name} holds nothing")
        return self.element

    @property
    def keyed_by(self) -> str:
        """The shape of a map's keys. Raises ModelError for others."""
        if self.key is None:
            raise ModelError(f"the {self.type} {self.name} has no keys")
        return self.key


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the 77 operations."""

    name: str
    method: str
    uri: str
    """``/CreateWorkflow`` or ``/tags/{resourceArn}``."""
    input: str
    output: str
    errors: tuple[str, ...]
    """Codes of the modelled errors."""


@dataclass(frozen=True, slots=True)
class Service:
    """The whole model."""

    operations: Mapping[str, Operation]
    shapes: Mapping[str, Shape]
    statuses: Mapping[str, int]
    """The HTTP status of every modelled error, by its code."""


@cache
def service() -> Service:
    """Return the corrected model; the file is read once. Raises ModelError."""
    raw = published_model()
    for correction in corrections():
        correct(raw, correction)
    shapes = {name: _shape(name, shape) for name, shape in raw["shapes"].items()}
    operations = {name: _operation(operation) for name, operation in raw["operations"].items()}
    statuses = {
        name: shape["error"]["httpStatusCode"]
        for name, shape in raw["shapes"].items()
        if shape.get("exception")
    }
    return Service(operations, shapes, statuses)


def published_model() -> dict[str, Any]:
    """Read the model as botocore ships it. Raises ModelError."""
    folder = resources.files("botocore") / "data" / "imagebuilder" / API_VERSION
    packed, plain = folder / "service-2.json.gz", folder / "service-2.json"
    if packed.is_file():
        content = gzip.decompress(packed.read_bytes())
    elif plain.is_file():
        content = plain.read_bytes()
    else:
        raise ModelError(f"the installed botocore has no imagebuilder model {API_VERSION}")
    model: dict[str, Any] = json.loads(content)
    return model


def corrections() -> list[dict[str, Any]]:
    """Read the corrections: ``at`` (a path of keys), ``set`` or ``append``, and ``reason``."""
    text = (resources.files("imagewright.wire") / "corrections.json").read_text("utf-8")
    entries: list[dict[str, Any]] = json.loads(text)
    return entries


def correct(raw: dict[str, Any], correction: Mapping[str, Any]) -> None:
    """Apply one correction in place. Raises ModelError where its path leads nowhere."""
    *parents, last = correction["at"]
    place = raw
    try:
        for key in parents:
            place = place[key]
        if "append" in correction:
            place[last] = [*place[last], *correction["append"]]
        else:
            place[last] = correction["set"]
    except KeyError as error:
        raise ModelError(f"the correction at {correction['at']} fits no model: {error}") from error


def _shape(name: str, raw: Mapping[str, Any]) -> Shape:
    element = raw.get("member") or raw.get("value")
    return Shape(
        name=name,
        type=raw["type"],
        members=tuple(_member(key, member) for key, member in raw.get("members", {}).items()),
        required=tuple(raw.get("required", ())),
        element=element["shape"] if element else None,
        key=raw["key"]["shape"] if "key" in raw else None,
        minimum=raw.get("min"),
        maximum=raw.get("max"),
        pattern=raw.get("pattern"),
        enum=tuple(raw.get("enum", ())),
    )


def _member(name: str, raw: Mapping[str, Any]) -> Member:
    return Member(
        name=name,
        wire_name=raw.get("locationName", name),
        shape=raw["shape"],
        location=raw.get("location", "body"),
        is_token=raw.get("idempotencyToken", False),
    )


def _operation(raw: Mapping[str, Any]) -> Operation:
    return Operation(
        name=raw["name"],
        method=raw["http"]["method"],
        uri=raw["http"]["requestUri"],
        input=raw["input"]["shape"],
        output=raw["output"]["shape"],
        errors=tuple(error["shape"] for error in raw.get("errors", ())),
    )
