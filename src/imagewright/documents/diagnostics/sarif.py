"""Findings as SARIF 2.1.0, for code scanning and editors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.rules import Rule

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(
    findings: Mapping[str, Iterable[Diagnostic]], rules: Iterable[type[Rule]], version: str
) -> dict[str, Any]:
    """Give one run over all files: findings by file name, and the rules they may come from."""
    ordered = sorted(rules, key=lambda rule: rule.code)
    index = {rule.code: at for at, rule in enumerate(ordered)}
    driver = {
        "name": "imagewright",
        "version": version,
        "rules": [_rule(rule) for rule in ordered],
    }
    results = [_result(each, name, index) for name, every in findings.items() for each in every]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: type[Rule]) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.__name__,
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": rule.page()},
        "help": {"text": rule.page(), "markdown": rule.page()},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Diagnostic, name: str, index: Mapping[str, int]) -> dict[str, Any]:
    said = finding.message + (f"; {finding.help}" if finding.help else "")
    start, end = finding.span
    region = {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "charOffset": start.offset,
        "charLength": end.offset - start.offset,
    }
    place = {"artifactLocation": {"uri": _uri(name)}, "region": region}
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": said},
        "locations": [{"physicalLocation": place}],
    }
    if finding.code in index:
        result["ruleIndex"] = index[finding.code]
    return result


def _uri(name: str) -> str:
    path = quote(name.replace("\\", "/"))
    return f"file://{path}" if path.startswith("/") else path
