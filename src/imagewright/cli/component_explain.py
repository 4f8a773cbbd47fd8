"""What ``imagewright component explain`` does: the plan, with parameters filled in."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer

from imagewright.cli.component_sources import sources
from imagewright.cli.exits import ExitCode, fail, note
from imagewright.cli.explain import columns, one_line, spell
from imagewright.cli.files import STDIN, read_files, text_of
from imagewright.cli.options import OutputForm, load_settings
from imagewright.cli.text import seconds, visible
from imagewright.documents.component.explanation import (
    ExplainedStep,
    Explanation,
    explain_component,
    to_json,
)
from imagewright.documents.component.loops import ITERATIONS_MAX
from imagewright.documents.component.model import TIMEOUT_SECONDS_DEFAULT, OnFailure, Verdict
from imagewright.documents.component.variables import unknown_names
from imagewright.documents.diagnostics.terminal import render
from imagewright.documents.reading import Budget
from imagewright.documents.specs import Platform
from imagewright.documents.text import NoText
from imagewright.runner.modules.table import MODULES
from imagewright.runner.refusal import refusals
from imagewright.state import StateDirectory, default_state
from imagewright.toe.asked import AskedWrongly, read_parameters
from imagewright.toe.documents import BrokenDocument, Loaded, SetupFailed, load_document

_ROUNDS_SHOWN = 5
_LINES_SHOWN = 12


def explain_document(
    place: str,
    parameters: str | None,
    phases: str | None,
    platform: Platform,
    output: OutputForm,
    state: Path | None,
) -> ExitCode:
    """Show what a component would do, and return how the command ends."""
    document = _load(place, platform, state)
    component = document.component
    try:
        given = read_parameters(parameters or "")
    except AskedWrongly as error:
        fail(ExitCode.USAGE, str(error))
    chosen = None if phases is None else [phase.strip() for phase in phases.split(",")]
    explanation = explain_component(component, given, chosen)
    names = [each.phase.name for each in explanation.phases]
    problems = refusals(
        component,
        modules=MODULES,
        phases=names,
        parameters=given,
        missing_service=partial(_missing, state),
    )
    for name in chosen or ():
        if name not in names:
            note(f"the document has no phase `{name}`")
    for name in unknown_names(component, given):
        note(f"the document has no parameter `{name}`")
    if output is OutputForm.JSON:
        shown = {**to_json(explanation), "problems": list(problems)}
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        for line in _lines(explanation, problems):
            typer.echo(line)
    return ExitCode.FAILED if problems else ExitCode.OK


def _missing(state: Path | None, service: str) -> str | None:
    """Say what a service would take with the settings of a state, which need not be there."""
    from imagewright.aws.clients import AwsClients  # few components ask

    settings = load_settings(StateDirectory((state or default_state()).expanduser().absolute()))
    return AwsClients(settings.aws).missing(service)


def _load(place: str, platform: Platform, state: Path | None) -> Loaded:
    """Read a document; end the command if it cannot be, or has errors."""
    try:
        if place == STDIN:
            read = next(iter(read_files([STDIN], Budget().size_bytes + 1)))
            text = text_of(read)
        else:
            text = sources(state, owner=None).text(place)
        return load_document(place, text, platform)
    except BrokenDocument as error:
        errors = [finding for finding in error.findings if finding.is_error]
        typer.echo(render(errors, error.text, place), err=True)
        fail(ExitCode.FAILED, f"{place} has errors, so nothing would run")
    except (SetupFailed, NoText) as error:
        fail(ExitCode.USAGE, str(error))


def _lines(explanation: Explanation, problems: Sequence[str]) -> Iterator[str]:
    component = explanation.component
    yield typer.style(visible(component.name or "a component"), bold=True)
    if component.description:
        yield one_line(component.description)
    variables = [*_parameters(explanation)]
    if variables:
        yield ""
        yield typer.style("parameters", bold=True)
        yield from columns(iter(variables))
    if component.constants:
        yield ""
        yield typer.style("constants", bold=True)
        yield from columns((each.name, spell(each.value)) for each in component.constants)
    for phase in explanation.phases:
        yield ""
        yield typer.style(f"phase {phase.phase.name}", bold=True)
        for number, step in enumerate(phase.steps, 1):
            yield f"{number}. {typer.style(visible(step.step.name), bold=True)}  {step.step.action}"
            yield from columns(_facts(step))
    for problem in problems:
        yield ""
        yield typer.style("it cannot run so: ", fg="red") + visible(problem)


def _parameters(explanation: Explanation) -> Iterator[tuple[str, str, str]]:
    for each in explanation.parameters:
        if each.value is None:
            yield each.declared.name, "", "needs a value"
        else:
            yield each.declared.name, spell(each.value), "given" if each.given else "default"


def _facts(explained: ExplainedStep) -> Iterator[tuple[str, str]]:
    step, condition = explained.step, one_line(explained.condition)
    if explained.ended_by:
        yield "runs", f"no, {explained.ended_by} ends the run before it"
        return
    if condition:
        yield "runs", _when(explained.verdict, condition)
    if explained.verdict in (Verdict.SKIP, Verdict.ABORT):
        return
    if step.loop is not None:
        yield "loop", _loop(explained)
    for entry in explained.inputs:
        for line in _input_lines(entry):
            yield "input", line
    if step.attempts_max > 1:
        yield "tries", f"at most {step.attempts_max}"
    if step.timeout_seconds is None:
        yield "time", "no limit"
    elif step.timeout_seconds != TIMEOUT_SECONDS_DEFAULT:
        yield "time", f"at most {seconds(step.timeout_seconds)}"
    if step.on_failure in _ON_FAILURE:
        yield "fails", _ON_FAILURE[step.on_failure]


_ON_FAILURE = {
    OnFailure.CONTINUE: "the next step follows, and the run fails all the same",
    OnFailure.IGNORE: "the next step follows, and the run succeeds all the same",
}


def _when(verdict: Verdict | None, condition: str) -> str:
    match verdict:
        case Verdict.EXECUTE:
            return f"yes, by its condition: {condition}"
        case Verdict.SKIP:
            return f"no, it is skipped by its condition: {condition}"
        case Verdict.ABORT:
            return f"no, it fails by its condition: {condition}"
        case None:
            return f"as the machine decides: {condition}"


def _loop(explained: ExplainedStep) -> str:
    rounds = explained.rounds
    if rounds is None:
        return "over what only the run will tell"
    shown = ", ".join(spell(value) for value in rounds[:_ROUNDS_SHOWN])
    more = ", …" if len(rounds) > _ROUNDS_SHOWN else ""
    if len(rounds) > ITERATIONS_MAX:
        fails = "so that it fails unless components.loop_rounds_max allows for them"
        return f"more than {ITERATIONS_MAX:,} times, {fails}: {shown}{more}"
    return f"{len(rounds)} times: {shown}{more}"


def _input_lines(entry: Any) -> Iterator[str]:
    """Spell an entry of inputs: a key to a line, and each line of a script by itself."""
    for name, value in entry.items() if isinstance(entry, dict) else ():
        if not isinstance(value, list):
            yield f"{visible(name)}: {spell(value)}"
            continue
        items = [item if isinstance(item, str) else json.dumps(item) for item in value]
        lines = [visible(line) for item in items for line in item.splitlines() or [""]]
        yield f"{visible(name)}:"
        yield from (f"  {line}" for line in lines[:_LINES_SHOWN])
        if len(lines) > _LINES_SHOWN:
            yield f"  … {len(lines) - _LINES_SHOWN} more lines"
