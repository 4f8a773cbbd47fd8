"""Components that went wrong at random: never a traceback, a finding without place, or a hang."""

import json
import sys
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import works_within
from tests.documents.workflow.test_mutated_workflows import at_random, in_time

from imagewright.documents.component.explanation import explain_component, to_json
from imagewright.documents.component.loading import load_component
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.diagnostics.terminal import render
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.places import split_lines
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import SPECS

pytestmark = in_time

VALID = """\
name: Install telemetry agent
schemaVersion: 1.0
constants:
  - Root:
      type: string
      value: /opt/telemetry
parameters:
  - Release:
      type: string
      default: "4.2"
      allowedValues: [4.2, 4.3]
phases:
  - name: build
    steps:
      - name: Arch
        action: ExecuteBash
        inputs:
          commands:
            - |
              uname -m
              true
      - name: MakeRoot
        action: CreateFolder
        onFailure: Continue
        inputs: &root
          - path: "{{ Root }}"
            permissions: 0750
      - name: Fetch
        action: WebDownload
        maxAttempts: 2
        timeoutSeconds: 300
        inputs:
          - source: "https://example.com/{{ Release }}-{{ build.Arch.outputs.stdout }}.tgz"
            destination: "{{ Root }}/agent.tgz"
      - name: Enable
        action: ExecuteBash
        loop:
          name: units
          forEach: [telemetry.service, "{{ build.Fetch.inputs[0].destination }}"]
        if:
          and:
            - fileExists: "{{ Root }}/agent.tgz"
            - not:
                patternMatches: ^al
                value: "{{ Release }}"
        inputs:
          commands:
            - systemctl enable "{{ units.value }}{{ loop.index }}"
      - name: Restart
        action: Reboot
  - name: validate
    steps:
      - name: Enough
        action: Assert
        inputs:
          numberGreaterThan: 3
          value: "{{ Release }}"
"""
VALUE = yaml.safe_load(VALID)

PIECES = st.sampled_from(
    [
        *VALID.split(),
        *"{}[]:,-&*!|>'\"%@`#?\t\n\r",
        "  ",
        "{{",
        "}}",
        "{{ '{{' }}",
        "{{ aws:ssm:resolve(aws:ssm:resolve(Root)) }}",
        "{{ env:x }}",
        "{{ build.Arch.outputs[1].stdout[2] }}",
        "<<: *root",
        "*root",
        "(?=",
        "\u2028",
        "\ufeff",
        "\x00",
        "\ud800",
        "é漢🎉",
        "9" * 5000,
        "~",
        "---\n",
    ]
)
KEYS = [
    *("name", "type", "default", "value", "steps", "phases", "parameters", "constants", "action"),
    *("if", "and", "or", "not", "then", "stringEquals", "numberEquals", "patternMatches", "path"),
    *("inputs", "loop", "for", "forEach", "start", "end", "updateBy", "list", "delimiter"),
    *("onFailure", "timeoutSeconds", "maxAttempts", "disableLogging", "schemaVersion", "commands"),
]
CHANGES = st.lists(
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 40), st.lists(PIECES, max_size=3)),
    min_size=1,
    max_size=8,
)
ANY_PLATFORM = st.sampled_from([None, *Platform])


def test_the_document_that_is_mutated_is_a_good_one() -> None:
    checked = load_component(VALID, modules=SPECS, platform=Platform.LINUX)

    assert checked.findings == ()


@at_random
@given(CHANGES, ANY_PLATFORM)
def test_a_mutated_component_gets_findings_with_places_and_nothing_else(
    changes: list[tuple[int, int, list[str]]], platform: Platform | None
) -> None:
    text = VALID
    for at, length, pieces in changes:
        text = text[:at] + "".join(pieces) + text[at + length :]

    works_within(2, lambda: load_component(text, modules=SPECS, platform=platform))
    checked = load_component(text, modules=SPECS, platform=platform)
    lines = split_lines(text)
    assert [each for each in checked.findings if not has_place(each, lines)] == []
    assert (checked.component is None) == any(each.is_error for each in checked.findings)
    wire_message(checked.findings).encode("utf-8")
    render(checked.findings, text, "x.yaml")


VALUES = st.recursive(
    st.sampled_from(
        [
            None,
            True,
            0,
            -1,
            1.5,
            10**30,
            "",
            "x",
            "{{ Root }}",
            "{{ loop.value }}",
            "{{",
            "(",
            "Skip",
        ]
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
def test_a_component_with_wrong_parts_gets_findings_with_places(data: st.DataObject) -> None:
    text = json.dumps(changed(data))

    checked = load_component(text, modules=SPECS, platform=Platform.LINUX)

    assert [each for each in checked.findings if not has_place(each, [text])] == []
    assert (checked.component is None) == any(each.is_error for each in checked.findings)
    if checked.component is not None:
        json.dumps(to_json(explain_component(checked.component, {"Release": "4.3"})))


def holders(value: Any) -> Iterator[Any]:
    """Give every map and every list that is not empty."""
    if isinstance(value, dict | list) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from holders(inner)


@at_random
@given(st.text(max_size=400))
def test_any_text_at_all_gets_findings_with_places(text: str) -> None:
    checked = load_component(text, modules=SPECS)

    assert checked.component is None
    assert [each for each in checked.findings if not has_place(each, split_lines(text))] == []


def test_a_script_full_of_braces_costs_no_more_than_its_length() -> None:
    short, long = calls_to_check(150), calls_to_check(1200)

    assert long < 12 * short  # eight times the text; 64 times where every pair counts


def calls_to_check(times: int) -> int:
    """Count what is called to check a script of so many findings and more: it is no clock."""
    script = "{{ build.Nope.outputs.x }} {{ a b }} {{ env: {{" * times
    step = {"name": "A", "action": "ExecuteBash", "inputs": {"commands": [script]}}
    document = {"schemaVersion": 1.0, "phases": [{"name": "build", "steps": [step]}]}
    text = json.dumps(document)
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    sys.setprofile(count)
    try:
        checked = load_component(text, modules=SPECS)
    finally:
        sys.setprofile(None)
    assert len(checked.findings) >= times
    return counted


def has_place(finding: Diagnostic, lines: list[str]) -> bool:
    start, end = finding.span
    return (
        start <= end
        and all(1 <= place.line <= len(lines) + 1 for place in (start, end))
        and 1 <= start.column <= len(lines[min(start.line, len(lines)) - 1]) + 2
    )
