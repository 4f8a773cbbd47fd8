"""Holding plain values against a declared shape: what is wrong, and the typed value if nothing is.

The same walk serves documents as they are written, where references stand for values nobody
knows yet (``UNKNOWN``), and inputs as they are resolved just before a step runs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from imagewright.documents.diagnostics import did_you_mean, one_of, surely_meant
from imagewright.documents.nodes import as_bool, as_int, kind_of_value
from imagewright.documents.shapes import (
    Anything,
    ListOf,
    MapOf,
    Notes,
    Record,
    Shape,
    Text,
    Truth,
    Whole,
    describe,
)


class Unknown(Enum):
    """A value that only the run will bring."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN

Path: TypeAlias = tuple[str | int, ...]
"""How to get from the inputs to a place in them: ``("distributions", 0, "region")``."""

Kind: TypeAlias = Literal["missing", "unknown name", "wrong type", "wrong value", "reference"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a value."""

    kind: Kind
    path: Path
    """To the value; for a name that is missing or unknown, the last part is that name."""
    message: str
    help: str = ""
    meant: str = ""
    """What was meant beyond doubt, where a name or a word is wrong."""


class InputError(Exception):
    """Values do not fit their declaration; ``problems`` holds every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(problems)

    def __str__(self) -> str:
        """The first problem with its way out, and how many more there are."""
        first = self.problems[0]
        sentence = f"{first.message}; {first.help}" if first.help else first.message
        more = len(self.problems) - 1
        return f"{sentence} (and {more} more)" if more else sentence


class BareReference(str):
    """A text in a workflow that reads like a reference whose key lacks its ``.$`` (§5.6)."""

    __slots__ = ()


def mark_references(values: object) -> object:
    """Mark the texts that read like references, at any depth; only workflows have those."""
    match values:
        case str() if _REFERENCE.match(values):
            return BareReference(values)
        case list():
            return [mark_references(item) for item in values]
        case dict():
            return {name: mark_references(item) for name, item in values.items()}
        case _:
            return values


def build(record: Record, values: object) -> Any:
    """Make the declared instance of resolved values. Raises InputError."""
    if problems := tuple(check(record, values)):
        raise InputError(problems)
    return _made(record, values)


def check(
    shape: Shape, value: object, path: Path = (), notes: Notes | None = None
) -> Iterator[Problem]:
    """Say everything that is wrong with a value; what is UNKNOWN is taken to be right."""
    notes = notes or _NO_NOTES
    if value is UNKNOWN:
        return
    match shape:
        case Text():
            yield from _check_text(shape, value, path, notes)
        case Whole():
            yield from _check_whole(value, path, notes)
        case Truth():
            if _truth(value) is None:
                yield _wrong_type(shape, value, path)
        case ListOf():
            yield from _check_list(shape, value, path, notes)
        case MapOf():
            yield from _check_map(shape, value, path, notes)
        case Record():
            yield from _check_record(shape, value, path)
        case Anything():
            return


def spell(path: Path) -> str:
    """Write a path as authors do: ``distributions[0].region``."""
    spelt = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return spelt.removeprefix(".")


_NO_NOTES: Final = Notes()
_REFERENCE: Final = re.compile(
    r"\s*\$\.(?:parameters|stepOutputs|workflowOutputs|imagebuilder)"
    r"(?:\.[A-Za-z0-9_-]+|\[[0-9]+\])+\s*\Z"
)


def _check_text(shape: Text, value: object, path: Path, notes: Notes) -> Iterator[Problem]:
    text = _text(value)
    if text is None:
        yield _wrong_type(shape, value, path)
    elif isinstance(value, BareReference):
        yield _looks_like_reference(text, path)
    elif shape.choices and text not in shape.choices:
        yield _no_such_choice(shape.choices, text, path, notes)
    else:
        yield from _check_limits(text, path, notes)


def _check_limits(text: str, path: Path, notes: Notes) -> Iterator[Problem]:
    name = spell(path)
    yield from _check_length(len(text), "characters", path, notes)
    if notes.size_bytes_max is not None and len(text.encode()) > notes.size_bytes_max:
        size = f"{len(text.encode()):,} bytes; it may have {notes.size_bytes_max:,}"
        yield Problem("wrong value", path, f"`{name}` has {size}")
    if notes.pattern is not None and re.fullmatch(notes.pattern, text) is None:
        what = notes.pattern_says or f"text that matches {notes.pattern}"
        yield Problem("wrong value", path, f"`{name}` must be {what}, not `{_short(text)}`")
    if notes.json and (why := _why_not_json(text)) is not None:
        yield Problem("wrong value", path, f"`{name}` must be JSON: {why}")


def _check_length(length: int, what: str, path: Path, notes: Notes) -> Iterator[Problem]:
    if length < notes.length_min or (notes.length_max is not None and length > notes.length_max):
        most = "" if notes.length_max is None else f" and at most {notes.length_max:,}"
        limits = f"at least {notes.length_min:,}{most}"
        yield Problem("wrong value", path, f"`{spell(path)}` has {length:,} {what}, needs {limits}")


def _check_whole(value: object, path: Path, notes: Notes) -> Iterator[Problem]:
    number = _whole(value)
    if number is None:
        yield _wrong_type(Whole(), value, path)
    elif notes.whole_min is not None and number < notes.whole_min:
        yield Problem("wrong value", path, f"`{spell(path)}` must be at least {notes.whole_min}")
    elif notes.whole_max is not None and number > notes.whole_max:
        yield Problem("wrong value", path, f"`{spell(path)}` must be at most {notes.whole_max}")


def _check_list(shape: ListOf, value: object, path: Path, notes: Notes) -> Iterator[Problem]:
    if notes.one_or_many and isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        yield _wrong_type(shape, value, path)
        return
    yield from _check_length(len(value), "entries", path, notes)
    for index, item in enumerate(value):
        yield from check(shape.item, item, (*path, index))


def _check_map(shape: MapOf, value: object, path: Path, notes: Notes) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(shape, value, path)
        return
    yield from _check_length(len(value), "entries", path, notes)
    for name, item in value.items():
        yield from check(shape.value, item, (*path, name))


def _check_record(record: Record, value: object, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(record, value, path)
        return
    for name, item in value.items():
        member = record.member(name)
        if member is None:
            yield _unknown_name(record, name, path)
        elif not (item is None and not member.required):
            yield from check(member.shape, item, (*path, name), member.notes)
    for name in record.required_names:
        if name not in value:
            yield Problem("missing", (*path, name), f"`{spell((*path, name))}` is missing")


def _wrong_type(shape: Shape, value: object, path: Path) -> Problem:
    if isinstance(value, BareReference):
        return _looks_like_reference(value, path)
    where = f"`{spell(path)}`" if path else "`inputs`"
    fix = "put it in quotes" if isinstance(shape, Text) and isinstance(value, bool | float) else ""
    message = f"{where} must be {describe(shape)}, not {kind_of_value(value)}"
    return Problem("wrong type", path, message, fix)


def _looks_like_reference(text: str, path: Path) -> Problem:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    message = f"`{spell(path)}` holds the text `{_short(text.strip())}`, not what it refers to"
    return Problem("reference", path, message, f"write the key with `.$` at its end: `{key}.$`")


def _no_such_choice(choices: tuple[str, ...], text: str, path: Path, notes: Notes) -> Problem:
    sure = notes.choices_elsewhere.get(text) or surely_meant(text, choices) or ""
    meant = sure or did_you_mean(text, choices)
    fix = f"did you mean `{meant}`?" if meant else ""
    message = f"`{spell(path)}` must be {one_of(choices)}, not `{_short(text)}`"
    return Problem("wrong value", path, message, fix, sure)


def _unknown_name(record: Record, name: str, path: Path) -> Problem:
    meant = did_you_mean(name, record.names)
    notes = [member.notes for member in record.members if name in member.notes.mistaken_for]
    sure = None if notes else surely_meant(name, record.names)
    if notes:
        fix = notes[0].mistaken_for[name]
    elif meant:
        fix = f"did you mean `{meant}`?"
    elif record.names:
        fix = f"it takes {', '.join(f'`{known}`' for known in record.names)}"
    else:
        fix = "it takes none"
    where = f"`{spell(path)}` has no `{name}`" if path else f"there is no input `{name}`"
    return Problem("unknown name", (*path, name), where, fix, sure or "")


def _short(text: str) -> str:
    first = text.splitlines()[0] if text else ""
    return text if len(text) <= 60 and first == text else f"{first[:57]}…"


def _why_not_json(text: str) -> str | None:
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "it nests too deep"
    return None


def _text(value: object) -> str | None:
    """A whole number without quotes is taken for the text it is; nothing is lost by that."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        return as_int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _truth(value: object) -> bool | None:
    if isinstance(value, str):
        return as_bool(value)
    return value if isinstance(value, bool) else None


def _made(shape: Shape, value: Any) -> Any:
    match shape:
        case Text():
            return _text(value)
        case Whole():
            return _whole(value)
        case Truth():
            return _truth(value)
        case ListOf(item):
            items = value if isinstance(value, list) else [value]
            return [_made(item, each) for each in items]
        case MapOf(item):
            return {name: _made(item, each) for name, each in value.items()}
        case Record():
            return shape.make(**dict(_arguments(shape, value)))
        case Anything():
            return value


def _arguments(record: Record, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for member in record.members:
        if (value := values.get(member.name)) is not None:
            yield member.attribute, _made(member.shape, value)
