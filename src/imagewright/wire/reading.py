"""From a request to the plain dict of its parameters: JSON, types, required members.

Members that the model does not know are ignored, and ``null`` is absent (BASE-04). Timestamps
stay epoch seconds. Readers are compiled from the shapes once per operation.
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from imagewright.errors import InvalidRequest
from imagewright.wire.messages import HttpRequest
from imagewright.wire.model import Member, ModelError, Operation, Shape, service
from imagewright.wire.places import Place

Reader = Callable[[object], Any]

_QUERY_FIELDS_MAX = 1000
_EPOCH_SECONDS_MAX = 253_402_300_799
"""The end of the year 9999, beyond which no date can be written."""


class _WrongType(Exception):
    def __init__(self, wanted: str, value: object) -> None:
        self.place = Place()
        self.wanted = wanted
        self.given = _JSON_NAMES.get(type(value), "another kind of value")


class _Missing(Exception):
    def __init__(self, member: str) -> None:
        self.place = Place()
        self.place.within_member(member)


_JSON_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def read_parameters(
    operation: Operation,
    request: HttpRequest,
    label: str | None,
    *,
    client_token_required: bool = True,
) -> dict[str, Any]:
    """Return the parameters of a request as botocore's client would have called them.

    Raises InvalidRequest for a malformed body or query, for values of the wrong JSON type and for
    missing members; a missing ``clientToken`` is made up instead where none is required (O-07).
    """
    given = _members_of(operation, request, label)
    token = _token_member(operation.input)
    if token is not None and not client_token_required and given.get(token) is None:
        given[token] = str(uuid4())
    try:
        parameters: dict[str, Any] = _reader(operation.input)(given)
    except _WrongType as error:
        raise InvalidRequest(
            f"The value of '{error.place}' must be {error.wanted}, not {error.given}."
        ) from None
    except _Missing as error:
        raise InvalidRequest(f"Missing required parameter: '{error.place}'.") from None
    return parameters


def load_json(body: bytes) -> object:
    """Parse a body. Raises InvalidRequest for anything that is not one clean JSON value."""
    try:
        text = body.decode("utf-8")
        value: object = _DECODER.decode(text)
        if "\\u" in text:
            # Half of a surrogate pair can be spelt in JSON, and stored nowhere.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise InvalidRequest("The request body is not UTF-8 text.") from None
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply.") from None
    except ValueError as error:
        raise InvalidRequest(f"Could not parse the request body into JSON: {error}") from None
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member of an object is given twice")
    return members


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant)


def _members_of(operation: Operation, request: HttpRequest, label: str | None) -> dict[str, Any]:
    """Gather the members from body, query and path, types unchecked."""
    shape = service().shapes[operation.input]
    locations = {member.location for member in shape.members}
    members = _body_members(request.body) if "body" in locations else {}
    if "querystring" in locations:
        members |= _query_members(shape, request.query)
    for member in shape.members:
        if member.location == "uri":
            members[member.wire_name] = label
    return members


def _body_members(body: bytes) -> dict[str, Any]:
    value = load_json(body) if body else {}
    if not isinstance(value, dict):
        raise InvalidRequest("The request body must be a JSON object.")
    return value


def _query_members(shape: Shape, query: bytes) -> dict[str, Any]:
    try:
        fields = parse_qsl(
            query.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_QUERY_FIELDS_MAX,
        )
    except UnicodeError:
        raise InvalidRequest("The query of the request is not UTF-8 text.") from None
    except ValueError:
        raise InvalidRequest(
            f"The query of the request has more than {_QUERY_FIELDS_MAX} fields."
        ) from None
    members: dict[str, Any] = {}
    for member in shape.members:
        values = [value for key, value in fields if key == member.wire_name]
        if member.location == "querystring" and values:
            members[member.wire_name] = _query_value(member, values)
    return members


def _query_value(member: Member, values: list[str]) -> str | list[str]:
    kind = service().shapes[member.shape].type
    if kind == "list":
        return values
    if kind != "string":
        raise ModelError(f"{member.name} is a {kind} in the query, which is not provided for")
    if len(values) > 1:
        raise InvalidRequest(f"The query gives '{member.wire_name}' more than once.")
    return values[0]


def _token_member(shape_name: str) -> str | None:
    members = service().shapes[shape_name].members
    return next((member.wire_name for member in members if member.is_token), None)


@cache
def _reader(shape_name: str) -> Reader:
    shape = service().shapes[shape_name]
    match shape.type:
        case "structure":
            return _structure_reader(shape)
        case "list":
            return _list_reader(_reader(shape.holds))
        case "map":
            return _map_reader(_reader(shape.holds))
        case "string":
            return _read_string
        case "boolean":
            return _read_boolean
        case "integer" | "long":
            return _read_integer
        case "double":
            return _read_number
        case "timestamp":
            return _read_timestamp
        case other:
            raise ModelError(f"{shape_name} is a {other}, which is not provided for")


def _structure_reader(shape: Shape) -> Reader:
    members = [(member.wire_name, member.name, _reader(member.shape)) for member in shape.members]

    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _WrongType("an object", value)
        result: dict[str, Any] = {}
        for wire_name, name, read_member in members:
            given = value.get(wire_name)
            if given is None:
                continue
            try:
                result[name] = read_member(given)
            except (_WrongType, _Missing) as error:
                error.place.within_member(name)
                raise
        for name in shape.required:
            if name not in result:
                raise _Missing(name)
        return result

    return read


def _list_reader(read_element: Reader) -> Reader:
    def read(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise _WrongType("a list", value)
        result = []
        for index, element in enumerate(value):
            try:
                result.append(read_element(element))
            except (_WrongType, _Missing) as error:
                error.place.within_list(index)
                raise
        return result

    return read


def _map_reader(read_value: Reader) -> Reader:
    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _WrongType("an object", value)
        result = {}
        for key, element in value.items():
            try:
                result[key] = read_value(element)
            except (_WrongType, _Missing) as error:
                error.place.within_map(key)
                raise
        return result

    return read


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongType("a string", value)
    return value


def _read_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongType("a boolean", value)
    return value


def _read_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _WrongType("a whole number", value)
    return value


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _WrongType("a number", value)
    if not math.isfinite(value):
        raise _WrongType("a finite number", value)
    return float(value)


def _read_timestamp(value: object) -> float:
    seconds = _read_number(value)
    if not 0 <= seconds <= _EPOCH_SECONDS_MAX:
        raise _WrongType("a time in seconds since 1970", value)
    return seconds
