"""Findings as JSON, for scripts."""

from collections.abc import Iterable
from typing import TypedDict

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.places import Position


class Place(TypedDict):
    """A position; line and column count from 1, the offset from 0, in characters."""

    line: int
    column: int
    offset: int


class Finding(TypedDict):
    """One finding; texts may be empty."""

    file: str
    code: str
    severity: str
    message: str
    label: str
    help: str
    start: Place
    end: Place


def to_json(findings: Iterable[Diagnostic], name: str) -> list[Finding]:
    """Give findings about the file ``name`` as JSON says things."""
    return [_finding(finding, name) for finding in findings]


def _finding(finding: Diagnostic, name: str) -> Finding:
    return Finding(
        file=name,
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        label=finding.label,
        help=finding.help,
        start=_place(finding.span.start),
        end=_place(finding.span.end),
    )


def _place(position: Position) -> Place:
    return Place(line=position.line, column=position.column, offset=position.offset)
