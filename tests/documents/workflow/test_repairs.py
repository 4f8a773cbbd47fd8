"""``--fix``: the obvious repairs, and nothing else of the text changed."""

import pytest
from hypothesis import given
from tests.documents.workflow.test_mutated_workflows import CHANGES, at_random, mutated

from imagewright.actions.table import ACTIONS
from imagewright.documents.repair import Repaired, repair
from imagewright.documents.rules import Rule
from imagewright.documents.specs import Stage
from imagewright.documents.validation import Validated, validate
from imagewright.documents.workflow.rules import WORKFLOW_RULES
from imagewright.runner.modules.table import SPECS

DOCUMENT = """\
# A comment.
schemaVersion: 1.0
parameters:
  - name: topic   # why
    type: string
steps:
  - name:   Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - {"name": "Find", "action": "RunCommand", "inputs": {
      "instanceId.$": "$.stepOutputs.Launch.instanceId", "documentName": "AWS-RunShellScript",
      "parameters": {"commands": ["cat /id"]}}}
  - name: Ask
    action: WaitForAction
    onFailure: Continue
    if:
      stringEquals: 'AMI'
      value: $.imagebuilder.imageType
    inputs:
      snsTopicArn.$: $.parameters.topic
      payload: |
        found {{ $.stepOutputs.Find.output[0] }}
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""


def check(content: bytes) -> Validated:
    return validate(content, actions=ACTIONS, modules=SPECS, stage=Stage.TEST)


def mend(text: str) -> Repaired:
    return repair(text.encode(), check)


def test_a_document_without_findings_stays_as_it_is() -> None:
    repaired = mend(DOCUMENT)

    assert (repaired.content, repaired.edits) == (DOCUMENT.encode(), ())
    assert repaired.result.findings == ()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("onFailure: Continue", "onFailure: CONTINUE"),
        ("onFailure: Continue", "onfailure: Continue"),
        ("timeoutSeconds: 5\n    onFailure", "timeoutSecond: 5\n    onFailure"),
        ("default: x\n    type", "defaultValue: x\n    type"),
        ("type: string", "type: String"),
        ("action: WaitForAction", "action: waitForAction"),
        ('"action": "RunCommand"', '"action": "RunComand"'),
        ("waitFor: ssmAgent", "waitFor: SSMAgent"),
        ("waitFor: ssmAgent", "waitfor: ssmAgent"),
        ('"documentName": "AWS', '"documentname": "AWS'),
        ("stringEquals: 'AMI'", "stringequals: 'AMI'"),
        ("stringEquals: 'AMI'", "stringEquals: 'ami'"),
        ('"$.stepOutputs.Launch.instanceId"', '"$.stepOutputs.Lanch.instanceId"'),
        ("$.stepOutputs.Launch.instanceId\n", "$.stepOutputs.Launch.instanceID\n"),
        ("$.stepOutputs.Find.output[0]", "$.stepOutputs.Find.outputs[0]"),
        ("$.stepOutputs.Launch", "$.stepOutput.Launch"),
        ("$.imagebuilder.imageType", "$.imagebuilder.imageTyp"),
        ("$.parameters.topic", "$.parameters.Topic"),
        ("snsTopicArn.$: $.parameters", "snsTopicArn: $.parameters"),
        ('"instanceId.$": "$.step', '"instanceId": "$.step'),
        ("found {{ $.stepOutputs", "found {{ stepOutputs"),
        ("schemaVersion: 1.0\nparam", "param"),
        ("schemaVersion: 1.0", "schemaversion: 1.0"),
        ("value: $.imagebuilder", "value.$: $.imagebuilder"),
        ("rollbackEnabled: true\n    onFailure", "rollbackEnabled.$: true\n    onFailure"),
    ],
)
def test_an_obvious_mistake_is_mended(right: str, wrong: str) -> None:
    good = DOCUMENT if right in DOCUMENT else DOCUMENT.replace(right.split("\n    ")[1], right, 1)
    bad = good.replace(right, wrong, 1)
    assert bad != good

    repaired = mend(bad)

    assert repaired.content.decode() == good
    assert [finding for finding in repaired.result.findings if finding.is_error] == []


def test_braces_without_quotes_are_quoted_and_comments_stay_outside() -> None:
    bad = DOCUMENT.replace(
        "      payload: |\n        found {{ $.stepOutputs.Find.output[0] }}\n",
        "      payload: {{ $.stepOutputs.Find.output[0] }} found # it\n",
    )

    repaired = mend(bad)

    assert 'payload: "{{ $.stepOutputs.Find.output[0] }} found" # it' in repaired.content.decode()
    assert repaired.result.findings == ()


def test_an_output_takes_no_suffix_and_loses_it() -> None:
    """§5.4."""
    bad = DOCUMENT + "outputs:\n  - name: Found\n    value.$: $.stepOutputs.Find.output\n"

    repaired = mend(bad)

    helps = [finding.help for finding in check(bad.encode()).findings]
    assert "`value` takes a reference as it is, without `.$`" in helps
    assert "    value: $.stepOutputs.Find.output\n" in repaired.content.decode()
    assert repaired.result.findings == ()


def test_the_suffix_goes_where_it_does_nothing() -> None:
    """WF352."""
    repaired = mend(DOCUMENT.replace("snsTopicArn.$: $.parameters.topic", "snsTopicArn.$: arn:x"))

    assert "snsTopicArn: arn:x" in repaired.content.decode()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("onFailure: Continue", "onFailure: Ignore", id="no word like it"),
        pytest.param(
            "timeoutSeconds: 5\n    onFailure: Continue",
            "timeoutSeconds: 5\n    timeoutSecond: 5\n    onFailure: Continue",
            id="the key that was meant is there too",
        ),
        pytest.param("$.stepOutputs.Launch", "$.stepOutputs.Launch2", id="numbers tell apart"),
        pytest.param("schemaVersion: 1.0", "schemaVersion: 2.0", id="another version"),
        pytest.param(
            "action: LaunchInstance",
            "acton: LaunchInstance\n    Action: LaunchInstance",
            id="two keys of which either may be meant",
        ),
        pytest.param('"action": "Run', '"acton": "Run", "Action": "Run', id="two quoted keys"),
    ],
)
def test_what_is_not_obvious_is_left_to_the_author(right: str, wrong: str) -> None:
    bad = DOCUMENT.replace(right, wrong, 1)
    bad = bad if bad != DOCUMENT else DOCUMENT.replace(right.split("\n    ")[1], wrong, 1)

    repaired = mend(bad)

    assert repaired.edits == ()
    assert repaired.content == bad.encode()


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    good = "\ufeff" + DOCUMENT.replace("\n", "\r\n")

    repaired = mend(good.replace("Continue", "continue").replace("schemaVersion: 1.0\r\n", ""))

    assert repaired.content == good.encode()


def test_a_repair_that_another_brings_to_light_is_made_too() -> None:
    bad = DOCUMENT.replace("action: WaitForAction", "acton: WaitForAction").replace(
        "snsTopicArn", "snsTopicArm"
    )

    repaired = mend(bad)

    assert repaired.content.decode() == DOCUMENT
    assert [str(edit) for edit in repaired.edits] == [
        "write `action` for `acton`",
        "write `snsTopicArn.$` for `snsTopicArm.$`",
    ]


def test_what_is_not_obvious_keeps_no_other_repair_from_being_made() -> None:
    bad = DOCUMENT.replace("name:   Launch", "Name:   Launch\n    NAME: Launch")

    repaired = mend(bad.replace("onFailure: Continue", "onFailure: continue"))

    assert repaired.content == bad.encode()
    assert [str(edit) for edit in repaired.edits] == ["write `Continue` for `continue`"]


@at_random
@given(CHANGES)
def test_a_repaired_document_repairs_to_itself(changes: list[tuple[int, int, list[str]]]) -> None:
    once = repair(mutated(changes).encode("utf-8", "replace"), check)

    twice = repair(once.content, check)

    assert (twice.content, twice.edits) == (once.content, ())


@pytest.mark.parametrize("rule", WORKFLOW_RULES, ids=lambda rule: rule.code)
def test_the_bad_document_of_a_rule_is_mended_once(rule: type[Rule]) -> None:
    once = mend(rule.bad)

    assert repair(once.content, check).edits == ()
