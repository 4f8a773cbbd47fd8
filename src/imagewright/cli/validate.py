"""``imagewright validate``: what is wrong with documents, without a server."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from imagewright import __version__
from imagewright.cli.checking import check_all
from imagewright.cli.exits import ExitCode, complain, fail, note
from imagewright.cli.files import DOCKERFILE, EXPECTATIONS, STDIN, Content, Unreadable, read_files
from imagewright.cli.text import visible
from imagewright.documents.diagnostics import Diagnostic, in_order
from imagewright.documents.diagnostics.github import to_github
from imagewright.documents.diagnostics.json_form import to_json
from imagewright.documents.diagnostics.sarif import to_sarif
from imagewright.documents.diagnostics.terminal import render, render_rich
from imagewright.documents.specs import Platform, Stage
from imagewright.files import rewrite

if TYPE_CHECKING:
    from imagewright.documents.edits import Edit
    from imagewright.documents.validation import Validated


class FindingForm(StrEnum):
    """How findings are spelled."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file, and what became of it."""

    name: str
    result: "Validated"
    repairs: tuple["Edit", ...] = ()
    """What ``--fix`` changed in it."""


def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Workflow or component documents, Dockerfile templates, folders of them, or - for "
            "standard input.",
        ),
    ],
    form: Annotated[
        FindingForm, typer.Option("--format", help="For a person, a script, or a code scanner.")
    ] = FindingForm.TEXT,
    stage: Annotated[
        Stage | None,
        typer.Option("--type", case_sensitive=False, help="Check workflows as this type."),
    ] = None,
    platform: Annotated[
        Platform | None,
        typer.Option(case_sensitive=False, help="Check components for this platform."),
    ] = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Make the repairs that are beyond doubt, in the files."),
    ] = False,
    together: Annotated[
        bool,
        typer.Option(
            "--together", help="The workflows are all that run for one image: check them so."
        ),
    ] = False,
) -> None:
    """Check workflow and component documents; which of the two a file is, shows by itself.

    A file named Dockerfile or app.Dockerfile is checked as the template of a container recipe; in
    folders, only one that has variables of such a template.

    Needs no server and no state. Ends with 1 if a document has errors, with 2 if a file cannot
    be read or, with --fix, not be written, and with 0 otherwise, warnings or not.
    """
    if fix and STDIN in files:
        fail(ExitCode.USAGE, "--fix changes files, and standard input is none")
    checked, unreadable = _check(files, stage, platform, fix=fix, together=together)
    if together:
        checked = _against_each_other(checked)
    _FORMS[form](checked)
    if unreadable:
        raise typer.Exit(ExitCode.USAGE)
    if any(finding.is_error for finding in _findings(checked)):
        raise typer.Exit(ExitCode.FAILED)


def _check(
    files: Sequence[str],
    stage: Stage | None,
    platform: Platform | None,
    *,
    fix: bool = False,
    together: bool = False,
) -> tuple[list[_Checked], bool]:
    """Check every file, mend it if that is wanted; tell also whether one could not be read."""
    # These take a good part of a second to load, and only this command needs them.
    from imagewright.actions.table import ACTIONS
    from imagewright.documents.repair import repair
    from imagewright.documents.validation import SIZE_BYTES_MAX, validate
    from imagewright.runner.modules.table import SPECS

    def check(file: Content) -> "Validated":
        result = validate(
            file.content,
            actions=ACTIONS,
            modules=SPECS,
            stage=stage,
            platform=platform,
            is_dockerfile=_is_template(file),
        )
        # The typed documents of a large folder would fill the memory for nothing.
        return result if together else replace(result, workflow=None)

    read = read_files(files, SIZE_BYTES_MAX + 1, with_dockerfiles=True)
    checked: list[_Checked] = []
    unreadable = False
    for found in check_all(read, check):
        if isinstance(found, Unreadable):
            complain(f"{found.name}: {found.reason}")
            unreadable = True
            continue
        file, result = found
        is_expectations = EXPECTATIONS.fullmatch(file.name) is not None
        if not result.is_document and (file.found or is_expectations):
            kind = result.kind or "like neither a workflow document nor a component document"
            if is_expectations:
                kind = "for `imagewright component test`"
            elif file.path and DOCKERFILE.fullmatch(file.path.name):
                kind = "a Dockerfile without the variables of a template"
            note(f"not checked: {file.name} is {kind}")
            continue
        repaired = None
        if fix and result.is_document:
            repaired = repair(file.content, partial(_check_content, check, file))
        if repaired is None or not repaired.edits or file.path is None:
            checked.append(_Checked(file.name, result))
            continue
        try:
            rewrite(file.path, repaired.content)
        except OSError as error:
            complain(f"{file.name}: it cannot be written: {error.strerror or error}")
            unreadable = True
            checked.append(_Checked(file.name, result))
        else:
            checked.append(_Checked(file.name, repaired.result, repaired.edits))
    return checked, unreadable


def _check_content(
    check: Callable[[Content], "Validated"], file: Content, content: bytes
) -> "Validated":
    return check(replace(file, content=content))


def _is_template(file: Content) -> bool:
    """Tell a template by its name; in a folder there are other Dockerfiles too."""
    if file.path is None or not DOCKERFILE.fullmatch(file.path.name):
        return False
    return not file.found or b"imagebuilder:" in file.content


def _against_each_other(checked: Sequence[_Checked]) -> list[_Checked]:
    """Add what the workflows get wrong about each other."""
    from imagewright.documents.workflow.rules.companions import Companion, check_together

    companions = {
        each.name: Companion(each.name, each.result.workflow)
        for each in checked
        if each.result.workflow is not None
    }
    more: dict[str, list[Diagnostic]] = {}
    for companion, finding in check_together(list(companions.values())):
        more.setdefault(companion.name, []).append(finding)
    return [
        replace(
            each,
            result=replace(
                each.result, findings=in_order([*each.result.findings, *more.get(each.name, ())])
            ),
        )
        for each in checked
    ]


def _findings(checked: Sequence[_Checked]) -> list[Diagnostic]:
    return [finding for each in checked for finding in each.result.findings]


def _kind(each: _Checked) -> str | None:
    """Name in one word what a file was taken for."""
    return each.result.kind.name.lower() if each.result.kind else None


def _print_text(checked: Sequence[_Checked]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for line in _repairs(checked):
        typer.echo(line)
    for name, result in ((each.name, each.result) for each in checked if each.result.findings):
        if console.is_terminal:
            console.print(render_rich(result.findings, result.text, name), end="")
        else:
            typer.echo(render(result.findings, result.text, name))
    typer.echo(_summary(checked))


def _repairs(checked: Sequence[_Checked]) -> Iterator[str]:
    """Say what was changed, where it stands."""
    for each in checked:
        for edit in each.repairs:
            line, column, _ = edit.span.start
            yield f"fixed {each.name}:{line}:{column}: {visible(str(edit))}"


def _summary(checked: Sequence[_Checked]) -> str:
    kinds = Counter(_kind(each) or "unknown file" for each in checked)
    severities = Counter(finding.severity for finding in _findings(checked))
    what = ", ".join(_count(number, kind) for kind, number in sorted(kinds.items()))
    said = ", ".join(_count(number, severity) for severity, number in sorted(severities.items()))
    repairs = sum(len(each.repairs) for each in checked)
    fixed = f", {_count(repairs, 'repair')} made" if repairs else ""
    return f"{what} checked: {said or 'nothing wrong'}{fixed}" if checked else "nothing checked"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _print_json(checked: Sequence[_Checked]) -> None:
    shown = {
        "files": [{"file": each.name, "kind": _kind(each)} for each in checked],
        "repairs": [
            {
                "file": each.name,
                "line": edit.span.start.line,
                "column": edit.span.start.column,
                "old": edit.old,
                "new": edit.new,
            }
            for each in checked
            for edit in each.repairs
        ],
        "findings": [item for each in checked for item in to_json(each.result.findings, each.name)],
    }
    typer.echo(json.dumps(shown, indent=2))


def _print_sarif(checked: Sequence[_Checked]) -> None:
    from imagewright.documents.validation import ALL_RULES

    _note_repairs(checked)
    findings = {each.name: each.result.findings for each in checked}
    typer.echo(json.dumps(to_sarif(findings, ALL_RULES, __version__), indent=2))


def _print_github(checked: Sequence[_Checked]) -> None:
    _note_repairs(checked)
    for each in checked:
        if each.result.findings:
            typer.echo(to_github(each.result.findings, each.name))


def _note_repairs(checked: Sequence[_Checked]) -> None:
    """Say on standard error what the form has no room for."""
    for line in _repairs(checked):
        note(line)


_FORMS = {
    FindingForm.TEXT: _print_text,
    FindingForm.JSON: _print_json,
    FindingForm.SARIF: _print_sarif,
    FindingForm.GITHUB: _print_github,
}
