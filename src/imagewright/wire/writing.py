"""From a handler's response to JSON: the model's members and nothing else.

A member whose value is None is left out (WIRE-10). One that the model does not know, or of the
wrong type, is a defect of ours and is raised, never dropped. Timestamps are written as the
handler gives them: text where the model has a string, epoch seconds where it has a timestamp
(WIRE-08).
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from imagewright.wire.model import ModelError, Operation, Shape, service

Writer = Callable[[Any], Any]

_REQUEST_ID = "requestId"
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class ResponseError(Exception):
    """A handler answered with what the model does not allow: a defect, shown as InternalFailure."""


def write_response(operation: Operation, response: Mapping[str, Any], request_id: str) -> bytes:
    """Return the body of a successful answer, with the request id where it has one (WIRE-09).

    Raises ResponseError.
    """
    if _echoes_request_id(operation.output):
        response = {**response, _REQUEST_ID: request_id}
    return _encode(_writer(operation.output)(response)).encode("utf-8")


@cache
def _echoes_request_id(shape_name: str) -> bool:
    return any(member.name == _REQUEST_ID for member in service().shapes[shape_name].members)


@cache
def _writer(shape_name: str) -> Writer:
    shape = service().shapes[shape_name]
    match shape.type:
        case "structure":
            return _structure_writer(shape)
        case "list":
            return _list_writer(shape)
        case "map":
            return _map_writer(shape)
        case "string":
            return _leaf_writer(shape_name, str)
        case "boolean":
            return _leaf_writer(shape_name, bool)
        case "integer" | "long" | "double" | "timestamp":
            return _number_writer(shape)
        case other:
            raise ModelError(f"{shape_name} is a {other}, which is not provided for")


def _structure_writer(shape: Shape) -> Writer:
    members = {member.name: (member.wire_name, _writer(member.shape)) for member in shape.members}

    def write(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ResponseError(f"{shape.name} is a structure, not {value!r:.80}")
        result = {}
        for name, given in value.items():
            if name not in members:
                raise ResponseError(f"{shape.name} has no member {name!r}")
            if given is not None:
                wire_name, write_member = members[name]
                result[wire_name] = write_member(given)
        return result

    return write


def _list_writer(shape: Shape) -> Writer:
    write_element = _writer(shape.holds)

    def write(value: object) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise ResponseError(f"{shape.name} is a list, not {value!r:.80}")
        return [write_element(element) for element in value]

    return write


def _map_writer(shape: Shape) -> Writer:
    write_key, write_value = _leaf_writer(f"a key of {shape.name}", str), _writer(shape.holds)

    def write(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ResponseError(f"{shape.name} is a map, not {value!r:.80}")
        return {write_key(key): write_value(element) for key, element in value.items()}

    return write


def _leaf_writer(name: str, kind: type) -> Writer:
    def write(value: object) -> object:
        if not isinstance(value, kind):
            raise ResponseError(f"{name} is a {kind.__name__}, not {value!r:.80}")
        return value

    return write


def _number_writer(shape: Shape) -> Writer:
    kinds = int if shape.type in {"integer", "long"} else (int, float)

    def write(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            raise ResponseError(f"{shape.name} is a {shape.type}, not {value!r:.80}")
        return value

    return write
