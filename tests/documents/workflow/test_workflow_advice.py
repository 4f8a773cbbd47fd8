"""Warnings about what a workflow would do: true ones, and none where nothing is wrong."""

from textwrap import indent

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.reading import load
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.condition_reading import read_condition
from imagewright.documents.workflow.rules.facts import Facts
from imagewright.documents.workflow.truth import constant, free

HEAD = "schemaVersion: 1.0\nsteps:\n"
LAUNCH = "  - {name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n"
ON_IT = "instanceId.$: $.stepOutputs.Launch.instanceId"
RUN = f"  - {{name: Run, action: ExecuteComponents, inputs: {{{ON_IT}}}}}\n"
STOP = f"  - {{name: Stop, action: TerminateInstance, onFailure: Continue, inputs: {{{ON_IT}}}}}\n"
IMAGE = f"  - {{name: Image, action: CreateImage, inputs: {{{ON_IT}}}}}\n"
LINUX = "if: {stringEquals: Linux, value: $.imagebuilder.platform}"


def script(*lines: str, more: str = "") -> str:
    return (
        f"  - name: Script\n    action: RunCommand\n{indent(more, '    ')}\n    inputs:\n"
        f"      {ON_IT}\n      documentName: AWS-RunShellScript\n"
        f"      parameters:\n        commands:\n"
        + "".join(f"          - {line}\n" for line in lines)
    )


def warned(text: str, stage: Stage | None = Stage.TEST) -> list[tuple[str, int]]:
    findings = load_workflow(HEAD + text, actions=ACTIONS, stage=stage).findings
    assert not any(finding.is_error for finding in findings), findings
    return [(finding.code, finding.span.start.line) for finding in findings]


def outputs(**values: str) -> str:
    return "outputs:\n" + "".join(f"  - {{name: {k}, value: {v}}}\n" for k, v in values.items())


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(RUN, [("WF503", 3)], id="nothing ends it"),
        pytest.param(RUN + STOP, [], id="ended"),
        pytest.param(RUN + STOP.replace("inputs", f"{LINUX}, inputs"), [], id="ended, perhaps"),
        pytest.param(
            RUN + outputs(InstanceId="$.stepOutputs.Launch.instanceId"), [], id="handed on"
        ),
        pytest.param(
            "  - name: Tell\n    action: WaitForAction\n    inputs:\n"
            "      payload: see {{ $.stepOutputs.Launch.instanceId }}\n",
            [],
            id="someone is told of it",
        ),
        pytest.param(
            "  - name: Stop\n    action: TerminateInstance\n    inputs:\n"
            "      instanceId.$: $.workflowOutputs.InstanceId\n",
            [],
            id="an end of who knows what",
        ),
        pytest.param(STOP + RUN, [("WF504", 5)], id="used after its end"),
        pytest.param(STOP.replace("inputs", f"{LINUX}, inputs") + RUN, [], id="perhaps after it"),
        pytest.param(script("exit 1") + RUN + STOP, [("WF501", 13)], id="exit 1"),
        pytest.param(script("echo no", "'false'") + STOP, [("WF501", 14)], id="says no"),
        pytest.param(script("echo no; exit 3") + STOP, [("WF501", 13)], id="in one line"),
        pytest.param(script("exit 0") + STOP, [], id="exit 0"),
        pytest.param(script("test -e /x && exit 0", "exit 1") + STOP, [], id="exit before it"),
        pytest.param(script("exit 1", more="onFailure: Continue") + STOP, [], id="goes on"),
        pytest.param(script("exit 1", more=LINUX) + STOP, [], id="fails on Linux only"),
    ],
)
def test_machines_are_followed_and_dead_steps_found(
    steps: str, expected: list[tuple[str, int]]
) -> None:
    assert warned(LAUNCH + steps) == expected


@pytest.mark.parametrize(
    ("text", "stage", "expected"),
    [
        pytest.param("", Stage.BUILD, [("WF502", 4)], id="a build"),
        pytest.param("", None, [("WF502", 4)], id="most likely a build"),
        pytest.param("", Stage.TEST, [], id="a test"),
        pytest.param(
            outputs(ImageID="$.stepOutputs.Image.imageId"),
            Stage.BUILD,
            [("WF502", 7)],
            id="misspelt",
        ),
        pytest.param(
            outputs(BaseImageId="$.imagebuilder.imageId"),
            Stage.BUILD,
            [("WF502", 4)],
            id="another output",
        ),
        pytest.param(outputs(ImageId="$.stepOutputs.Image.imageId"), Stage.BUILD, [], id="there"),
        pytest.param(
            outputs(InstanceId="$.stepOutputs.Launch.instanceId"), Stage.BUILD, [], id="a container"
        ),
    ],
)
def test_a_build_that_does_not_put_its_image_out_is_told(
    text: str, stage: Stage | None, expected: list[tuple[str, int]]
) -> None:
    """§8."""
    assert warned(LAUNCH + IMAGE + STOP + text, stage) == expected


def test_a_workflow_of_unknown_type_may_name_its_outputs_as_it_likes() -> None:
    assert warned(LAUNCH + STOP + outputs(imageId="$.imagebuilder.imageId"), None) == []


def test_a_step_that_reads_what_never_runs_is_the_last() -> None:
    never = "if: {stringEquals: Docker, value: $.imagebuilder.imageType}"
    text = (
        f"  - {{name: Ask, action: WaitForAction, {never}}}\n"
        "  - {name: Tell, action: WaitForAction, inputs: {payload.$: $.stepOutputs.Ask.reason}}\n"
        "  - {name: Late, action: WaitForAction}\n"
    )

    assert warned(text) == [("WF406", 3), ("WF354", 4), ("WF501", 5)]


def test_a_document_with_errors_gets_no_advice() -> None:
    """A misspelt name makes its parameter unused, and its machine one that nobody ends."""
    text = HEAD + LAUNCH + STOP.replace("Launch", "Lanch")

    assert [each.code for each in load_workflow(text, actions=ACTIONS).findings] == ["WF303"]


PARAMETERS = """\
schemaVersion: 1.0
parameters:
  - {name: flag, type: boolean}
  - {name: count, type: integer}
  - {name: topic}
steps: []
"""


@pytest.mark.parametrize(
    ("condition", "always"),
    [
        ("{stringEquals: a, value: a}", True),
        ("{stringEquals: a, value: b}", False),
        ("{numberGreaterThan: 1, value: 2}", True),
        ("{stringEquals: AMI, value: $.imagebuilder.imageType}", None),
        ("{stringEquals: Docker, value: $.imagebuilder.imageType}", False),
        ("{stringEquals: macOS, value: $.imagebuilder.Platform}", False),
        ("{stringEquals: 'TRUE', value: $.parameters.flag}", False),
        ("{stringEquals: many, value: $.parameters.count}", False),
        ("{stringEquals: '5', value: $.parameters.count}", None),
        ("{stringEquals: x, value: $.parameters.topic}", None),
        ("{stringEquals: $.parameters.topic, value: $.parameters.topic}", True),
        ("{numberLessThan: $.parameters.count, value: $.parameters.count}", None),
        ("{stringEquals: '{{ $.parameters.topic }}', value: x}", None),
        (
            "{and: [{stringEquals: a, value: $.parameters.topic}, "
            "{stringEquals: b, value: $.parameters.topic}]}",
            False,
        ),
        (
            "{or: [{stringEquals: Linux, value: $.imagebuilder.platform}, "
            "{stringEquals: Windows, value: $.imagebuilder.platform}, "
            "{stringEquals: MacOS, value: $.imagebuilder.platform}]}",
            True,
        ),
        (
            "{or: [{not: {stringEquals: a, value: $.parameters.topic}}, "
            "{not: {stringEquals: b, value: $.parameters.topic}}]}",
            True,
        ),
        (
            "{and: [{numberGreaterThan: 5, value: $.parameters.count}, "
            "{numberLessThan: 5, value: $.parameters.count}]}",
            False,
        ),
        (
            "{and: [{numberGreaterThan: 4, value: $.parameters.count}, "
            "{numberLessThan: 6, value: $.parameters.count}]}",
            None,
        ),
        (
            "{and: [{booleanEquals: true, value: $.parameters.flag}, "
            "{not: {booleanEquals: 'True', value: $.parameters.flag}}]}",
            False,
        ),
        ("{numberEquals: one, value: $.parameters.count}", None),
        ("{booleanEquals: true, value: 0}", None),
        ("{numberGreaterThan: 1.0e17, value: $.parameters.count}", None),
        ("{numberLessThan: -1.0e17, value: $.parameters.count}", None),
        (
            f"{{and: [{{numberGreaterThan: {10**399}, value: $.parameters.count}}, "
            f"{{numberLessThan: {10**398}, value: $.parameters.count}}]}}",
            False,
        ),
    ],
)
def test_a_condition_that_cannot_come_out_either_way_is_known(
    condition: str, always: bool | None
) -> None:
    findings: list[Diagnostic] = []
    checked = load_workflow(PARAMETERS.replace("[]", "[{name: Ask, action: WaitForAction}]"),
                            actions=ACTIONS)  # fmt: skip
    assert checked.workflow is not None
    root = load(condition).root
    assert root is not None
    read = read_condition(root, findings.append)
    assert read is not None

    shape_of = Facts(checked.workflow, ACTIONS, None).shape_of

    assert constant(read, shape_of) is always
    assert always is None or not free(read, shape_of)


@pytest.mark.parametrize(
    ("operator", "value", "code"),
    [
        ("booleanEquals: true", "$.parameters.count", "WF405"),
        ("booleanEquals: true", "$.imagebuilder.platform", "WF405"),
        ("booleanEquals: true", "$.parameters.topic", None),
        ("numberEquals: 1", "$.parameters.flag", "WF405"),
        ("numberEquals: 1", "$.imagebuilder.securityGroups", "WF405"),
        ("numberEquals: 1", "$.imagebuilder.imageBuildNumber", None),
        ("stringEquals: x", "$.imagebuilder.securityGroups", None),
    ],
)
def test_a_reference_of_another_type_than_its_operator_reads_is_refused(
    operator: str, value: str, code: str | None
) -> None:
    """§6.4: the step would fail whenever the condition is asked."""
    step = f"[{{name: Ask, action: WaitForAction, if: {{{operator}, value: {value}}}}}]"

    findings = load_workflow(PARAMETERS.replace("[]", step), actions=ACTIONS).findings

    assert [each.code for each in findings if each.is_error] == ([code] if code else [])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("web {{ imagebuilder:buildDate }}", []),
        ("web {{imagebuilder:buildDate:yyyyMMdd}} {{ imagebuilder:buildVersion }}", []),
        ("web {{ imagebuilder:date }}", [("WF356", 8)]),
        ("{{ imagebuilder:buildVersion:1 }} {{ imagebuilder: }}", [("WF356", 8)] * 2),
        ("web {{ aws:ssm:/a }} {{ imagebuilder:date", []),
    ],
)
def test_the_variables_of_a_copy_are_those_of_its_build(
    said: str, expected: list[tuple[str, int]]
) -> None:
    """DST-03."""
    text = (
        "  - name: Copy\n    action: DistributeImage\n    inputs:\n      distributions:\n"
        f"        - region: eu-west-1\n          name: '{said}'\n"
    )

    assert warned(text, Stage.DISTRIBUTION) == expected


def test_no_other_action_expands_the_variables_of_a_copy() -> None:
    text = (
        "  - {name: Ask, action: WaitForAction, inputs: {payload: '{{imagebuilder:buildDate}}'}}\n"
    )

    assert warned(text) == [("WF356", 3)]


COPY = (
    "  - name: Copy\n    action: DistributeImage\n    inputs:\n      distributions: {sent}\n"
    "  - name: Permit\n    action: ModifyImageAttributes\n    inputs:\n"
    "      distributedImages.$: {copies}\n      attributes: {done}\n"
)
OF_COPY = "$.stepOutputs.Copy.distributedImages"


@pytest.mark.parametrize(
    ("sent", "copies", "done", "expected"),
    [
        ("[{region: a}, {region: b}]", OF_COPY, "[{region: b}]", []),
        ("[{region: a}]", OF_COPY, "[{region: a}, {region: b}, {region: c}]", ["b", "c"]),
        ("[]", OF_COPY, "[{region: b}]", ["b"]),
        ("[{region: a}, {region.$: $.imagebuilder.imageName}]", OF_COPY, "[{region: b}]", []),
        ("[{region: a}]", OF_COPY, "[{region.$: $.imagebuilder.imageName}]", []),
        ("[{region: a}]", "$.imagebuilder.imageName", "[{region: b}]", []),
    ],
)
def test_what_is_done_to_copies_is_done_where_there_are_some(
    sent: str, copies: str, done: str, expected: list[str]
) -> None:
    text = HEAD + COPY.format(sent=sent, copies=copies, done=done)

    findings = load_workflow(text, actions=ACTIONS, stage=Stage.DISTRIBUTION).findings

    said = [each.message for each in findings if each.code == "WF505"]
    assert said == [f"`Copy` sends no copy to `{region}`" for region in expected]
