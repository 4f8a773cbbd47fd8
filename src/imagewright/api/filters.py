"""Filters of lists: values of one are alternatives, several must all hold (section 6.2)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, false, func, literal, or_

from imagewright.errors import InvalidParameterValue
from imagewright.store.resources import Conditions
from imagewright.store.tables import resources

FilterMeaning = Callable[[str], ColumnElement[bool]]
"""Turns one value of a filter into a condition on the table of resources."""


def equals(column: ColumnElement[Any]) -> FilterMeaning:
    """Mean entries whose column holds exactly the value."""
    return lambda value: column == value


def equals_member(name: str) -> FilterMeaning:
    """Mean entries that have a text member of exactly the value."""
    return lambda value: resources.c.body[name].as_string() == value


def has_item(name: str) -> FilterMeaning:
    """Mean entries that have the value among the texts of a list member.

    In JSON a text stands between quotes that cannot occur within it, so looking for it in the
    text of the whole list finds whole items, on every database alike.
    """
    items = func.coalesce(resources.c.body[name].as_string(), "")

    def meaning(value: str) -> ColumnElement[bool]:
        if not value.strip(" ,"):
            return false()  # what stands between items is none
        return func.replace(items, json.dumps(value), "") != items

    return meaning


def by_name(value: str) -> ColumnElement[bool]:
    """Mean names as stored; ``web*`` is a beginning, ``*web*`` a part (FLT-03, NAM-04)."""
    column = resources.c.name
    if len(value) > 2 and value.startswith("*") and value.endswith("*"):
        # Unlike LIKE, this heeds case on both databases.
        return func.replace(column, value[1:-1], "") != column
    if len(value) > 1 and value.endswith("*"):
        beginning = value[:-1]
        return func.substr(column, 1, len(beginning)) == literal(beginning)
    return column == value


def by_version(value: str) -> ColumnElement[bool]:
    """Mean versions node by node as numbers, the build too; trailing ``x`` is any (FLT-11)."""
    version, _, build = value.partition("/")
    nodes = version.split(".")
    numbers = [node for node in nodes if node != "x"]
    well_formed = len(nodes) == 3 and nodes == numbers + ["x"] * (3 - len(numbers))
    if not well_formed or not all(_is_node(number) for number in [*numbers, build or "0"]):
        return false()
    columns: Sequence[ColumnElement[int]] = (
        resources.c.major,
        resources.c.minor,
        resources.c.patch,
    )
    clauses = [column == int(number) for column, number in zip(columns, numbers, strict=False)]
    if build:
        clauses.append(resources.c.build == int(build))
    return and_(*clauses) if clauses else literal(1, Integer) == 1


def conditions(request: Mapping[str, Any], meanings: Mapping[str, FilterMeaning]) -> Conditions:
    """Turn a request's ``filters`` into conditions.

    Raises InvalidParameterValue for a name that the list does not know (FLT-04).
    """
    clauses = []
    for index, entry in enumerate(request.get("filters", ())):
        name = entry.get("name", "")
        meaning = meanings.get(name)
        if meaning is None:
            known = ", ".join(sorted(meanings))
            raise InvalidParameterValue(
                f"filters[{index}].name", f"This list can be filtered by: {known}."
            )
        clauses.append(or_(*(meaning(value) for value in entry.get("values", ())), false()))
    return Conditions(clauses=tuple(clauses))


def _is_node(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10
