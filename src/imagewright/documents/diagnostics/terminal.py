"""Findings as people read them: the place, the author's own line, and the way out."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.places import split_lines

if TYPE_CHECKING:
    from rich.text import Text


def render(findings: Iterable[Diagnostic], source: str, name: str) -> str:
    """Draw findings about the text ``source`` of the file ``name`` without colours."""
    lines = split_lines(source)
    return "\n".join("".join(piece.text for piece in _draw(each, lines, name)) for each in findings)


def render_rich(findings: Iterable[Diagnostic], source: str, name: str) -> "Text":
    """Draw the same in colours."""
    from rich.text import Text

    lines = split_lines(source)
    text = Text()
    for finding in findings:
        for piece in _draw(finding, lines, name):
            text.append(piece.text, style=piece.style)
        text.append("\n")
    return text


class _Piece(NamedTuple):
    text: str
    style: str = ""


_COLOURS: Final = {"error": "bold red", "warning": "bold yellow"}
_FRAME: Final = "bold blue"
_EXCERPT_MAX: Final = 120
_BEFORE_MAX: Final = 60


def _draw(finding: Diagnostic, lines: list[str], name: str) -> Iterator[_Piece]:
    colour = _COLOURS[finding.severity]
    line, column, _ = finding.span.start
    margin = " " * len(str(line))
    yield _Piece(f"{finding.severity}[{finding.code}]", colour)
    yield _Piece(f": {finding.message}\n", "bold")
    yield _Piece(f"{margin}--> ", _FRAME)
    yield _Piece(f"{name}:{line}:{column}\n")
    if 0 < line <= len(lines):
        shown, before, marked = _excerpt(lines[line - 1], finding)
        yield _Piece(f"{margin} |\n{line} |", _FRAME)
        yield _Piece(f" {shown}".rstrip() + "\n")
        yield _Piece(f"{margin} | ", _FRAME)
        yield _Piece(f"{before}{marked} {finding.label}".rstrip() + "\n", colour)
    if finding.help:
        yield _Piece("help", "bold cyan")
        yield _Piece(f": {finding.help}\n")


def _excerpt(line: str, finding: Diagnostic) -> tuple[str, str, str]:
    """The line, the space below what comes before the finding, and the carets below it."""
    start = finding.span.start.column - 1
    one_line = finding.span.end.line == finding.span.start.line
    end = finding.span.end.column - 1 if one_line else len(line.rstrip())
    crop = max(0, start - _BEFORE_MAX) if len(line) > _EXCERPT_MAX else 0
    shown = _visible(line[crop : crop + _EXCERPT_MAX])
    lead, tail = "…" if crop else "", "…" if crop + _EXCERPT_MAX < len(line) else ""
    before = "".join(_blank(each) for each in lead + shown[: start - crop])
    marked = "^" * max(1, _width(shown[start - crop : end - crop]))
    return lead + shown.rstrip() + tail, before, marked


def _visible(text: str) -> str:
    """What a terminal would act upon becomes a mark; nothing moves."""
    return "".join(each if each.isprintable() or each == "\t" else "\ufffd" for each in text)


def _blank(character: str) -> str:
    return "\t" if character == "\t" else " " * _width(character)


def _width(text: str) -> int:
    """How many columns a terminal gives to text."""
    return sum(_columns(each) for each in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
