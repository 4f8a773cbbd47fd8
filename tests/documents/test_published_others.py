"""Published files that are no good document: each is told what it is, or what is wrong with it."""

import pytest
from tests.documents.workflow.test_workflow_corpus import CORPUS, needs_corpus

from imagewright.actions.table import ACTIONS
from imagewright.documents.recognise import DocumentKind
from imagewright.documents.validation import validate
from imagewright.runner.modules.table import SPECS

OTHER = CORPUS / "other"

TEMPLATE = (
    "this is a CloudFormation template, not a workflow document or a component document",
    "check the document that it holds below `Data`, in a file of its own",
)
REQUEST = (
    "this is the input of an API call, not a workflow document or a component document",
    "check the document that it names with `data` or `uri`, if it does",
)
FILES = {
    "aws-samples__aws-hpc-recipes__create-pcs-image.yaml": TEMPLATE,
    "aws-samples__aws-hpc-recipes__imagebuilder-infrastructure.yaml": TEMPLATE,
    "aws-samples__aws-hpc-recipes__infrastructure-configurations.yaml": TEMPLATE,
    "aws-samples__build-and-deploy-docker-images-to-aws-using-ec2-image-builder__"
    "docker-image-builder.yml": TEMPLATE,
    "aws-samples__deploy-cis-level-1-hardened-ami-with-ec2-image-builder-pipeline__"
    "nginx-image-builder.yml": TEMPLATE,
    "kyhau__aws-tools__runner-amazonlinux2-x86-ec2.yaml": TEMPLATE,
    **{
        f"aws__aws-cli__{name}.json": REQUEST
        for name in (
            *("create-component", "import-component", "create-image-recipe"),
            *("create-image-pipeline", "update-image-pipeline"),
            *("create-distribution-configuration", "update-distribution-configuration"),
            *("create-infrastructure-configuration", "update-infrastructure-configuration"),
        )
    },
    "EmmanuelTsouris__ec2-image-builder-components__install-vscode.yml": (
        "this line is neither a key with a value nor part of the lines above",
        "a key ends in `:`; a script of several lines stands below `|`, indented",
    ),
}
GOOD = {
    "CloudSnorkel__cdk-github-runners__aws-image-builder-workflow-"
    "generateBuildWorkflowWithDockerSetupCommands.json": DocumentKind.WORKFLOW,
    "aws-samples__aws-sap-golden-ami-image-builder__call_ansible_from_git.yml": (
        DocumentKind.COMPONENT
    ),
    "ministryofjustice__modernisation-platform-ami-builds__stig_rhel6_ansible.yml": (
        DocumentKind.COMPONENT
    ),
}


@needs_corpus
@pytest.mark.parametrize(("name", "said"), FILES.items(), ids=lambda value: str(value)[-40:])
def test_a_file_gets_one_message_and_a_way_out(name: str, said: tuple[str, str]) -> None:
    result = validate((OTHER / name).read_bytes(), actions=ACTIONS, modules=SPECS)

    assert [(finding.message, finding.help) for finding in result.findings] == [said]


@needs_corpus
@pytest.mark.parametrize(("name", "kind"), GOOD.items(), ids=lambda value: str(value)[-40:])
def test_a_good_document_among_them_is_known(name: str, kind: DocumentKind) -> None:
    result = validate((OTHER / name).read_bytes(), actions=ACTIONS, modules=SPECS)

    assert (result.kind, result.findings) == (kind, ())


@needs_corpus
def test_every_one_of_them_is_judged_here() -> None:
    assert {path.name for path in OTHER.iterdir()} == {*FILES, *GOOD}
