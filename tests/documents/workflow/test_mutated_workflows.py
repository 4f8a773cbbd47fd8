"""Documents that went wrong at random: never a traceback, a finding without place, or a hang.

The same few hundred each time; ``IMAGEWRIGHT_TEST_EXAMPLES=10000`` tries as many new ones, and
``make mutated`` does that for both kinds of documents.
"""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import works_within

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.diagnostics.terminal import render
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.places import split_lines
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.explanation import explain, to_json
from imagewright.documents.workflow.scope import Scope

EXAMPLES = int(os.environ.get("IMAGEWRIGHT_TEST_EXAMPLES", "300"))
at_random = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="IMAGEWRIGHT_TEST_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],  # the machine's other work is no defect
)
in_time = pytest.mark.timeout(max(900, EXAMPLES // 3))
"""For all examples of a test; one that hangs is ended so."""
pytestmark = in_time

VALID = """\
name: hardened
schemaVersion: 1.0
parameters:
  - name: ask
    type: boolean
    default: false
  - name: sizes
    type: stringList
    default: [m7i.large, m6i.large]
steps:
  - name: Launch
    action: LaunchInstance
    rollbackEnabled: $.parameters.ask
    timeoutSeconds: 5400
    inputs: &launch
      waitFor: ssmAgent
      instanceTypesOverride.$: "$.parameters.sizes"
  - name: Run
    action: RunCommand
    onFailure: Continue
    if:
      and:
        - booleanEquals: true
          value: "$.parameters.ask"
        - not:
            stringEquals: ''
            value: web-{{ $.imagebuilder.imageName }}
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
      documentName: AWS-RunShellScript
      parameters:
        commands:
          - |
            echo {{ $.imagebuilder.imageName }}
            true
  - name: Image
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
outputs:
  - name: ImageId
    value: $.stepOutputs.Image.imageId
"""
VALUE = yaml.safe_load(VALID)

PIECES = st.sampled_from(
    [
        *VALID.split(),
        *"{}[]:,-&*!|>'\"%@`#?\t\n\r",
        "  ",
        "{{",
        "}}",
        "$.",
        ".$",
        "[0]",
        "<<: *launch",
        "*launch",
        "\u2028",
        "\ufeff",
        "\x00",
        "\ud800",
        "é漢🎉",
        "9" * 5000,
        "~",
        "!!binary x",
        "---\n",
    ]
)
KEYS = [
    *("name", "type", "default", "description", "steps", "parameters", "outputs", "action"),
    *("if", "and", "or", "not", "stringEquals", "numberEquals", "value", "inputs", "onFailure"),
    *("timeoutSeconds", "rollbackEnabled", "schemaVersion", "instanceId", "instanceId.$", ".$"),
]
CHANGES = st.lists(
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 40), st.lists(PIECES, max_size=3)),
    min_size=1,
    max_size=8,
)


def mutated(changes: list[tuple[int, int, list[str]]]) -> str:
    """Cut pieces out of the valid document, and put others in."""
    text = VALID
    for at, length, pieces in changes:
        text = text[:at] + "".join(pieces) + text[at + length :]
    return text


@at_random
@given(CHANGES)
def test_a_mutated_document_gets_findings_with_places_and_nothing_else(
    changes: list[tuple[int, int, list[str]]],
) -> None:
    text = mutated(changes)

    works_within(1, lambda: load_workflow(text, actions=ACTIONS, stage=Stage.BUILD))
    checked = load_workflow(text, actions=ACTIONS, stage=Stage.BUILD)
    lines = split_lines(text)
    assert [each for each in checked.findings if not has_place(each, lines)] == []
    assert (checked.workflow is None) == any(each.is_error for each in checked.findings)
    wire_message(checked.findings).encode("utf-8")
    render(checked.findings, text, "x.yaml")


VALUES = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1.5, 10**30, "", "x", "$.", "$.parameters.ask", "{{ $.x }}"]
    )
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=5,
)


def changed(data: st.DataObject) -> Any:
    """Put other values into the valid document, at its own keys or at ones from elsewhere."""
    document = deepcopy(VALUE)
    for _ in range(data.draw(st.integers(1, 4))):
        holder = data.draw(st.sampled_from(list(holders(document))))
        key = data.draw(st.sampled_from([*KEYS, *holder] if isinstance(holder, dict) else [0]))
        holder[key] = data.draw(VALUES)
    return document


@at_random
@given(st.data())
def test_a_document_with_wrong_parts_gets_findings_with_places(data: st.DataObject) -> None:
    text = json.dumps(changed(data))

    checked = load_workflow(text, actions=ACTIONS, stage=Stage.BUILD)

    assert [each for each in checked.findings if not has_place(each, [text])] == []
    assert (checked.workflow is None) == any(each.is_error for each in checked.findings)
    if checked.workflow is not None:
        json.dumps(to_json(explain(checked.workflow, ACTIONS, scope=Scope())))


def holders(value: Any) -> Iterator[Any]:
    """Give every map and every list that is not empty."""
    if isinstance(value, dict | list) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from holders(inner)


@at_random
@given(st.text(max_size=400))
def test_any_text_at_all_gets_findings_with_places(text: str) -> None:
    checked = load_workflow(text, actions=ACTIONS)

    assert checked.workflow is None
    assert [each for each in checked.findings if not has_place(each, split_lines(text))] == []


def has_place(finding: Diagnostic, lines: list[str]) -> bool:
    start, end = finding.span
    return (
        start <= end
        and all(1 <= place.line <= len(lines) + 1 for place in (start, end))
        and 1 <= start.column <= len(lines[min(start.line, len(lines)) - 1]) + 2
    )
