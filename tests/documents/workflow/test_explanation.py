"""What a workflow would do, told before it runs; and that the run then does just that."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imagewright.actions.table import ACTIONS
from imagewright.documents.nodes import Plain
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.evaluation import resolved_inputs, runs
from imagewright.documents.workflow.explanation import Explanation, explain, to_json
from imagewright.documents.workflow.resolve import ResolveError
from imagewright.documents.workflow.scope import Scope

TEXT = """\
schemaVersion: 1.0
parameters:
  - {name: ask, type: boolean, default: true}
  - {name: topic}
steps:
  - name: Start
    action: LaunchInstance
    rollbackEnabled: $.parameters.ask
    timeoutSeconds: 90
    inputs: {waitFor: ssmAgent}
  - name: Count
    action: CollectImageMetadata
    inputs: {instanceId.$: $.stepOutputs.Start.instanceId}
  - name: Ask
    action: WaitForAction
    if:
      and:
        - {booleanEquals: true, value: $.parameters.ask}
        - not: {stringEquals: '', value: $.parameters.topic}
        - or:
            - {stringEquals: DOCKER, value: $.imagebuilder.imageType}
            - {numberGreaterThan: 1, value: $.workflowOutputs.count}
    inputs:
      snsTopicArn.$: $.parameters.topic
      payload: on {{ $.stepOutputs.Start.instanceId }} for {{ $.parameters.ask }}
  - name: Stop
    action: TerminateInstance
    onFailure: Continue
    inputs: {instanceId.$: $.stepOutputs.Start.instanceId}
outputs:
  - {name: Topic, value: $.parameters.topic}
"""


def told(scope: Scope) -> Explanation:
    workflow = load_workflow(TEXT, actions=ACTIONS).workflow
    assert workflow is not None
    return explain(workflow, ACTIONS, scope=scope)


def of_step(name: str, **parameters: Plain) -> dict[str, object]:
    scope = Scope(parameters=parameters, imagebuilder={"imageType": "AMI"})
    (step,) = (each for each in to_json(told(scope))["steps"] if each["name"] == name)
    return dict(step)


@pytest.mark.parametrize(
    ("parameters", "runs", "condition"),
    [
        (
            {},
            "perhaps",
            '$.parameters.ask = true and $.parameters.topic != "" and $.workflowOutputs.count > 1',
        ),
        ({"ask": True}, "perhaps", '$.parameters.topic != "" and $.workflowOutputs.count > 1'),
        ({"ask": True, "topic": "x"}, "perhaps", "$.workflowOutputs.count > 1"),
        (
            {"topic": ""},
            "no",
            '$.parameters.ask = true and $.parameters.topic != "" and '
            '($.imagebuilder.imageType = "DOCKER" or $.workflowOutputs.count > 1)',
        ),
    ],
)
def test_a_condition_is_told_without_what_is_known(
    parameters: dict[str, Plain], runs: str, condition: str
) -> None:
    step = of_step("Ask", **parameters)

    assert (step["runs"], step["condition"]) == (runs, condition)


def test_inputs_have_their_values_where_these_are_known() -> None:
    assert of_step("Ask", ask=True, topic="arn")["inputs"] == {
        "snsTopicArn": "arn",
        "payload": "on {{ $.stepOutputs.Start.instanceId }} for true",
    }
    assert of_step("Ask")["inputs"] == {
        "snsTopicArn.$": "$.parameters.topic",
        "payload": "on {{ $.stepOutputs.Start.instanceId }} for {{ $.parameters.ask }}",
    }


@pytest.mark.parametrize(
    ("step", "parameters", "undone"),
    [
        ("Start", {"ask": True}, [{"step": "Start"}]),
        ("Count", {"ask": True}, [{"step": "Count"}, {"step": "Start"}]),
        ("Ask", {"ask": False}, [{"step": "Count"}]),
        ("Start", {"ask": "FALSE"}, []),
        ("Start", {"ask": "maybe"}, [{"step": "Start"}]),
        ("Ask", {}, [{"step": "Count"}, {"step": "Start", "onlyIf": "$.parameters.ask"}]),
        ("Stop", {"ask": True}, []),
    ],
)
def test_a_failure_undoes_what_can_undo_itself_backwards(
    step: str, parameters: dict[str, Plain], undone: list[dict[str, str]]
) -> None:
    """§4.5."""
    assert of_step(step, **parameters)["undone"] == undone


def test_times_failures_types_and_outputs_are_told() -> None:
    explanation = to_json(told(Scope()))

    assert explanation["types"] == list(Stage)
    assert explanation["outputs"] == {"Topic": "$.parameters.topic"}
    assert [(each["timeoutSeconds"], each["onFailure"]) for each in explanation["steps"]] == [
        (90, "Abort"),
        (1800, "Abort"),
        (259200, "Abort"),
        (1800, "Continue"),
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_with_everything_known_the_run_does_what_was_told(count: int) -> None:
    scope = Scope(
        parameters={"ask": True, "topic": "arn"},
        step_outputs={"Start": {"instanceId": "i-1"}},
        workflow_outputs={"count": count},
        imagebuilder={"imageType": "AMI"},
    )

    for explained in told(scope).steps:
        assert explained.inputs == resolved_inputs(explained.step, scope)
        # What other workflows put out is never taken for granted.
        assert explained.runs in (runs(explained.step, scope), None)


FAILING = """\
schemaVersion: 1.0
parameters:
  - {name: count, type: string, default: few}
  - {name: ask, type: boolean, default: false}
steps:
  - name: Ask
    action: WaitForAction
    if: {booleanEquals: true, value: $.parameters.ask}
  - name: Count
    action: WaitForAction
    onFailure: Continue
    if: {numberGreaterThan: 2, value: $.parameters.count}
  - name: Tell
    action: WaitForAction
    onFailure: Continue
    inputs: {snsTopicArn.$: $.parameters.count}
  - name: Perhaps
    action: WaitForAction
    if: {stringEquals: x, value: $.workflowOutputs.x}
    inputs: {payload.$: $.stepOutputs.Tell.reason}
  - name: Read
    action: WaitForAction
    inputs: {payload.$: $.stepOutputs.Ask.reason}
  - name: Last
    action: WaitForAction
"""


def test_what_is_certain_to_fail_is_told_with_what_it_ends() -> None:
    """§5.6 rule 4, §6.4: and `explain` runs no step behind the end."""
    workflow = load_workflow(FAILING, actions=ACTIONS).workflow
    assert workflow is not None
    scope = Scope(parameters={"count": "few", "ask": False})

    steps = to_json(explain(workflow, ACTIONS, scope=scope))["steps"]

    assert [(each["runs"], each.get("failure"), each.get("endedBy")) for each in steps] == [
        ("no", None, None),
        ("no", "`numberGreaterThan` compares numbers, not the text `few`", None),
        ("yes", "`snsTopicArn` must be the ARN of an SNS topic, not `few`", None),
        ("perhaps", "the step `Tell` fails, so it has no outputs", None),
        ("yes", "the step `Ask` is skipped, so it has no outputs", None),
        ("no", None, "Read"),
    ]


LEAVES = st.sampled_from(
    [
        {"numberEquals": 1, "value": "$.parameters.one"},
        {"numberLessThan": 1, "value": "$.parameters.one"},
        {"numberEquals": 1, "value": "$.parameters.text"},
        {"booleanEquals": "$.parameters.text", "value": True},
        {"stringEquals": "x{{ $.parameters.one }}", "value": "x1"},
        {"stringEquals": "x", "value": "$.stepOutputs.Skipped.reason"},
    ]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda word, children: {word: children},
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda child: {"not": child}, inner),
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=100)
@given(CONDITIONS)
def test_a_condition_is_said_to_fail_just_where_the_run_fails_over_it(condition: Any) -> None:
    """§6.2: children are asked in their order, and no further than is needed."""
    never = {"stringEquals": "a", "value": "b"}
    document = {
        "schemaVersion": 1.0,
        "parameters": [{"name": "one", "type": "integer"}, {"name": "text"}],
        "steps": [
            {"name": "Skipped", "action": "WaitForAction", "if": never},
            {"name": "Asked", "action": "WaitForAction", "if": condition},
        ],
    }
    workflow = load_workflow(json.dumps(document), actions=ACTIONS).workflow
    assume(workflow is not None)
    assert workflow is not None
    known = Scope(parameters={"one": 1, "text": "x"})
    ran = replace(known, without_outputs={"Skipped": "was skipped"})

    told = explain(workflow, ACTIONS, scope=known).steps[1]

    try:
        verdict = runs(workflow.steps[1], ran)
    except ResolveError:
        assert told.failure
    else:
        assert (told.failure, told.runs) == ("", verdict)


def test_a_script_that_is_certain_to_fail_has_outputs_all_the_same() -> None:
    """§5.6 rule 4."""
    machine = {"instanceId.$": "$.stepOutputs.Start.instanceId"}
    script = {"documentName": "AWS-RunShellScript", "parameters": {"commands": ["exit 4"]}}
    fails = {"name": "Fail", "action": "RunCommand", "onFailure": "Continue"}
    reads = {"payload.$": "$.stepOutputs.Fail.status"}
    steps = [
        {"name": "Start", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}},
        {**fails, "inputs": {**machine, **script}},
        {"name": "Read", "action": "WaitForAction", "inputs": reads},
    ]
    text = json.dumps({"schemaVersion": 1.0, "steps": steps})
    workflow = load_workflow(text, actions=ACTIONS).workflow
    assert workflow is not None

    _, failing, reading = explain(workflow, ACTIONS, scope=Scope()).steps

    assert (failing.failure, reading.failure) == ("its script ends in `exit 4`", "")
