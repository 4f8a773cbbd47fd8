"""Findings as workflow commands of GitHub Actions, which show them beside the changed lines."""

from collections.abc import Iterable

from imagewright.documents.diagnostics import Diagnostic


def to_github(findings: Iterable[Diagnostic], name: str) -> str:
    """Give one command a line for findings about the file ``name``."""
    return "\n".join(_command(finding, name) for finding in findings)


def _command(finding: Diagnostic, name: str) -> str:
    start, end = finding.span
    said = finding.message + (f"; {finding.help}" if finding.help else "")
    properties = {
        "file": name,
        "line": str(start.line),
        "col": str(start.column),
        "endLine": str(end.line),
        "endColumn": str(end.column),
        "title": finding.code,
    }
    spelt = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{finding.severity} {spelt}::{_data(said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
