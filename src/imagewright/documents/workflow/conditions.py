"""Conditions: what an ``if`` holds, and what it comes to (``workflow-documents.md`` §6)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from imagewright.documents.nodes import Plain, kind_of_value
from imagewright.documents.places import Span
from imagewright.documents.workflow.references import Root
from imagewright.documents.workflow.resolve import ResolveError, resolve
from imagewright.documents.workflow.scope import Scope, as_text
from imagewright.documents.workflow.templates import Leaf, Located, references_in


class Operator(StrEnum):
    """The seven comparisons."""

    BOOLEAN_EQUALS = "booleanEquals"
    NUMBER_EQUALS = "numberEquals"
    NUMBER_GREATER_THAN = "numberGreaterThan"
    NUMBER_GREATER_THAN_EQUALS = "numberGreaterThanEquals"
    NUMBER_LESS_THAN = "numberLessThan"
    NUMBER_LESS_THAN_EQUALS = "numberLessThanEquals"
    STRING_EQUALS = "stringEquals"


class Branch(StrEnum):
    """What combines conditions."""

    AND = "and"
    OR = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``value`` held against what stands beside the operator."""

    operator: Operator
    operand: Leaf
    value: Leaf
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    """True if every child is; the first false one ends the asking."""

    children: tuple["Condition", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    """True if any child is; the first true one ends the asking."""

    children: tuple["Condition", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """True if its child is not."""

    child: "Condition"
    span: Span


Condition: TypeAlias = Comparison | And | Or | Not


def evaluate(condition: Condition, scope: Scope) -> bool:
    """Say whether a condition holds.

    Raises ResolveError where a reference finds nothing or a side cannot be read as the
    operator's type; the step then fails, it is not skipped (§6.4).
    """
    match condition:
        case And():
            return all(evaluate(child, scope) for child in condition.children)
        case Or():
            return any(evaluate(child, scope) for child in condition.children)
        case Not():
            return not evaluate(condition.child, scope)
        case Comparison():
            return _compare(condition, scope)


def foresee(condition: Condition, scope: Scope) -> bool | None:
    """Say before the run whether a condition will hold; None: only the run will tell.

    ``scope`` knows the parameters and system variables. False means that the step will not
    run, whatever the outputs of steps and workflows turn out to be.
    """
    match condition:
        case And():
            foreseen = [foresee(child, scope) for child in condition.children]
            return False if False in foreseen else None if None in foreseen else True
        case Or():
            foreseen = [foresee(child, scope) for child in condition.children]
            return True if True in foreseen else None if None in foreseen else False
        case Not():
            inner = foresee(condition.child, scope)
            return None if inner is None else not inner
        case Comparison():
            return _foresee_comparison(condition, scope)


def references_of(condition: Condition) -> Iterator[Located]:
    """Give every reference of a condition, in order."""
    for comparison in comparisons_of(condition):
        yield from references_in(comparison.operand)
        yield from references_in(comparison.value)


def comparisons_of(condition: Condition) -> Iterator[Comparison]:
    """Give every comparison, in order."""
    match condition:
        case And() | Or():
            for child in condition.children:
                yield from comparisons_of(child)
        case Not():
            yield from comparisons_of(condition.child)
        case Comparison():
            yield condition


def children_of(condition: Condition) -> tuple[Condition, ...]:
    """Give the conditions that a branch combines; none for a comparison."""
    match condition:
        case And() | Or():
            return condition.children
        case Not():
            return (condition.child,)
        case Comparison():
            return ()


def read_side(operator: Operator, value: Plain) -> str | int | float | bool:
    """Read a value as an operator's type. Raises ValueError that says what it should be."""
    if operator is Operator.STRING_EQUALS:
        return as_text(value)
    if operator is Operator.BOOLEAN_EQUALS:
        return _as_truth(value)
    return _as_number(value)


def compare_values(operator: Operator, value: Plain, operand: Plain) -> bool:
    """Compare two values. Raises ValueError where one cannot be read as the operator's type."""
    return _HOLDS[operator](read_side(operator, value), read_side(operator, operand))


# The guide's own pattern would refuse a single digit, which its example uses (§6.2).
_NUMBER: Final = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?\Z")
_Side: TypeAlias = str | int | float | bool

# `value` is on the left: "value is greater than the operand" (§6.2).
_HOLDS: Final[Mapping[Operator, Callable[[_Side, _Side], bool]]] = {
    Operator.BOOLEAN_EQUALS: lambda value, operand: value == operand,
    Operator.STRING_EQUALS: lambda value, operand: value == operand,
    Operator.NUMBER_EQUALS: lambda value, operand: value == operand,
    Operator.NUMBER_GREATER_THAN: lambda value, operand: value > operand,  # type: ignore[operator]
    Operator.NUMBER_GREATER_THAN_EQUALS: lambda value, operand: value >= operand,  # type: ignore[operator]
    Operator.NUMBER_LESS_THAN: lambda value, operand: value < operand,  # type: ignore[operator]
    Operator.NUMBER_LESS_THAN_EQUALS: lambda value, operand: value <= operand,  # type: ignore[operator]
}


def _compare(comparison: Comparison, scope: Scope) -> bool:
    operand = _side(comparison.operator, comparison.operand, scope)
    value = _side(comparison.operator, comparison.value, scope)
    return _HOLDS[comparison.operator](value, operand)


def _side(operator: Operator, leaf: Leaf, scope: Scope) -> _Side:
    value = resolve(leaf, scope)
    try:
        return read_side(operator, value)
    except ValueError as error:
        raise ResolveError(f"`{operator}` {error}", leaf.span) from None


def _as_truth(value: Plain) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(f"compares truth values, not {_shown(value)}")


def _as_number(value: Plain) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.match(value):
        return float(value) if "." in value else int(value)
    raise ValueError(f"compares numbers, not {_shown(value)}")


def _shown(value: Plain) -> str:
    return f"the text `{value[:60]}`" if isinstance(value, str) else kind_of_value(value)


def _foresee_comparison(comparison: Comparison, scope: Scope) -> bool | None:
    roots = {
        located.reference.root
        for leaf in (comparison.operand, comparison.value)
        for located in references_in(leaf)
    }
    if roots & {Root.STEP_OUTPUTS, Root.WORKFLOW_OUTPUTS}:
        return None
    try:
        return _compare(comparison, scope)
    except ResolveError:
        return None
