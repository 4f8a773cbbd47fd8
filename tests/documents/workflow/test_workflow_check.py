"""Checking workflow documents: what is found, where, and in which words."""

from textwrap import dedent

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import Checked, load_workflow
from imagewright.documents.workflow.model import OnFailure
from imagewright.documents.workflow.templates import Literal

HEAD = "schemaVersion: 1.0\nsteps:\n"
LAUNCH = """\
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
"""
STOP = """\
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
ASK = "  - name: Ask\n    action: WaitForAction\n"


def check(text: str, stage: Stage | None = Stage.BUILD) -> Checked:
    return load_workflow(text, actions=ACTIONS, stage=stage)


def found(text: str, stage: Stage | None = Stage.BUILD) -> list[tuple[str, int, int]]:
    return [(each.code, *each.span.start[:2]) for each in check(text, stage).findings]


def refused(text: str) -> list[str]:
    return [each.code for each in check(text).findings if each.is_error]


def test_a_step_has_the_defaults_of_the_language_and_of_its_action() -> None:
    """§4.1, §7.1."""
    workflow = check(HEAD + LAUNCH).workflow

    assert workflow is not None
    (step,) = workflow.steps
    assert step.on_failure is OnFailure.ABORT
    assert isinstance(step.rollback_enabled, Literal)
    assert step.rollback_enabled.value is True
    assert (step.declared_timeout_seconds, step.timeout_seconds) == (None, 4500)


def test_a_declared_timeout_is_the_one_in_effect() -> None:
    workflow = check(HEAD + LAUNCH + "    timeoutSeconds: 60\n").workflow

    assert workflow is not None
    assert workflow.steps[0].timeout_seconds == 60


@pytest.mark.parametrize("spelt", ["1.0", "1", '"1.0"', "'1.0'", "1.00"])
def test_every_spelling_of_the_schema_version_is_accepted(spelt: str) -> None:
    """§1.1."""
    assert found(f"schemaVersion: {spelt}\nsteps:\n{ASK}") == []


@pytest.mark.parametrize("spelt", ["2.0", "'2'", "true", "", "[1.0]", "1.1"])
def test_other_schema_versions_are_refused_in_the_words_of_the_service(spelt: str) -> None:
    """CRT-42."""
    checked = check(f"name: x\nschemaVersion: {spelt}\nsteps:\n{ASK}")

    assert checked.workflow is None
    assert wire_message(checked.findings).startswith(
        "Invalid schema version. Supported versions include: 1.0. (line 2, column "
    )


def test_a_typo_in_a_reference_is_told_with_line_column_and_the_name_meant() -> None:
    """CRT-41, and what issue authors wait an hour for elsewhere."""
    checked = check(HEAD + LAUNCH + STOP.replace("Launch.", "Lanch."))

    assert wire_message(checked.findings) == (
        "Parsing step 'Stop' failed. Error: there is no step `Lanch`; "
        "did you mean `Launch`? (line 10, column 35)"
    )


def test_all_findings_come_at_once_and_in_the_order_of_the_text() -> None:
    text = dedent("""\
        schemaVersion: 1.0
        steps:
          - name: Stop
            action: TerminateInstanc
            onFailure: abort
            inputs:
              instanceId.$: $.stepOutputs.Launch.instanceId
          - name: Launch
            action: LaunchInstance
            inputs:
              waitfor: ssmAgent
              instanceId: x
        outputs:
          - name: ImageId
            value: $.stepOutputs.Launch.imageId
          - name: ImageId
            value: $.parameters.id
        """)

    assert found(text) == [
        ("WF201", 4, 13),
        ("WF108", 5, 16),
        ("WF304", 7, 35),
        ("WF205", 9, 13),
        ("WF206", 11, 7),
        ("WF206", 12, 7),
        ("WF305", 15, 33),
        ("WF110", 16, 11),
        ("WF306", 17, 25),
    ]


def test_the_wire_shows_ten_errors_and_counts_the_rest() -> None:
    """CRT-41."""
    checked = check(HEAD + "".join(f"  - name: Step{at}\n    action: No\n" for at in range(13)))

    lines = wire_message(checked.findings).splitlines()

    assert len(lines) == 11
    assert lines[0].startswith("Parsing step 'Step0' failed. Error: there is no action `No`")
    assert lines[-1] == "and 3 more"


def test_warnings_do_not_refuse_and_are_not_on_the_wire() -> None:
    checked = check(HEAD + LAUNCH + STOP.replace(".$:", ":"))

    assert checked.workflow is not None
    assert [finding.code for finding in checked.findings] == ["WF351"]
    assert wire_message(checked.findings) == ""


def test_a_bad_step_name_is_refused_in_the_words_of_the_service() -> None:
    """CRT-42."""
    checked = check(HEAD + ASK.replace("Ask", "Ask first"))

    assert wire_message(checked.findings) == (
        "Invalid step name 'Ask first'. Allowed characters are combinations of numbers [0-9], "
        "english letters [a-z,A-Z] and special characters [-_]. (line 3, column 11)"
    )


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("abc", True),
        ("a-b", True),
        ("a_1", True),
        ("A" * 100, True),
        ("ab", False),
        ("A" * 101, False),
        ("1ab", False),
        ("-ab", False),
        ("a b", False),
        ("äbc", False),
    ],
)
def test_step_names_fit_the_guide_and_the_api(name: str, *, accepted: bool) -> None:
    """§14.3, IDS-04."""
    assert (found(HEAD + ASK.replace("Ask", f"'{name}'")) == []) is accepted


@pytest.mark.parametrize(
    ("what", "text", "codes"),
    [
        ("15 steps", HEAD + "".join(ASK.replace("Ask", f"Ask{n}") for n in range(15)), []),
        ("16 steps", HEAD + "".join(ASK.replace("Ask", f"Ask{n}") for n in range(16)), ["WF106"]),
        (
            "25 parameters",
            f"{HEAD}{ASK}parameters:\n" + "".join(f"  - name: p{n}\n" for n in range(25)),
            [],
        ),
        (
            "26 parameters",
            f"{HEAD}{ASK}parameters:\n" + "".join(f"  - name: p{n}\n" for n in range(26)),
            ["WF106"],
        ),
        (
            "26 outputs",
            f"{HEAD}{ASK}outputs:\n"
            + "".join(f"  - {{name: o{n}, value: x}}\n" for n in range(26)),
            ["WF106"],
        ),
        ("description of 1,024", f"{HEAD}{ASK}    description: {'x' * 1024}\n", []),
        ("description of 1,025", f"{HEAD}{ASK}    description: {'x' * 1025}\n", ["WF107"]),
        ("description of 0", f"{HEAD}{ASK}    description: ''\n", ["WF107"]),
        (
            "default of 1,025",
            f"{HEAD}{ASK}parameters:\n  - {{name: p, default: {'x' * 1025}}}\n",
            ["WF111"],
        ),
        ("payload of 16 KiB", f"{HEAD}{ASK}    inputs: {{payload: {'x' * 16384}}}\n", []),
        ("payload above 16 KiB", f"{HEAD}{ASK}    inputs: {{payload: {'x' * 16385}}}\n", ["WF207"]),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_the_limits_hold(what: str, text: str, codes: list[str]) -> None:
    """§2."""
    assert refused(text) == codes, what


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("ExecuteComponents", {Stage.BUILD, Stage.TEST}),
        ("CollectImageScanFindings", {Stage.TEST}),
        ("DistributeImage", {Stage.DISTRIBUTION}),
        ("WaitForAction", set(Stage)),
    ],
)
def test_an_action_is_refused_outside_its_stages(action: str, allowed: set[Stage]) -> None:
    """CRT-46."""
    text = HEAD + ASK.replace("WaitForAction", action) + "    inputs: {}\n"

    refused = {stage for stage in Stage if ("WF202", 4, 13) in found(text, stage)}

    assert refused == set(Stage) - allowed


def test_without_a_stage_every_action_may_stand() -> None:
    assert found(HEAD + ASK.replace("WaitForAction", "DistributeImage"), stage=None) == []


def test_a_wrong_nested_input_is_placed_where_it_stands() -> None:
    text = dedent("""\
        schemaVersion: 1.0
        steps:
          - name: Copy
            action: DistributeImage
            inputs:
              distributions:
                - region: eu-west-1
                  targetAccountIds: 123456789012
                - name: web
                  amiTag: {a: b}
        """)

    assert found(text, Stage.DISTRIBUTION) == [
        ("WF207", 8, 29),
        ("WF205", 9, 11),
        ("WF206", 10, 11),
    ]


def test_distributed_images_are_only_taken_by_reference_to_a_step() -> None:
    """CRT-50."""
    text = dedent("""\
        schemaVersion: 1.0
        steps:
          - name: Modify
            action: ModifyImageAttributes
            inputs:
              distributedImages.$: $.workflowOutputs.Images
        """)

    (finding,) = check(text, Stage.DISTRIBUTION).findings

    assert finding.code == "WF207"
    assert "begins with `$.stepOutputs.`" in finding.message


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ("true", []),
        ("'False'", []),
        ("$.parameters.undo", []),
        ("$.parameters.topic", []),
        ("$.parameters.sizes", ["WF308"]),
        ("$.parameters.nope", ["WF306"]),
        ("maybe", ["WF105"]),
        ("[true]", ["WF105"]),
        ("'{{ $.parameters.undo }}'", ["WF105"]),
    ],
)
def test_rollback_is_switched_by_a_truth_value_or_a_reference(value: str, codes: list[str]) -> None:
    """§4.1."""
    parameters = (
        "parameters:\n  - {name: undo, type: boolean}\n  - {name: topic, type: string}\n"
        "  - {name: sizes, type: stringList}\n"
    )

    text = f"{parameters}{HEAD}{ASK}    rollbackEnabled: {value}\n"

    assert refused(text) == codes


@pytest.mark.parametrize("inputs", ["", "    inputs:\n", "    inputs: {}\n"])
def test_inputs_may_be_absent_or_empty_where_nothing_is_required(inputs: str) -> None:
    """CRT-52."""
    assert found(HEAD + ASK + inputs) == []


def test_a_key_whose_entries_are_all_commented_out_is_as_good_as_none() -> None:
    assert found(f"parameters:\n  # - name: topic\noutputs:\n{HEAD}{ASK}") == []
    assert found("schemaVersion: 1.0\nsteps:\n  # - name: Ask\n") == [("WF106", 2, 1)]


def test_json_is_checked_where_no_reference_stands_in_it() -> None:
    """CRT-50."""
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:x"
    text = (
        f"{HEAD}  - name: Run\n    action: ExecuteStateMachine\n"
        f"    inputs:\n      stateMachineArn: {machine}\n      input: "
    )

    assert found(text + "'{\"a\": {{ $.imagebuilder.imageName }}'\n") == []
    assert found(text + "'{\"a\": '\n") == [("WF207", 7, 14)]


def test_a_workflow_without_an_image_id_output_is_no_error() -> None:
    """CRT-52: CreateImage asks for it (IMG-11), CreateWorkflow does not."""
    assert found(HEAD + LAUNCH + STOP) == []


def test_what_is_another_kind_of_document_is_said_in_one_finding() -> None:
    checked = check("schemaVersion: 1.0\nphases:\n  - name: build\n    steps: []\n")

    assert [finding.message for finding in checked.findings] == [
        "this is a component document, not a workflow document"
    ]


def test_a_name_from_the_document_cannot_act_on_a_terminal() -> None:
    checked = check(HEAD + ASK + '    "a\\e[31m\\nb": x\n')

    (finding,) = checked.findings
    assert finding.message == "a step has no key `a\\x1b[31m\\nb`"
