"""What ``imagewright component validate`` does (``component-documents.md`` §8.3)."""

import json
from pathlib import Path

import typer
from rich.console import Console

from imagewright.cli.component_sources import sources
from imagewright.cli.exits import ExitCode
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.diagnostics.terminal import render_rich
from imagewright.documents.specs import Platform
from imagewright.toe.asked import AskedWrongly, read_asked, shown_names
from imagewright.toe.documents import BrokenDocument, SetupFailed, load_document


def validate_documents(
    documents: str,
    *,
    owner: str | None,
    platform: Platform,
    strict: bool,
    with_warnings: bool,
    state: Path | None,
) -> ExitCode:
    """Check documents, print the verdict, and return how the command ends."""
    try:
        asked = read_asked({"documents": documents})
    except AskedWrongly as error:
        return _tell(False, str(error))
    problems = []
    places = sources(state, owner=owner)
    for document in asked.documents:
        try:
            text = places.text(document.place)
            loaded = load_document(document.place, text, platform)
        except BrokenDocument as error:
            _draw(error.findings, error.text, error.place, with_warnings=with_warnings)
            problems.append(str(error))
        except SetupFailed as error:
            problems.append(str(error))
        else:
            _draw(loaded.findings, text, document.place, with_warnings=with_warnings or strict)
            if strict and loaded.findings:
                warning = loaded.findings[0].message
                problems.append(f"Document {document.place} has warnings: {warning}")
    if problems:
        return _tell(False, "\n".join(problems))
    return _tell(True, f"Document(s) [{shown_names(asked.documents)}] is/are valid.")


def _tell(good: bool, message: str) -> ExitCode:
    status = "success" if good else "failed"
    typer.echo(
        json.dumps({"validationStatus": status, "message": message}, indent=4, ensure_ascii=False)
    )
    return ExitCode.OK if good else ExitCode.FAILED


def _draw(findings: tuple[Diagnostic, ...], text: str, place: str, *, with_warnings: bool) -> None:
    shown = [finding for finding in findings if with_warnings or finding.is_error]
    if shown:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print(render_rich(shown, text, place), end="")
