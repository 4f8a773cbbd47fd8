"""A document as a tree that remembers where each part stands, and what its scalars can mean.

``reading.load`` makes the tree. A scalar keeps the text as the author wrote it; what that means
(a number, a truth value, a path) is decided later, by whoever knows the field it stands in:
component documents coerce per field (``as_bool``, ``as_int``), workflow documents resolve
plain scalars where they stand (``native``).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile
from typing import TypeAlias

from imagewright.documents.places import LINE_BREAK, Position, Span

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""What JSON can say."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf: text, after YAML's own unquoting, unfolding and unescaping."""

    text: str
    plain: bool
    """Written without quotes and not as a block; only then may it be a number or truth value."""
    span: Span
    raw: str = field(default="", compare=False, repr=False)
    """The same stretch of the source, quotes and all."""

    def part(self, start: int, end: int) -> Span:
        """Find where ``text[start:end]`` stands in the source.

        Folding and escapes blur this; what cannot be found again is placed at the whole scalar.
        """
        piece = self.text[start:end]
        if not piece:
            return self.span
        found = self._found_at(start, piece)
        if found is None:
            return self.span
        return Span(self._position(found), self._position(found + len(piece)))

    def _found_at(self, start: int, piece: str) -> int | None:
        """Return where in ``raw`` the text at ``start`` stands."""
        opening = _opening(self.raw, self.text)
        if opening is not None:
            return opening + start
        before = sum(1 for _ in takewhile(lambda at: at < start, _occurrences(self.text, piece)))
        return next(islice(_occurrences(self.raw, piece), before, None), None)

    def _position(self, index: int) -> Position:
        line, column, offset = self.span.start
        breaks = _line_ends(self.raw)
        passed = bisect_right(breaks, index)
        if not passed:
            return Position(line, column + index, offset + index)
        return Position(line + passed, index - breaks[passed - 1] + 1, offset + index)


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: tuple["Node", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    key: Scalar
    value: "Node"

    @property
    def span(self) -> Span:
        """From the key to the end of the value."""
        return Span(self.key.span.start, self.value.span.end)


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in the author's order; no key comes twice, merge keys are resolved."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, name: str) -> Entry | None:
        """Return the entry with this key, if there is one."""
        return next((entry for entry in self.entries if entry.key.text == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys' texts."""
        return tuple(entry.key.text for entry in self.entries)


Node: TypeAlias = Scalar | ListNode | MapNode

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
# The point is needed: `12e5` is the head of a commit oftener than a number.
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_DIGITS_MAX = 400
"""Python refuses to read numbers of thousands of digits; beyond this a number is a text."""

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,400}\Z")


def as_bool(text: str) -> bool | None:
    """Read a truth value as YAML 1.1 spells it, in any case; None if it is none.

    (``component-documents.md`` §2.1.)
    """
    return _BOOLEANS.get(text.lower())


def as_int(text: str) -> int | None:
    """Read a whole number, decimal whatever zeros lead it; None if it is none."""
    return int(text) if _WHOLE_NUMBER.match(text) else None


def native(node: Node) -> Plain:
    """Give a node's value as the workflow language types it.

    A plain scalar may be null, ``true``/``false``, a decimal integer or a float. All else is
    text: what is quoted, ``yes`` and ``no``, dates, and digits that begin with a zero (an
    account id, a file mode), for which an author never means a number.
    """
    match node:
        case Scalar():
            return _resolve(node.text) if node.plain else node.text
        case ListNode():
            return [native(item) for item in node.items]
        case MapNode():
            return {entry.key.text: native(entry.value) for entry in node.entries}


def kind_of(node: Node) -> str:
    """Name what a node is, for a message: ``a map``, ``a list``, ``a number`` …"""
    match node:
        case MapNode():
            return "a map"
        case ListNode():
            return "a list"
        case Scalar():
            return kind_of_value(native(node))


def kind_of_value(value: object) -> str:
    """Name what a plain value is, for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a map"


def _resolve(text: str) -> str | int | float | bool | None:
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if len(text) <= _DIGITS_MAX:
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return _finite(text)
    return text


def _finite(text: str) -> float | str:
    number = float(text)
    return text if number in (float("inf"), float("-inf")) else number


@lru_cache(maxsize=8)  # a document may have thousands of findings in one script
def _opening(raw: str, text: str) -> int | None:
    """Return how many characters of the source stand before a text that it has as it is."""
    at = raw.find(text)
    return at if 0 <= at <= 1 and len(raw) - len(text) <= 2 else None


@lru_cache(maxsize=8)
def _line_ends(raw: str) -> tuple[int, ...]:
    return tuple(found.end() for found in LINE_BREAK.finditer(raw))


def _occurrences(text: str, piece: str) -> Iterator[int]:
    found = text.find(piece)
    while found >= 0:
        yield found
        found = text.find(piece, found + 1)
