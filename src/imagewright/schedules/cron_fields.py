"""The six fields of a cron expression, read with positions for messages (PIP-10 to PIP-14)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Days = Callable[[date], bool]
"""Tells whether a schedule runs on a day."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_SATURDAY, _SUNDAY = 6, 7


class CronError(Exception):
    """A cron expression that says nothing; in the words and the numbering of the service."""

    def __init__(self, position: int, details: str) -> None:
        """``position`` counts characters within the parentheses, from 0."""
        self.position = position
        super().__init__(
            f"Invalid CRON expression: error at position {position}, details: {details}"
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """What may stand in a field."""

    name: str
    low: int
    high: int
    names: Mapping[str, int]
    signs: str
    """The special characters that it takes beside ``, - * /``."""
    wraps: bool = True
    """Whether a range may go past the end: ``FRI-MON``, ``22-2``."""


def _numbered(names: Sequence[str]) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names, 1)}


_KINDS = (
    _Kind("minute", 0, 59, {}, ""),
    _Kind("hour", 0, 23, {}, ""),
    _Kind("day of the month", 1, 31, {}, "?LW"),
    _Kind("month", 1, 12, _numbered(_MONTHS), ""),
    _Kind("day of the week", 1, 7, _numbered(_WEEKDAYS), "?L#"),
    _Kind("year", 1970, 2199, {}, "", wraps=False),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it was written."""

    text: str
    position: int
    kind: _Kind

    @property
    def is_open(self) -> bool:
        """Whether it says nothing: ``?``."""
        return self.text == "?"

    def error(self, offset: int, details: str) -> CronError:
        """Return the error of what stands at an offset of the field."""
        return CronError(self.position + offset, details)


def split_fields(text: str) -> Sequence[Field]:
    """Cut what stands within the parentheses into six fields. Raises CronError (PIP-12)."""
    found = list(re.finditer(r"\S+", text))
    if len(found) < len(_KINDS):
        raise CronError(len(text), "Unexpected end of expression.")
    if len(found) > len(_KINDS):
        raise CronError(found[len(_KINDS)].start(), "Unexpected text behind the sixth field.")
    return [Field(m[0], m.start(), kind) for m, kind in zip(found, _KINDS, strict=True)]


def numbers(field: Field) -> frozenset[int]:
    """Return the numbers that a field names. Raises CronError."""
    return frozenset(number for number in _numbers(field))


def days_of_month(field: Field) -> Days:
    """Read the day of the month, which is not ``?``. Raises CronError."""
    text = field.text.upper()
    if text == "L":
        return lambda day: _next_day(day).day == 1
    if text == "LW":
        return lambda day: day == _last_workday(day)
    if match := re.fullmatch(r"([0-9]+)W", text):
        wanted = _in_range(field, 0, match[1])
        return lambda day: day == _nearest_workday(day, wanted)
    wanted_days = numbers(field)
    return lambda day: day.day in wanted_days


def days_of_week(field: Field) -> Days:
    """Read the day of the week, which is not ``?``. Raises CronError.

    1 is Monday and 7 Sunday, as the service documents it (O-14); so ``L`` alone is Sunday.
    """
    text = field.text.upper()
    if text == "L":
        return lambda day: day.isoweekday() == _SUNDAY
    if match := re.fullmatch(r"([0-9]+|[A-Z]{3})L", text):
        last = _value(field, 0, match[1])
        return lambda day: day.isoweekday() == last and (day + timedelta(7)).month != day.month
    if "#" in text:
        before, _, count = text.partition("#")
        weekday = _value(field, 0, before)
        if count not in {"1", "2", "3", "4", "5"}:
            raise field.error(len(before) + 1, "Behind # stands a number from 1 to 5.")
        return lambda day: day.isoweekday() == weekday and (day.day + 6) // 7 == int(count)
    wanted = numbers(field)
    return lambda day: day.isoweekday() in wanted


def _numbers(field: Field) -> Iterator[int]:
    offset = 0
    for part in field.text.upper().split(","):
        yield from _part(field, offset, part)
        offset += len(part) + 1


def _part(field: Field, offset: int, part: str) -> Sequence[int]:
    kind = field.kind
    body, slash, step_text = part.partition("/")
    step = 1
    if slash:
        at = offset + len(body) + 1
        step = _number(field, at, step_text)
        if not 1 <= step <= kind.high:
            raise field.error(at, f"A step of the {kind.name} lies between 1 and {kind.high}.")
    if body == "*":
        return range(kind.low, kind.high + 1, step)
    first_text, dash, last_text = body.partition("-")
    first = _value(field, offset, first_text)
    if not dash:
        return range(first, kind.high + 1, step) if slash else [first]
    last_at = offset + len(first_text) + 1
    last = _value(field, last_at, last_text)
    if first <= last:
        return range(first, last + 1, step)
    if not kind.wraps:
        raise field.error(last_at, f"A range of the {kind.name} goes upwards.")
    return [*range(first, kind.high + 1), *range(kind.low, last + 1)][::step]


def _value(field: Field, offset: int, text: str) -> int:
    named = field.kind.names.get(text)
    return _in_range(field, offset, text) if named is None else named


def _in_range(field: Field, offset: int, text: str) -> int:
    kind = field.kind
    number = _number(field, offset, text)
    if not kind.low <= number <= kind.high:
        raise field.error(offset, f"The {kind.name} lies between {kind.low} and {kind.high}.")
    return number


def _number(field: Field, offset: int, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII):
        alone = f", or alone one of {' '.join(field.kind.signs)}" if field.kind.signs else ""
        names = f", names such as {next(iter(field.kind.names))}" if field.kind.names else ""
        raise field.error(
            offset, f"The {field.kind.name} takes numbers{names}, and , - * /{alone}."
        )
    return int(text)


def _next_day(day: date) -> date:
    return day + timedelta(1)


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)


def _last_workday(day: date) -> date:
    last = _last_of_month(day)
    return last - timedelta(max(0, last.isoweekday() - _SATURDAY + 1))


def _nearest_workday(day: date, wanted: int) -> date | None:
    """Return the workday nearest to a day of the month of ``day``, and within that month."""
    last = _last_of_month(day)
    if wanted > last.day:
        return None
    found = day.replace(day=wanted)
    if found.isoweekday() == _SATURDAY:
        return found - timedelta(1) if found.day > 1 else found + timedelta(2)
    if found.isoweekday() > _SATURDAY:
        return found + timedelta(1) if found < last else found - timedelta(2)
    return found
