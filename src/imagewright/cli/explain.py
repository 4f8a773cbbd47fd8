"""``imagewright explain``: what a workflow would do, without doing it."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.files import Unreadable, read_files
from imagewright.cli.options import Output, OutputForm, read_pairs
from imagewright.cli.text import seconds, visible
from imagewright.documents.diagnostics import one_of
from imagewright.documents.diagnostics.terminal import render
from imagewright.documents.specs import ImageType, Platform, Stage

if TYPE_CHECKING:
    from imagewright.documents.nodes import Plain
    from imagewright.documents.workflow.explanation import (
        ExplainedStep,
        Explanation,
    )
    from imagewright.documents.workflow.model import Workflow
    from imagewright.documents.workflow.scope import Scope


def explain(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A workflow document, or - for standard input.")
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", metavar="NAME=VALUE", help="A value; of a list, once for each entry."
        ),
    ] = None,
    stage: Annotated[
        Stage | None,
        typer.Option("--type", case_sensitive=False, help="As a workflow of this type."),
    ] = None,
    platform: Annotated[
        Platform | None, typer.Option(case_sensitive=False, help="On this platform.")
    ] = None,
    image_type: Annotated[
        ImageType | None, typer.Option(case_sensitive=False, help="For an image of this type.")
    ] = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Show what a workflow would do: which steps run, with what, and what a failure undoes.

    Conditions and inputs are worked out as far as the parameters, and what else is given here,
    allow. Needs no server and no state.

    \b
        imagewright explain build.yaml --parameter stamp=false --platform linux
    """
    # These take a good part of a second to load.
    from imagewright.actions.table import ACTIONS
    from imagewright.documents.workflow.explanation import explain, to_json

    workflow = _load(file, stage)
    supplied = read_pairs(parameter or [])
    scope = _scope(workflow, supplied, stage, platform, image_type)
    explanation = explain(workflow, ACTIONS, given=frozenset(supplied), scope=scope)
    if output is OutputForm.JSON:
        typer.echo(json.dumps(to_json(explanation), indent=2))
        return
    for line in _lines(explanation, stage):
        typer.echo(line)


def _load(file: str, stage: Stage | None) -> "Workflow":
    """Read a document; end the command if it is none, or none without errors."""
    from imagewright.actions.table import ACTIONS
    from imagewright.documents.recognise import DocumentKind
    from imagewright.documents.validation import SIZE_BYTES_MAX, validate
    from imagewright.runner.modules.table import SPECS

    files = list(read_files([file], SIZE_BYTES_MAX + 1))
    if len(files) != 1:
        fail(ExitCode.USAGE, "explain takes one document")
    (read,) = files
    if isinstance(read, Unreadable):
        fail(ExitCode.USAGE, f"{read.name}: {read.reason}")
    result = validate(read.content, actions=ACTIONS, modules=SPECS, stage=stage)
    errors = [finding for finding in result.findings if finding.is_error]
    if errors:
        typer.echo(render(errors, result.text, read.name), err=True)
        fail(ExitCode.FAILED, f"{read.name} has errors, so nothing would run")
    if result.workflow is None:
        fail(
            ExitCode.FAILED,
            f"{read.name} is {result.kind}; only workflows can be explained here",
            help="imagewright component explain" if result.kind is DocumentKind.COMPONENT else "",
        )
    return result.workflow


def _scope(
    workflow: "Workflow",
    supplied: dict[str, list[str]],
    stage: Stage | None,
    platform: Platform | None,
    image_type: ImageType | None,
) -> "Scope":
    """Gather what is known before the run."""
    from imagewright.documents.workflow.parameters import ParametersError, bind_known
    from imagewright.documents.workflow.scope import Scope

    try:
        parameters: Mapping[str, Any] = bind_known(workflow, supplied.items())
    except ParametersError as error:
        fail(ExitCode.USAGE, str(error))
    known = {
        "imageType": image_type.value if image_type else None,
        "platform": {Platform.MACOS: "MacOS"}.get(platform, platform.value) if platform else None,
        "workflowPhase": stage.value.capitalize() if stage else None,
    }
    return Scope(
        parameters=parameters,
        imagebuilder={name: value for name, value in known.items() if value is not None},
    )


def _lines(explanation: "Explanation", stage: Stage | None) -> Iterator[str]:
    workflow = explanation.workflow
    types = stage.value if stage else one_of(explanation.stages).replace("`", "")
    yield typer.style(visible(workflow.name or "a workflow"), bold=True) + f" ({types})"
    if workflow.description:
        yield one_line(workflow.description)
    if explanation.parameters:
        yield ""
        yield typer.style("parameters", bold=True)
        yield from columns(
            (each.declared.name, each.declared.type, *_value_of(each.value, given=each.given))
            for each in explanation.parameters
        )
    for number, each in enumerate(explanation.steps, 1):
        yield ""
        yield from _step(number, each)
    if explanation.outputs:
        yield ""
        yield typer.style("outputs", bold=True)
        yield from columns((name, spell(value)) for name, value in explanation.outputs.items())


def _value_of(value: "Plain", *, given: bool) -> tuple[str, str]:
    if value is None:
        return "", "needs a value"
    return spell(value), "given" if given else "default"


def _step(number: int, explained: "ExplainedStep") -> Iterator[str]:
    step = explained.step
    yield f"{number}. {typer.style(visible(step.name), bold=True)}  {step.action}"
    if step.description:
        yield f"   {one_line(step.description)}"
    yield from columns(_facts(explained))


def _facts(explained: "ExplainedStep") -> Iterator[tuple[str, str]]:
    step = explained.step
    condition = one_line(explained.condition)
    if explained.ended_by:
        yield "runs", f"no, {visible(explained.ended_by)} has ended the workflow"
        return
    failure = one_line(explained.failure)
    match explained.runs:
        case True:
            yield "runs", f"yes, since {condition}" if condition else "yes"
        case False if failure:
            yield "runs", f"no, it fails: {failure}"
            yield "fails", _on_failure(explained)
            return
        case False:
            yield "runs", f"no, it is skipped unless {condition}"
            return
        case None:
            yield "runs", f"if {condition}"
    for name, value in explained.inputs.items():
        yield "input", f"{visible(name)}: {spell(value)}"
    default = "" if step.declared_timeout_seconds is not None else ", the action's default"
    yield "time", f"at most {seconds(step.timeout_seconds)}{default}"
    if failure:
        yield "fails", f"for certain: {failure}"
    yield "fails", _on_failure(explained)


def _on_failure(explained: "ExplainedStep") -> str:
    from imagewright.documents.workflow.model import OnFailure

    if explained.step.on_failure is OnFailure.CONTINUE:
        return "the next step follows all the same"
    undone = [
        f"{each.step} (if {each.only_if})" if each.only_if else each.step
        for each in explained.undone
    ]
    return f"the workflow ends; undone: {', '.join(undone) or 'nothing'}"


def columns(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Line up all cells but the last ones."""
    table = list(rows)
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"   {'  '.join(cells)}".rstrip()


def spell(value: "Plain") -> str:
    """Spell a value in one line."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return one_line(text)


def one_line(text: str) -> str:
    """Put a text on one line, harmless to a terminal."""
    return visible(" ".join(text.split()))
