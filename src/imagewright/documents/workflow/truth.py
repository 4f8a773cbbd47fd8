"""Whether a condition can come out either way, found by trying what its references may be.

A reference stands for one of a few values where its declaration names them (``imageType`` is
``AMI`` or ``DOCKER``), and else for each text or number that the condition compares it with, and
one more. What is neither may be true or false. A condition that is true under all of these is
always true; so a wrong answer is impossible, a missing one is not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Final, TypeAlias

from imagewright.documents.nodes import Plain
from imagewright.documents.shapes import Shape, Text, Truth
from imagewright.documents.shapes import Whole as WholeNumber
from imagewright.documents.workflow.conditions import (
    And,
    Comparison,
    Condition,
    Not,
    Operator,
    Or,
    compare_values,
    comparisons_of,
    read_side,
)
from imagewright.documents.workflow.references import Reference
from imagewright.documents.workflow.templates import Literal, Whole, raw_leaf

ShapeOf: TypeAlias = Callable[[Reference], Shape | None]

COMPARISONS_MAX: Final = 500
"""A condition whose cases take more comparisons than these is taken to come out either way."""


def constant(condition: Condition, shape_of: ShapeOf) -> bool | None:
    """Say what a condition always comes to; None: it may come out either way, or is broken."""
    try:
        return _constant(condition, shape_of)
    except ValueError:  # a side that cannot be read; another rule speaks of it
        return None


def free(condition: Condition, shape_of: ShapeOf) -> bool:
    """Tell whether each comparison may come out either way, whatever the others do.

    Then so may the condition and every part of it. Nearly all conditions are like that, and to
    see it is cheaper than to try all cases.
    """
    asked = [_Asked.of(each) for each in comparisons_of(condition)]
    if len({each.key for each in asked}) < len(asked):
        return False
    try:
        domains = _domains(asked, shape_of)
        return all(
            each.key is not None
            and len({each.holds({each.key: value}) for value in domains[each.key]}) > 1
            for each in asked
        )
    except ValueError:
        return False


def choices_of(shape: Shape | None) -> tuple[str, ...]:
    """List the texts a value of a shape may come to; empty if they cannot be listed."""
    match shape:
        case Text(choices):
            return choices
        case Truth():
            return ("true", "false")
        case _:
            return ()


def _constant(condition: Condition, shape_of: ShapeOf) -> bool | None:
    asked = {id(each): _Asked.of(each) for each in comparisons_of(condition)}
    domains = _domains(asked.values(), shape_of)
    cases = prod(len(values) for values in domains.values())
    if cases * len(asked) > COMPARISONS_MAX:
        return None
    found = {
        _holds(condition, asked, dict(zip(domains, case, strict=True)))
        for case in product(*domains.values())
    }
    return found.pop() if len(found) == 1 else None


_Key: TypeAlias = tuple[str, str]
"""What is varied, and how it is read."""
_Case: TypeAlias = Mapping[_Key, Plain]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comparison, with what it depends on."""

    comparison: Comparison
    key: _Key | None
    """None: both sides are known."""
    subject: tuple[Reference, Plain] | None

    @classmethod
    def of(cls, comparison: Comparison) -> "_Asked":
        subject = subject_of(comparison)
        return cls(comparison, _key(comparison, subject), subject)

    def holds(self, case: _Case) -> bool:
        if self.key is not None and self.subject is None:
            return bool(case[self.key])
        varied = None if self.key is None else case[self.key]
        value, operand = (
            side.value if isinstance(side, Literal) else varied
            for side in (self.comparison.value, self.comparison.operand)
        )
        return compare_values(self.comparison.operator, value, operand)


_AskedById: TypeAlias = Mapping[int, _Asked]


def subject_of(comparison: Comparison) -> tuple[Reference, Plain] | None:
    """The reference that a comparison holds against a literal, with the literal."""
    match comparison.value, comparison.operand:
        case Whole(reference), Literal(value):
            return reference, value
        case Literal(value), Whole(reference):
            return reference, value
        case _:
            return None


def _key(comparison: Comparison, subject: tuple[Reference, Plain] | None) -> _Key | None:
    if subject is not None:
        return str(subject[0]), _reading(comparison.operator)
    if isinstance(comparison.value, Literal) and isinstance(comparison.operand, Literal):
        return None
    sides = f"{raw_leaf(comparison.value)}\n{raw_leaf(comparison.operand)}"
    return sides, comparison.operator


def _reading(operator: Operator) -> str:
    if operator is Operator.STRING_EQUALS:
        return "text"
    return "truth" if operator is Operator.BOOLEAN_EQUALS else "number"


def _domains(asked: Iterable[_Asked], shape_of: ShapeOf) -> dict[_Key, tuple[Plain, ...]]:
    compared: dict[_Key, tuple[Shape | None, list[Plain]]] = {}
    domains: dict[_Key, tuple[Plain, ...]] = {}
    for each in asked:
        key, subject, comparison = each.key, each.subject, each.comparison
        if key is None:
            continue
        if subject is None:
            domains[key] = (True,) if _is_one(comparison) else (True, False)
        else:
            reference, literal = subject
            _, literals = compared.setdefault(key, (shape_of(reference), []))
            literals.append(read_side(comparison.operator, literal))
    for key, (shape, literals) in compared.items():
        domains[key] = tuple(_values(key[1], shape, literals))
    return domains


def _is_one(comparison: Comparison) -> bool:
    """Tell whether a reference is compared with itself by an operator which that satisfies."""
    return (
        isinstance(comparison.value, Whole)
        and isinstance(comparison.operand, Whole)
        and str(comparison.value.reference) == str(comparison.operand.reference)
        and comparison.operator not in (Operator.NUMBER_GREATER_THAN, Operator.NUMBER_LESS_THAN)
    )


def _values(reading: str, shape: Shape | None, literals: Sequence[Plain]) -> Iterator[Plain]:
    if reading == "truth":
        yield from (True, False)
    elif reading == "number":
        numbers = sorted({each for each in literals if isinstance(each, int | float)})
        yield from (-2 * abs(numbers[0]) - 1, *numbers, 2 * abs(numbers[-1]) + 1)
        for pair in pairwise(numbers):
            yield from _between(*pair)
    elif choices := choices_of(shape):
        yield from choices
    else:
        texts = sorted({str(each) for each in literals})
        if isinstance(shape, WholeNumber):
            texts = [text for text in texts if text.lstrip("-").isdecimal()]
        yield from texts
        yield "".join(texts) + "\0"


def _between(before: int | float, after: int | float) -> Iterator[int | float]:
    try:
        middle = before + (after - before) / 2
    except OverflowError:  # whole numbers that no float can hold
        middle = (int(before) + int(after)) // 2
    if before < middle < after:
        yield middle


def _holds(condition: Condition, asked: _AskedById, case: _Case) -> bool:
    match condition:
        case And():
            return all(_holds(child, asked, case) for child in condition.children)
        case Or():
            return any(_holds(child, asked, case) for child in condition.children)
        case Not():
            return not _holds(condition.child, asked, case)
        case Comparison():
            return asked[id(condition)].holds(case)
