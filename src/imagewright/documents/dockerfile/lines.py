"""A Dockerfile's text to logical lines: directives, comments, continuations and heredocs.

A logical line knows where each of its characters stands in the source.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from imagewright.documents.dockerfile.model import Heredoc
from imagewright.documents.dockerfile.words import cut_words, unquote
from imagewright.documents.places import LINE_BREAK, Position, Span

ESCAPES: Final = ("\\", "`")
_BLANKS: Final = " \t\v\f\r"
_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.*)")
_KNOWN_DIRECTIVES: Final = frozenset({"syntax", "escape", "check"})
_HEREDOC = re.compile(r"[0-9]*<<(-?)([^<]+)")
_OPEN_HEREDOC = re.compile(r"[0-9]*<<-?")
_WITH_HEREDOCS: Final = frozenset({"RUN", "COPY", "ADD"})
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


class Source:
    """A text without byte order mark, and where its lines are."""

    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self._starts = [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]

    def position(self, offset: int) -> Position:
        """Give an offset as a position."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1, offset)

    def span(self, start: int, end: int) -> Span:
        """Give two offsets as a span; what is empty shows the character there."""
        return Span(self.position(start), self.position(max(end, start)))


@dataclass(frozen=True, slots=True)
class PlacedHeredoc:
    """A heredoc, and where it stands."""

    heredoc: Heredoc
    name_at: int
    """Where it is announced, in the logical line."""
    begin: int
    """Where its content begins, in the source."""
    end: int
    """Where it ends."""
    is_closed: bool


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """An instruction as written, on one line, with the heredocs below it."""

    text: str
    number: int
    """Of the line where it starts, from 1."""
    source: Source = field(repr=False)
    pieces: Sequence[tuple[int, int]] = field(repr=False)
    """Where each physical line begins: in ``text``, and in the source."""
    heredocs: Sequence[PlacedHeredoc] = ()
    has_gaps: bool = False
    """A continuation goes on over an empty line."""

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Find where ``text[start:end]`` stands in the source."""
        end = len(self.text) if end is None else end
        last = self._offset(max(start, end - 1)) + (1 if end > start else 0)
        return self.source.span(self._offset(start), last)

    def _offset(self, index: int) -> int:
        at = bisect_right(self.pieces, index, key=lambda piece: piece[0]) - 1
        begins, offset = self.pieces[max(at, 0)]
        return offset + index - begins


@dataclass(frozen=True, slots=True)
class Directive:
    """``# name=value`` at the very top."""

    name: str
    """In lower case."""
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Lines:
    """What a text consists of."""

    source: Source
    directives: Sequence[Directive]
    escape: str
    logical: Sequence[LogicalLine]


def read_lines(text: str) -> Lines:
    """Cut a text into logical lines. A directive with a wrong value counts as not there."""
    source = Source(text)
    physical = list(_physical(source.text))
    directives = list(_directives(source, physical))
    escapes = [each.value for each in directives if each.name == "escape"]
    escape = escapes[0] if escapes and escapes[0] in ESCAPES else "\\"
    return Lines(source, directives, escape, list(_logical(source, physical, escape)))


@dataclass(frozen=True, slots=True)
class _Physical:
    """A line without its end, where it begins, and with it."""

    text: str
    offset: int
    whole: str


def _physical(text: str) -> Iterator[_Physical]:
    ends = [-1, *(found.start() for found in re.finditer("\n", text)), len(text)]
    for before, end in pairwise(ends):
        whole = text[before + 1 : end + 1]
        if whole:
            yield _Physical(whole.rstrip("\r\n"), before + 1, whole)


def _directives(source: Source, physical: Sequence[_Physical]) -> Iterator[Directive]:
    for line in physical:
        found = _DIRECTIVE.fullmatch(line.text.strip(_BLANKS))
        if found is None or found[1].lower() not in _KNOWN_DIRECTIVES:
            return
        span = source.span(line.offset, line.offset + len(line.text))
        yield Directive(found[1].lower(), found[2].strip(), span)


def _logical(source: Source, physical: Sequence[_Physical], escape: str) -> Iterator[LogicalLine]:
    last = {line.text.lstrip("\t"): index for index, line in enumerate(physical)}
    at = 0
    while at < len(physical):
        line = physical[at]
        if _says_nothing(line.text):
            at += 1
            continue
        first, length, has_gaps = at, 0, False
        pieces: list[tuple[int, int]] = []
        parts: list[str] = []
        lead = len(line.text) - len(line.text.lstrip())
        continues = True
        while continues and at < len(physical):
            line = physical[at]
            at += 1
            if parts and _says_nothing(line.text):
                has_gaps = has_gaps or not line.text.strip()
                continue
            begin = 0 if parts else lead
            part, continues = _continued(line.text[begin:], escape)
            pieces.append((length, line.offset + begin))
            parts.append(part)
            length += len(part)
        joined = "".join(parts).rstrip()
        heredocs, at = _heredocs(joined, physical, at, last)
        yield LogicalLine(joined, first + 1, source, pieces, heredocs, has_gaps)


def _says_nothing(text: str) -> bool:
    stripped = text.lstrip()
    return not stripped or stripped.startswith("#")


def _continued(text: str, escape: str) -> tuple[str, bool]:
    """Cut off the character that continues a line; two of them are one that is meant."""
    stripped = text.rstrip(" \t")
    if stripped.endswith(escape) and not stripped[:-1].endswith(escape):
        return stripped[:-1], True
    return text, False


def _heredocs(
    text: str, physical: Sequence[_Physical], at: int, last: Mapping[str, int]
) -> tuple[list[PlacedHeredoc], int]:
    """Read the heredocs that a line announces; return them with the index of what follows.

    ``last`` is where a line of this text comes for the last time, tabs before it or not.
    """
    placed: list[PlacedHeredoc] = []
    words = text.upper().split(None, 2)
    if words[:1] == ["ONBUILD"]:
        del words[0]
    keyword = words[0] if words else ""
    if keyword not in _WITH_HEREDOCS or "<<" not in text:
        return placed, at
    below = at
    for name_at, name, chomps in _announced(
        text, keyword, lambda line: last.get(line, -1) >= below
    ):
        begin = at
        plain = unquote(name)
        while at < len(physical) and not _closes(physical[at].text, plain, chomps=chomps):
            at += 1
        raw = "".join(line.whole for line in physical[begin:at])
        content = raw.replace("\r\n", "\n") if keyword == "RUN" else raw
        heredoc = Heredoc(
            name=plain,
            content=_LEADING_TABS.sub("", content) if chomps else content,
            raw=content,
            expands=_count_quotes(plain) == _count_quotes(name),
        )
        start = physical[begin - 1].offset + len(physical[begin - 1].whole)
        is_closed = at < len(physical)
        placed.append(PlacedHeredoc(heredoc, name_at, start, start + len(raw), is_closed))
        at = min(at + 1, len(physical))
    return placed, at


def _announced(
    text: str, keyword: str, is_below: Callable[[str], bool]
) -> Iterator[tuple[int, str, bool]]:
    """Yield where a heredoc is announced, its name as written, and whether tabs go."""
    words = cut_words(text)
    if words is None:  # a quote stays open
        return
    for index, word in enumerate(words):
        if _OPEN_HEREDOC.fullmatch(word.text):
            # `<< EOF`, unless it is arithmetic.
            following = words[index + 1].text if keyword == "RUN" and words[index + 1 :] else ""
            if following and not following[0].isdigit() and is_below(unquote(following)):
                yield word.start, following, word.text.endswith("-")
        elif found := _HEREDOC.fullmatch(word.text):
            yield word.start, found[2], bool(found[1])


def _count_quotes(text: str) -> int:
    """Quotes that are escaped are part of a name, and do not keep variables as they are."""
    return text.count("'") + text.count('"')


def _closes(line: str, name: str, *, chomps: bool) -> bool:
    return (line.lstrip("\t") if chomps else line) == name
