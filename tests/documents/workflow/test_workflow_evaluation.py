"""What an engine asks of a document while it runs."""

import pickle
from textwrap import dedent

import pytest

from imagewright.actions import launch_instance, terminate_instance
from imagewright.actions.table import ACTIONS
from imagewright.documents.specs import to_plain
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.evaluation import (
    may_run,
    resolved_inputs,
    runs,
    typed_inputs,
    undoes,
    workflow_outputs,
)
from imagewright.documents.workflow.model import Step, Workflow
from imagewright.documents.workflow.resolve import ResolveError
from imagewright.documents.workflow.scope import Scope
from imagewright.documents.workflow.system import SystemVariables


def load(text: str) -> Workflow:
    checked = load_workflow(dedent(text), actions=ACTIONS)
    assert checked.workflow is not None, checked.findings
    return checked.workflow


def step(text: str) -> Step:
    return load("schemaVersion: 1.0\nsteps:\n" + dedent(text)).steps[-1]


LAUNCH = """\
- name: Launch
  action: LaunchInstance
  inputs: {waitFor: ssmAgent}
"""
STOP = (
    LAUNCH
    + """\
- name: Stop
  action: TerminateInstance
  inputs:
    instanceId.$: $.stepOutputs.Launch.instanceId
"""
)


def test_a_run_step_shows_its_inputs_resolved_and_a_skipped_one_as_written() -> None:
    """§5.2."""
    stop = step(STOP)
    scope = Scope(step_outputs={"Launch": {"instanceId": "i-1"}})

    assert resolved_inputs(stop, scope) == {"instanceId": "i-1"}
    assert stop.raw_inputs == {"instanceId.$": "$.stepOutputs.Launch.instanceId"}


def test_the_action_gets_its_inputs_typed() -> None:
    stop = step(STOP + "    waitForTermination: 'true'\n")

    inputs = typed_inputs(
        stop, ACTIONS["TerminateInstance"], {"instanceId": "i-1", "waitForTermination": "true"}
    )

    assert inputs == terminate_instance.Inputs(instance_id="i-1", wait_for_termination=True)


def test_a_reference_without_its_suffix_fails_the_step_and_is_named() -> None:
    """§5.6 rule 2."""
    stop = step(STOP.replace(".$:", ":"))
    resolved = resolved_inputs(stop, Scope())

    with pytest.raises(ResolveError) as caught:
        typed_inputs(stop, ACTIONS["TerminateInstance"], resolved)

    assert str(caught.value) == (
        "TerminateInstance: `instanceId` holds the text `$.stepOutputs.Launch.instanceId`, not "
        "what it refers to (line 9, column 17); write the key with `.$` at its end: `instanceId.$`"
    )


def test_a_value_of_the_wrong_type_behind_a_reference_fails_the_step_at_its_place() -> None:
    launch = step(LAUNCH + "").place("name")
    text = LAUNCH.replace("waitFor: ssmAgent", "waitFor.$: $.workflowOutputs.what")
    what = step(text)

    with pytest.raises(ResolveError) as caught:
        typed_inputs(what, ACTIONS["LaunchInstance"], {"waitFor": ["ssmAgent"]})

    assert caught.value.message.startswith("LaunchInstance: `waitFor` must be one of `ssmAgent`")
    assert caught.value.span.start.line == launch.start.line + 2


def test_a_resolve_error_survives_being_stored() -> None:
    with pytest.raises(ResolveError) as caught:
        resolved_inputs(step(STOP), Scope(without_outputs={"Launch": "was skipped"}))

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - ours
    assert "the step `Launch` was skipped, so it has no outputs" in str(caught.value)


def test_text_that_grows_beyond_reason_fails_the_step() -> None:
    many = "{{ $.workflowOutputs.big }}" * 20
    ask = step(f"- {{name: Ask, action: WaitForAction, inputs: {{payload: '{many}'}}}}\n")

    with pytest.raises(ResolveError, match="more than 1,048,576 characters"):
        resolved_inputs(ask, Scope(workflow_outputs={"big": "x" * 100_000}))


def test_outputs_that_find_no_value_are_left_out() -> None:
    """§5.6 rule 4."""
    workflow = load("""\
        schemaVersion: 1.0
        steps:
          - name: Launch
            action: LaunchInstance
            inputs: {waitFor: ssmAgent}
        outputs:
          - name: InstanceId
            value: $.stepOutputs.Launch.instanceId
          - name: Kind
            value: image of {{ $.imagebuilder.platform }}
          - name: Literal
            value: 5
        """)

    outputs = workflow_outputs(workflow, Scope(imagebuilder={"platform": "Linux"}))

    assert outputs == {"Kind": "image of Linux", "Literal": 5}


def test_hidden_outputs_resolve_and_are_not_shown() -> None:
    """§14.10."""
    outputs = launch_instance.Outputs(instance_id="i-1", instance_type="m7i.large")

    assert to_plain(outputs) == {"instanceId": "i-1"}
    assert to_plain(outputs, hidden=True) == {"instanceId": "i-1", "instanceType": "m7i.large"}


def test_system_variables_are_spelt_as_documents_spell_them() -> None:
    """§5.5."""
    variables = SystemVariables(image_type="AMI", source_image_arn="arn:x", platform="Linux")

    assert to_plain(variables) == {
        "imageType": "AMI",
        "platform": "Linux",
        "sourceImageARN": "arn:x",
    }


IF = "- name: Ask\n  action: WaitForAction\n  if:\n"


@pytest.mark.parametrize(
    ("condition", "foreseen"),
    [
        ("{stringEquals: Linux, value: $.imagebuilder.platform}", True),
        ("{stringEquals: Windows, value: $.imagebuilder.platform}", False),
        ("{stringEquals: x, value: $.stepOutputs.Launch.instanceId}", True),
        ("{not: {stringEquals: x, value: $.stepOutputs.Launch.instanceId}}", True),
        ("{stringEquals: x, value: $.workflowOutputs.ImageId}", True),
        (
            "{and: [{stringEquals: x, value: $.stepOutputs.Launch.instanceId},"
            " {stringEquals: Windows, value: $.imagebuilder.platform}]}",
            False,
        ),
        (
            "{or: [{stringEquals: x, value: $.stepOutputs.Launch.instanceId},"
            " {stringEquals: Windows, value: $.imagebuilder.platform}]}",
            True,
        ),
        ("{not: {stringEquals: Linux, value: $.imagebuilder.platform}}", False),
        ("{stringEquals: x, value: $.imagebuilder.subnetId}", True),
    ],
)
def test_a_step_that_is_certain_to_be_skipped_is_known_before_the_run(
    condition: str, *, foreseen: bool
) -> None:
    ask = step(LAUNCH + IF + f"    {condition}\n")

    assert may_run(ask, Scope(imagebuilder={"platform": "Linux"})) is foreseen


def test_a_step_without_condition_runs() -> None:
    assert runs(step(LAUNCH), Scope())
    assert may_run(step(LAUNCH), Scope())


@pytest.mark.parametrize(
    ("value", "undo"), [("true", True), ("False", False), ("$.workflowOutputs.undo", False)]
)
def test_rollback_is_on_or_off_as_the_document_says(value: str, *, undo: bool) -> None:
    """§4.1."""
    launch = step(LAUNCH + f"  rollbackEnabled: {value}\n")

    assert undoes(launch, Scope(workflow_outputs={"undo": "false"})) is undo


def test_rollback_by_a_reference_to_something_else_is_an_error() -> None:
    launch = step(LAUNCH + "  rollbackEnabled: $.workflowOutputs.undo\n")

    with pytest.raises(ResolveError, match="must come to true or false"):
        undoes(launch, Scope(workflow_outputs={"undo": "perhaps"}))
