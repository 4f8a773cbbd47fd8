"""Every constraint of the model, checked on parameters whose types are right.

The server is the only checker of maxima, patterns and enums (WIRE-07). A pattern must match the
whole value, with ASCII classes. All patterns of the model match in time linear in the value
(a test holds that), so the standard library's engine is safe here; lengths are checked first.
Checkers are compiled once per shape; a shape without constraints has none.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from imagewright.errors import InvalidParameter, InvalidParameterValue
from imagewright.wire.model import Operation, Shape, service
from imagewright.wire.places import Place, shortened

Checker = Callable[[Any], None]

_RANGES = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


class _Violation(Exception):
    def __init__(self, reason: str) -> None:
        self.place = Place()
        self.reason = reason


def check_parameters(operation: Operation, parameters: dict[str, Any]) -> None:
    """Check parameters against the model, members in its order; the first violation counts.

    Raises InvalidParameterValue in the service's wording (ERR-20, ERR-21, ERR-25), and
    InvalidParameter from the operations that model that one instead (TAG-01).
    """
    check = _checker(operation.input)
    if check is None:
        return
    try:
        check(parameters)
    except _Violation as violation:
        reason = f"{violation.place.last} {violation.reason}"
        error = InvalidParameterValue(str(violation.place), reason)
        if InvalidParameter.code in operation.errors:
            raise InvalidParameter(str(error)) from None
        raise error from None


@cache
def _checker(shape_name: str) -> Checker | None:
    shape = service().shapes[shape_name]
    match shape.type:
        case "structure":
            return _structure_checker(shape)
        case "list":
            return _list_checker(shape)
        case "map":
            return _map_checker(shape)
        case "string":
            return _string_checker(shape)
        case "integer" | "long" | "double":
            return _number_checker(shape)
        case _:
            return None


def _structure_checker(shape: Shape) -> Checker | None:
    found = [(member.name, _checker(member.shape)) for member in shape.members]
    members = [(name, check) for name, check in found if check is not None]
    if not members:
        return None

    def check_members(value: dict[str, Any]) -> None:
        for name, check in members:
            if name in value:
                try:
                    check(value[name])
                except _Violation as violation:
                    violation.place.within_member(name)
                    raise

    return check_members


def _list_checker(shape: Shape) -> Checker | None:
    check_size = _size_checker(shape)
    check_element = _checker(shape.holds)
    if check_element is None:
        return check_size

    def check_elements(value: list[Any]) -> None:
        for index, element in enumerate(value):
            try:
                check_element(element)
            except _Violation as violation:
                violation.place.within_list(index)
                raise

    return _all_of(check_size, check_elements)


def _map_checker(shape: Shape) -> Checker | None:
    check_key = _checker(shape.keyed_by)
    check_value = _checker(shape.holds)

    def check_entries(value: dict[str, Any]) -> None:
        for key, element in value.items():
            _check_entry(key, element, check_key, check_value)

    return _all_of(_size_checker(shape), check_entries)


def _check_entry(
    key: str, element: object, check_key: Checker | None, check_value: Checker | None
) -> None:
    if check_key is not None:
        try:
            check_key(key)
        except _Violation as violation:
            # The key has no path of its own: the map is what is not valid.
            raise _Violation(f"key '{shortened(key)}' {violation.reason}") from None
    if check_value is not None:
        try:
            check_value(element)
        except _Violation as violation:
            violation.place.within_map(key)
            raise


def _string_checker(shape: Shape) -> Checker | None:
    return _all_of(_size_checker(shape), _enum_checker(shape.enum), _pattern_checker(shape.pattern))


def _enum_checker(values: Iterable[str]) -> Checker | None:
    allowed = frozenset(values)
    if not allowed:
        return None
    reason = f"must satisfy enum value set: [{', '.join(values)}]"

    def check(value: str) -> None:
        if value not in allowed:
            raise _Violation(reason)

    return check


def _pattern_checker(pattern: str | None) -> Checker | None:
    if pattern is None:
        return None
    matches = re.compile(pattern, re.ASCII).fullmatch
    reason = f"must match pattern {pattern}"

    def check(value: str) -> None:
        if matches(value) is None:
            raise _Violation(reason)

    return check


def _size_checker(shape: Shape) -> Checker | None:
    """Check the characters of a string (not its bytes, CRT-02), or the entries of the others."""
    if shape.minimum is None and shape.maximum is None:
        return None
    least, most = shape.minimum or 0, shape.maximum
    what = "length" if shape.type == "string" else "size"

    def check(value: str | list[Any] | dict[str, Any]) -> None:
        if len(value) < least:
            raise _Violation(f"must have {what} greater than or equal to {least}")
        if most is not None and len(value) > most:
            raise _Violation(f"must have {what} less than or equal to {most}")

    return check


def _number_checker(shape: Shape) -> Checker | None:
    low, high = _RANGES.get(shape.type, (None, None))
    least = shape.minimum if shape.minimum is not None else low
    most = shape.maximum if shape.maximum is not None else high

    def check(value: float) -> None:
        if least is not None and value < least:
            raise _Violation(f"must have value greater than or equal to {least}")
        if most is not None and value > most:
            raise _Violation(f"must have value less than or equal to {most}")

    return check


def _all_of(*checkers: Checker | None) -> Checker | None:
    """Make one checker of several; none of none."""
    present = tuple(checker for checker in checkers if checker is not None)
    if len(present) <= 1:
        return present[0] if present else None

    def check(value: object) -> None:
        for checker in present:
            checker(value)

    return check
