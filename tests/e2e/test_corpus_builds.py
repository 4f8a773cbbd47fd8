"""Real documents of other people build, through boto3 and through the AWS CLI."""

import csv
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.conftest import REGION, wait_until
from tests.e2e.conftest import BUILD_SECONDS, FINAL, PARENT, Bench
from tests.e2e.test_builds import component

CORPUS = Path(__file__).parents[3] / "shared/corpus"
MIRROR_SECONDS = 300

HPC = "aws-samples__aws-hpc-recipes__dlami-for-pcs-{}Component.yaml"
RUNNERS = "CloudSnorkel__cdk-github-runners__github-runners-test.template-{}UbuntuLinux.json"
CDK = "aws__aws-cdk__aws-cdk-imagebuilder-{}.yaml"
PYTHON = "aws-samples__aws-cdk-imagebuilder-pipeline__install_python3.yml"

OFFLINE: Mapping[str, list[str] | None] = {
    RUNNERS.format("RunnerUser"): None,
    RUNNERS.format("EnvironmentVariables"): [],
    HPC.format("SlurmPathConfig"): [
        "Configuring Slurm PATH...",
        "Slurm PATH configuration complete",
    ],
    "aws-samples__build-and-deploy-docker-images-to-aws-using-ec2-image-builder__"
    "components-component.yml": [
        "BuildDebug section",
        "ValidateDebug section",
        "TestDebug section",
    ],
    CDK.format("component-all-parameters.template-InlineComponent"): [
        "Hello build!",
        "Hello validate!",
        "Hello test!",
    ],
    CDK.format("container-recipe-all-parameters.template-ParameterizedComponent"): [
        "/root",
        "/the/working/directory",
    ],
    "aws__aws-cli__get-component-data.yaml": ["Hello World! Test."],
    "jacklin213__imagebuilder-component-builder__hello_world.json": [
        "Hello World! Build.",
        "Hello World! Validate.",
        "Hello World! Test.",
    ],
    "ministryofjustice__modernisation-platform-ami-builds__linux-linux.yml": [
        "Hello World from the build phase.",
        "Hello World from the validate phase.",
        "Hello world from the test phase",
    ],
}
"""What each prints on standard output, in the order in which they are to run; None: whatever."""

PARAMETERS = {
    CDK.format("container-recipe-all-parameters.template-ParameterizedComponent"): {
        # Its author writes `echo ${{ parameter1 }}`, which gives the shell a variable to expand.
        "parameter1": "HOME",
        "parameter2": "PWD",
    },
    "ministryofjustice__modernisation-platform-ami-builds__linux-linux.yml": {"Version": "2.0.0"},
}

LEFT_BEHIND = (
    "set -e",
    # RunnerUser: a user of that group, who may become anyone without a password.
    "id -nG runner | grep -qx runner",
    'test "$(sudo -u runner sudo -n id -u)" = 0',
    # EnvironmentVariables, behind it.
    "test \"$(cat /home/runner/.env)\" = 'HELLO=world\nFOO=bar'",
    # SlurmPathConfig: what a login shell sees.
    "stat -c %a /etc/profile.d/slurm.sh | grep -qx 644",
    "bash -lc 'echo $PATH' | grep -q '^/opt/aws/pcs/scheduler/slurm-24.11/bin:'",
)

PACKAGES = {
    RUNNERS.format("RequiredPackages"): {
        "curl", "sudo", "jq", "bash", "zip", "unzip", "iptables", "software-properties-common",
        "ca-certificates",
    },
    PYTHON: {
        "python3-pip", "python3-venv", "build-essential", "libssl-dev", "libffi-dev", "python3-dev",
    },
}  # fmt: skip
"""What those install that need Debian's package manager and nothing else."""

INSTALLED = (
    "set -e",
    "pip3 --version && python3 -m venv --without-pip /tmp/venv && /tmp/venv/bin/python -c pass",
    "echo 'int main(void) { return 0; }' >/tmp/c.c && gcc -o /tmp/c /tmp/c.c && /tmp/c",
    'test "$(jq -n 1+1)" = 2',
)

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="needs the corpus of public documents beside the project"
)


def document(name: str, kind: str = "components") -> str:
    """Return the text of a document of the corpus."""
    return (CORPUS / kind / name).read_text()


def rows(kind: str) -> list[dict[str, str]]:
    """Return the corpus's index of one kind."""
    if not CORPUS.exists():
        return []
    with (CORPUS / "INDEX.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["kind"] == kind]


def entry(bench: Bench, name: str) -> dict[str, Any]:
    """Register a component of the corpus and return its place in a recipe."""
    return placed(name, bench.component(document(name)))


def placed(name: str, component_arn: str) -> dict[str, Any]:
    """Return the place of a component in a recipe, with the parameters that it wants."""
    made: dict[str, Any] = {"componentArn": component_arn}
    if given := PARAMETERS.get(name):
        made["parameters"] = [{"name": key, "value": [text]} for key, text in given.items()]
    return made


def said(bench: Bench, arn: str, component_arn: str) -> list[str]:
    """Return what a component printed on standard output."""
    entries = [json.loads(line) for line in bench.log(arn).splitlines()]
    return [
        entry["text"]
        for entry in entries
        if entry.get("component") == component_arn and entry.get("stream") == "stdout"
    ]


def test_every_document_that_the_index_calls_runnable_offline_is_here() -> None:
    runnable = {
        Path(row["file"]).name
        for row in rows("component")
        if (row["platform"], row["runnable-offline"]) == ("Linux", "yes")
    }

    assert runnable == OFFLINE.keys()


def test_components_that_need_nothing_end_as_their_authors_meant(bench: Bench) -> None:
    fresh = bench.component(component("echo fresh"))  # so that no layer of before is reused
    entries = {name: entry(bench, name) for name in OFFLINE}
    check = bench.component(component(*LEFT_BEHIND, phase="test"))
    recipe = bench.recipe(
        fresh, *entries.values(), check, workingDirectory="/the/working/directory"
    )

    arn = bench.start(recipe)

    bench.built(arn)
    found = {name: said(bench, arn, entry["componentArn"]) for name, entry in entries.items()}
    assert found == {
        name: found[name] if lines is None else lines for name, lines in OFFLINE.items()
    }
    bench.nothing_is_left()


@pytest.mark.usefixtures("mirror")
def test_components_that_need_debians_packages_end_as_their_authors_meant(bench: Bench) -> None:
    check = bench.component(component(*INSTALLED, phase="test"))
    fresh = bench.component(component("echo fresh"))
    recipe = bench.recipe(fresh, *(entry(bench, name) for name in PACKAGES), check)

    arn = bench.start(recipe)

    image = bench.finished(arn, seconds=MIRROR_SECONDS)
    assert image["state"] == {"status": "AVAILABLE"}, bench.explain(arn)
    listed = bench.client.get_paginator("list_image_packages").paginate(imageBuildVersionArn=arn)
    packages = {each["packageName"] for page in listed for each in page["imagePackageList"]}
    assert set().union(*PACKAGES.values()) <= packages
    bench.nothing_is_left()


def test_a_component_for_another_distribution_says_which_command_it_lacks(bench: Bench) -> None:
    """IMG-33."""
    git = entry(bench, RUNNERS.format("Git"))

    arn = bench.start(bench.recipe(git))

    failure = bench.finished(arn)["state"]["failureContext"]["componentFailure"]
    assert (failure["componentArn"], failure["stepName"]) == (git["componentArn"], "Run")
    assert "exit status 127" in failure["errorMessage"]
    assert "add-apt-repository: command not found" in failure["errorMessage"]
    bench.nothing_is_left()


IMAGE_ID = "\noutputs:\n  - {name: ImageId, value: $.stepOutputs.CreateOutputAMI.imageId}\n"

CDK_WORKFLOWS = (
    CDK.format("workflow-all-parameters.template-InlineWorkflow"),
    "aws__aws-cdk__workflow-data.yaml",
)
CLI_WORKFLOWS = (
    "aws__aws-cli__create-workflow-workflow-doc-yaml.yaml",
    "aws__aws-cli__get-workflow-data.yaml",
)
APPROVED_WORKFLOW = "aws__aws-cdk__workflow.test-expected-Data-with-all-parameters.yaml"
REFUSED_WORKFLOWS = {
    "aws__aws-cdk__aws-imagebuilder-alpha-README-fromInline3.yaml",
    "aws__aws-cdk__workflow.test-earlier-revision-expected-Data-with-all-parameters.yaml",
    "aws__aws-cdk__workflow.test-expected-Data-with-required-parameters.yaml",
    "aws__aws-cdk__workflow.test-inline-string-test.yaml",
}


def test_every_workflow_is_registered_or_refused(bench: Bench) -> None:
    """CRT-52."""
    for row in rows("workflow"):
        name = Path(row["file"]).name
        text = document(name, "workflows")
        if name not in REFUSED_WORKFLOWS:
            bench.workflow(text)
            continue
        with pytest.raises(ClientError) as caught:
            bench.workflow(text)
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


@pytest.mark.parametrize("name", CDK_WORKFLOWS, ids=lambda name: name.split("__")[-1])
def test_a_build_workflow_of_the_cdk_builds(bench: Bench, name: str) -> None:
    """IMG-11, workflow-documents.md §11."""
    recipe = bench.recipe(bench.component(component("echo built > /built")))

    arn = bench.start(recipe, workflows=[bench.workflow(document(name, "workflows"))])

    image = bench.built(arn)
    assert image["outputResources"]["amis"][0]["image"].startswith("ami-")
    assert {name: step["status"] for name, step in bench.steps(arn).items()} == {
        "LaunchBuildInstance": "COMPLETED",
        "ApplyBuildComponents": "COMPLETED",
        "InventoryCollection": "COMPLETED",
        "RunSanitizeScript": "COMPLETED",
        "RunSysPrepScript": "SKIPPED",
        "CreateOutputAMI": "COMPLETED",
        "TerminateBuildInstance": "COMPLETED",
    }


@pytest.mark.parametrize("name", CLI_WORKFLOWS, ids=lambda name: name.split("__")[-1])
def test_a_sample_of_the_cli_builds_once_it_puts_out_its_image(bench: Bench, name: str) -> None:
    """IMG-11, EXE-12."""
    text = document(name, "workflows")
    with pytest.raises(ClientError, match="ImageId"):
        bench.start(bench.recipe(), workflows=[bench.workflow(text)])
    recipe = bench.recipe(bench.component(component("echo built > /built")))

    arn = bench.start(recipe, workflows=[bench.workflow(text + IMAGE_ID)])

    if "WaitForAction" in text:
        resume(bench, arn)
    bench.built(arn)
    assert {step["status"] for step in bench.steps(arn).values()} == {"COMPLETED"}


def test_a_parameter_switches_off_that_a_sample_waits(bench: Bench) -> None:
    """CRT-52."""
    workflow = bench.workflow(document(CLI_WORKFLOWS[1], "workflows") + IMAGE_ID)
    never = [{"name": "waitForActionAtEnd", "value": ["false"]}]

    arn = bench.start(
        bench.recipe(bench.component(component("echo built > /built"))),
        workflows=[{"workflowArn": workflow, "parameters": never}],
    )

    bench.built(arn)
    assert bench.steps(arn)["WaitForActionAtEnd"]["status"] == "SKIPPED"


def test_the_approval_gate_of_the_cdk_wants_a_topic_that_can_be_reached(bench: Bench) -> None:
    workflow = bench.workflow(document(APPROVED_WORKFLOW, "workflows"))

    with pytest.raises(ClientError, match=r"'WaitForApproval' needs sns .* aws\.sns_endpoint"):
        bench.start(bench.recipe(), workflows=[workflow])


def resume(bench: Bench, arn: str) -> None:
    """Answer the step of a build that waits."""

    def waiting() -> list[str]:
        steps = bench.client.list_waiting_workflow_steps()["steps"]
        return [each["stepExecutionId"] for each in steps if each["imageBuildVersionArn"] == arn]

    wait_until(lambda: bool(waiting()))
    bench.client.send_workflow_step_action(
        stepExecutionId=waiting()[0], imageBuildVersionArn=arn, action="RESUME"
    )


Aws = Callable[..., Any]


@pytest.fixture
def aws(bench: Bench, tmp_path: Path) -> Aws:
    """Call ``aws imagebuilder`` with words as a user types them, and return what it answers."""
    key = bench.server.key()
    environment = {
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL_IMAGEBUILDER": bench.server.url,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
    }

    def call(words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "awscli", "imagebuilder", *shlex.split(words)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


def test_real_documents_build_through_the_aws_cli(aws: Aws, bench: Bench) -> None:
    unique = uuid4().hex[:12]
    made = {
        name: aws(
            f"create-component --name cli-{unique}-{number} --semantic-version 1.0.0 "
            f"--platform Linux --data file://{CORPUS / 'components' / name}"
        )["componentBuildVersionArn"]
        for number, name in enumerate(OFFLINE)
    }
    entries = [placed(name, arn) for name, arn in made.items()]
    recipe = aws(
        f"create-image-recipe --name cli-{unique} --semantic-version 1.0.0 "
        f"--parent-image {PARENT} --working-directory /the/working/directory "
        f"--components {shlex.quote(json.dumps(entries))}"
    )["imageRecipeArn"]
    infrastructure = aws(
        f"create-infrastructure-configuration --name cli-{unique} --instance-profile-name builder"
    )["infrastructureConfigurationArn"]
    workflow = aws(
        f"create-workflow --name cli-{unique} --semantic-version 1.0.0 --type BUILD "
        f"--data file://{CORPUS / 'workflows' / CDK_WORKFLOWS[1]}"
    )["workflowBuildVersionArn"]

    image = aws(
        f"create-image --image-recipe-arn {recipe} "
        f"--infrastructure-configuration-arn {infrastructure} --execution-role builder "
        f"--workflows workflowArn={workflow} "
        "workflowArn=arn:aws:imagebuilder:us-east-1:aws:workflow/test/test-image/x.x.x"
    )["imageBuildVersionArn"]

    state = awaited(aws, image)
    assert state == {"status": "AVAILABLE"}, bench.explain(image)
    for name, lines in OFFLINE.items():
        assert lines is None or said(bench, image, made[name]) == lines
    packages = aws(f"list-image-packages --image-build-version-arn {image}")
    assert "bash" in {each["packageName"] for each in packages["imagePackageList"]}
    bench.nothing_is_left()


def awaited(aws: Aws, image: str) -> Any:
    """Ask until a build is over; the CLI has no waiter for images."""
    deadline = time.monotonic() + BUILD_SECONDS
    while True:
        state = aws(f"get-image --image-build-version-arn {image}")["image"]["state"]
        if state["status"] in FINAL:
            return state
        if time.monotonic() > deadline:
            pytest.fail(f"the build did not end: {state}")
