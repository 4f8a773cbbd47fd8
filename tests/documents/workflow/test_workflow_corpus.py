"""Documents that people published: each is accepted, or refused for what is wrong with it."""

from pathlib import Path

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of published documents is not beside the repository"
)

ACCEPTED = (
    "workflows/aws__aws-cdk__aws-cdk-imagebuilder-workflow-all-parameters.template-InlineWorkflow.yaml",
    "workflows/aws__aws-cdk__workflow-data.yaml",
    "workflows/aws__aws-cdk__workflow.test-expected-Data-with-all-parameters.yaml",
    "other/CloudSnorkel__cdk-github-runners__aws-image-builder-workflow-"
    "generateBuildWorkflowWithDockerSetupCommands.json",
)

# The guide of the CLI creates workflows that make an image and do not put it out; they can be
# created, but an image built with them is refused (§8).
WITHOUT_IMAGE_OUTPUT = (
    "workflows/aws__aws-cli__create-workflow-workflow-doc-yaml.yaml",
    "workflows/aws__aws-cli__get-workflow-data.yaml",
)

# Unit tests and a read-me of the CDK hold documents that were never sent to the service.
REFUSED = {
    "workflows/aws__aws-cdk__aws-imagebuilder-alpha-README-fromInline3.yaml": (
        "RunCommand needs the input `documentName`; write `documentName: AWS-RunShellScript`",
        "RunCommand has no input `commands`; commands are a parameter of the document",
    ),
    "workflows/aws__aws-cdk__workflow.test-"
    "earlier-revision-expected-Data-with-all-parameters.yaml": (
        "the key is called `default`",
        "LaunchInstance needs the input `waitFor`; write `waitFor: ssmAgent` in `inputs`",
        "write `instanceTypesOverride`, a list, for the types to try",
    ),
    "workflows/aws__aws-cdk__workflow.test-expected-Data-with-required-parameters.yaml": (
        "LaunchInstance needs the input `waitFor`",
        "TerminateInstance needs the input `instanceId`",
    ),
    "workflows/aws__aws-cdk__workflow.test-inline-string-test.yaml": (
        "LaunchInstance needs the input `waitFor`",
        "TerminateInstance needs the input `instanceId`",
    ),
    "other/EmmanuelTsouris__ec2-image-builder-components__install-vscode.yml": (
        "a script of several lines stands below `|`",
    ),
    "other/aws-samples__aws-hpc-recipes__create-pcs-image.yaml": (
        "This is a CloudFormation template, not a workflow document",
    ),
    "other/ministryofjustice__modernisation-platform-ami-builds__stig_rhel6_ansible.yml": (
        "This is a component document, not a workflow document",
    ),
    "other/aws__aws-cli__create-component.json": (
        "This is the input of an API call, not a workflow document",
    ),
}


@needs_corpus
@pytest.mark.parametrize("name", ACCEPTED, ids=lambda name: name.split("__")[-1])
def test_a_published_workflow_is_accepted_without_a_word(name: str) -> None:
    """CRT-52."""
    text = (CORPUS / name).read_text("utf-8")

    checked = load_workflow(text, actions=ACTIONS, stage=Stage.BUILD)

    assert checked.findings == ()
    assert checked.workflow is not None


@needs_corpus
@pytest.mark.parametrize("name", WITHOUT_IMAGE_OUTPUT, ids=lambda name: name.split("__")[-1])
def test_a_published_build_without_the_output_of_its_image_is_accepted_with_a_warning(
    name: str,
) -> None:
    text = (CORPUS / name).read_text("utf-8")

    checked = load_workflow(text, actions=ACTIONS, stage=Stage.BUILD)

    assert [(each.code, each.severity) for each in checked.findings] == [("WF502", "warning")]
    assert checked.workflow is not None


@needs_corpus
@pytest.mark.parametrize(("name", "reasons"), REFUSED.items(), ids=lambda name: str(name)[-40:])
def test_a_broken_document_is_refused_with_reasons_its_author_understands(
    name: str, reasons: tuple[str, ...]
) -> None:
    text = (CORPUS / name).read_text("utf-8")

    checked = load_workflow(text, actions=ACTIONS, stage=Stage.BUILD)

    assert checked.workflow is None
    message = wire_message(checked.findings)
    assert [reason for reason in reasons if reason not in message] == []


@needs_corpus
def test_every_workflow_of_the_corpus_is_judged_here() -> None:
    judged = {*ACCEPTED, *WITHOUT_IMAGE_OUTPUT, *REFUSED}

    assert {f"workflows/{path.name}" for path in (CORPUS / "workflows").iterdir()} <= judged


def test_a_parameter_needs_no_default_and_a_wait_no_inputs() -> None:
    """CRT-52: the shape of the document in Terraform's acceptance tests."""
    text = """\
name: build-image
description: Workflow to build an AMI
schemaVersion: 1.0
parameters:
  - name: waitForActionAtEnd
    type: boolean
steps:
  - name: LaunchBuildInstance
    action: LaunchInstance
    onFailure: Abort
    inputs:
      waitFor: "ssmAgent"
  - name: UpdateSSMAgent
    action: RunCommand
    onFailure: Abort
    inputs:
      documentName: "AWS-UpdateSSMAgent"
      instanceId.$: "$.stepOutputs.LaunchBuildInstance.instanceId"
      parameters:
        allowDowngrade:
          - "false"
  - name: WaitForActionAtEnd
    action: WaitForAction
    if:
      booleanEquals: true
      value: "$.parameters.waitForActionAtEnd"
"""

    checked = load_workflow(text, actions=ACTIONS, stage=Stage.BUILD)

    assert checked.workflow is not None
    # It starts a machine that nothing ends.
    assert [each.code for each in checked.findings] == ["WF503"]
