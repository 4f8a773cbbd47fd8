"""Findings as the detail of one error message on the wire (CRT-41, CRT-42)."""

from collections.abc import Iterable
from typing import Final

from imagewright.documents.diagnostics import Diagnostic, in_order

SHOWN_MAX: Final = 10


def wire_message(findings: Iterable[Diagnostic]) -> str:
    """Word the errors among the findings, the first one first, each on a line of its own.

    What cannot be said within ten lines is counted. Warnings refuse nothing and are left out.
    """
    errors = [finding for finding in in_order(findings) if finding.is_error]
    lines = [_line(error) for error in errors[:SHOWN_MAX]]
    if len(errors) > SHOWN_MAX:
        lines.append(f"and {len(errors) - SHOWN_MAX} more")
    return "\n".join(lines)


def _line(finding: Diagnostic) -> str:
    line, column, _ = finding.span.start
    return f"{_sentence(finding)} (line {line}, column {column})"


def _sentence(finding: Diagnostic) -> str:
    if finding.wire:
        return finding.wire
    said = finding.message + (f"; {finding.help}" if finding.help else "")
    if finding.context:
        return f"Parsing {finding.context} failed. Error: {said}"
    return said[:1].upper() + said[1:]
