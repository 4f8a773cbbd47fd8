"""The workflow language by its tables: what an expression means is data, and the test."""

from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.nodes import MapNode, Plain
from imagewright.documents.reading import load
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.condition_reading import read_condition
from imagewright.documents.workflow.conditions import evaluate
from imagewright.documents.workflow.evaluation import undoes, workflow_outputs
from imagewright.documents.workflow.interpolation import parse_text
from imagewright.documents.workflow.parameters import (
    BadParameterValueError,
    MissingParametersError,
    UnknownParametersError,
    bind,
    details,
)
from imagewright.documents.workflow.references import (
    BadReferenceError,
    Reference,
    parse_reference,
)
from imagewright.documents.workflow.resolve import ResolveError, resolve
from imagewright.documents.workflow.scope import Scope, UnresolvedError, as_text
from imagewright.documents.workflow.template_reading import read_map

Case = dict[str, Any]


def table(name: str) -> pytest.MarkDecorator:
    path = Path(__file__).parent / "workflow" / f"{name}.yaml"
    cases = yaml.safe_load(path.read_text("utf-8"))
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


def scope_of(case: Case) -> Scope:
    scope = case.get("scope") or {}
    return Scope(
        parameters=scope.get("parameters", {}),
        step_outputs=scope.get("stepOutputs", {}),
        workflow_outputs=scope.get("workflowOutputs", {}),
        imagebuilder=scope.get("imagebuilder", {}),
        without_outputs=scope.get("withoutOutputs", {}),
    )


def warnings_about(inputs: str) -> list[str]:
    head = "schemaVersion: 1.0\nsteps:\n  - name: Try\n    action: Try\n    inputs:\n"
    checked = load_workflow(head + indent(inputs, " " * 6), actions={})
    return [finding.code for finding in checked.findings if not finding.is_error]


def outcome(look: Callable[[], Plain]) -> Case:
    """What a table says of an expression: its value, or its error with the offsets."""
    try:
        return {"value": look()}
    except BadReferenceError as error:
        kind = "unknown-root" if error.unknown_root else "malformed"
        return {"error": {"kind": kind, "at": [error.start, error.end]}}
    except UnresolvedError as error:
        return {"error": {"kind": "unresolved", "at": [error.start, error.end]}}


def expected(case: Case) -> Case:
    return {key: case[key] for key in ("value", "error") if key in case}


@table("references")
def test_a_reference_means_what_the_table_says(case: Case) -> None:
    scope = scope_of(case)

    found = outcome(lambda: scope.lookup(parse_reference(case["expression"])))

    assert found == expected(case)


@table("interpolation")
def test_braces_in_text_mean_what_the_table_says(case: Case) -> None:
    scope = scope_of(case)

    def written() -> str:
        return "".join(
            as_text(scope.lookup(piece)) if isinstance(piece, Reference) else piece
            for piece in parse_text(case["text"])
        )

    assert outcome(written) == expected(case)


@table("inputs")
def test_inputs_come_to_what_the_table_says(case: Case) -> None:
    findings: list[Diagnostic] = []
    root = load(case["inputs"]).root
    assert isinstance(root, MapNode)
    template = read_map(root, findings.append)

    if (error := case.get("error")) and error["when"] == "create":
        assert [[*finding.span.start[:2]] for finding in findings] == [error["at"]]
    elif error:
        with pytest.raises(ResolveError) as caught:
            resolve(template, scope_of(case))
        assert [*caught.value.span.start[:2]] == error["at"]
    else:
        assert resolve(template, scope_of(case)) == case["value"]
        assert warnings_about(case["inputs"]) == ([case["warns"]] if "warns" in case else [])


@table("conditions")
def test_a_condition_comes_to_what_the_table_says(case: Case) -> None:
    findings: list[Diagnostic] = []
    root = load(case["if"]).root
    assert root is not None

    condition = read_condition(root, findings.append)

    error = case.get("error", {})
    if "code" in error:
        found = [(finding.code, [*finding.span.start[:2]]) for finding in findings]
        assert found == [(error["code"], error["at"])]
        return
    assert condition is not None
    assert findings == []
    if error:
        with pytest.raises(ResolveError) as caught:
            evaluate(condition, scope_of(case))
        assert [*caught.value.span.start[:2]] == error["at"]
    else:
        assert evaluate(condition, scope_of(case)) is case["holds"]


HEAD = "schemaVersion: 1.0\nsteps:\n  - name: Ask\n    action: WaitForAction\n"
REFUSALS = {
    "unknown": UnknownParametersError,
    "missing": MissingParametersError,
    "value": BadParameterValueError,
}


@table("documents")
def test_a_document_is_told_what_the_table_says(case: Case) -> None:
    text = case["document"]
    if each := case.get("each"):
        lines = [each["line"].replace("#", str(n + 1)) for n in range(each["times"])]
        text = text.replace("@each", "\n".join(lines))
    stage = Stage(case["type"]) if "type" in case else None

    checked = load_workflow(text, actions=ACTIONS, stage=stage)

    found = [[finding.code, *finding.span.start[:2]] for finding in checked.findings]
    assert found == case.get("findings", [])


@table("parameters")
def test_parameters_come_to_what_the_table_says(case: Case) -> None:
    text = f"{HEAD}parameters:\n{indent(case['parameters'], ' ')}"
    checked = load_workflow(text, actions=ACTIONS)
    error = case.get("error", {})
    if "code" in error:
        head = HEAD.count("\n") + 1
        errors = [each for each in checked.findings if each.is_error]
        starts = [(each.code, each.span.start) for each in errors]
        found = [(code, [at.line - head, at.column - 1]) for code, at in starts]
        assert found == [(error["code"], error["at"])]
        return
    assert checked.workflow is not None
    supplied = case.get("supplied", {}).items()
    if error:
        with pytest.raises(REFUSALS[error["supplied"]]):
            bind(checked.workflow, supplied)
    elif "shown" in case:
        assert details(checked.workflow) == case["shown"]
    else:
        assert bind(checked.workflow, supplied) == case["values"]


@table("outputs")
def test_outputs_come_to_what_the_table_says(case: Case) -> None:
    # References to steps that are not there are refused; those of this document's steps are.
    steps = "".join(
        f"  - name: {name}\n    action: {action}\n    inputs: {inputs}\n"
        for name, action, inputs in (
            ("Run", "RunCommand", "{instanceId: i-1, documentName: x}"),
            ("Make", "CreateImage", "{instanceId: i-1}"),
        )
    )
    text = f"{HEAD}{steps}parameters:\n - {{name: ask}}\noutputs:\n{indent(case['outputs'], ' ')}"
    workflow = load_workflow(text, actions=ACTIONS).workflow
    assert workflow is not None

    assert workflow_outputs(workflow, scope_of(case)) == case["values"]


@table("rollback")
def test_rollback_is_switched_as_the_table_says(case: Case) -> None:
    written = case.get("rollbackEnabled")
    text = HEAD + (f"    rollbackEnabled: {written}\n" if written else "")
    workflow = load_workflow(f"{text}parameters: [{{name: undo}}]\n", actions=ACTIONS).workflow
    assert workflow is not None

    if "error" in case:
        with pytest.raises(ResolveError):
            undoes(workflow.steps[0], scope_of(case))
    else:
        assert undoes(workflow.steps[0], scope_of(case)) is case["undoes"]
