"""The AWS CLI, as users have it, through the profile that ``imagewright env`` writes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.api.test_image_pipelines import parts, sized, workflow
from tests.cli.conftest import Run, run_program
from tests.conftest import Server

Aws = Callable[..., "subprocess.CompletedProcess[str]"]

WORKFLOW = """\
name: from-a-file
schemaVersion: 1.0
parameters:
  - name: size
    type: integer
    default: 7
steps:
  - name: Launch
    action: LaunchInstance
    inputs: {waitFor: ssmAgent}
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""


@pytest.fixture
def aws(run: Run, home: Path, tmp_path: Path, server: Server) -> Aws:
    """Run ``aws`` in the profile of the server."""
    assert run("env", "--format", "profile", "--state", server.state).returncode == 0

    def aws(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_program(
            [sys.executable, "-m", "awscli", *arguments],
            home,
            folder=tmp_path,
            environment={
                "AWS_PROFILE": "imagewright",
                "AWS_PAGER": "",
                "AWS_RETRY_MODE": "standard",
            },
        )

    return aws


def answered(done: "subprocess.CompletedProcess[str]") -> Any:
    """Return the answer of a call that went well."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_caller_is_the_installations_first_user(aws: Aws) -> None:
    assert answered(aws("sts", "get-caller-identity"))["Arn"] == (
        "arn:aws:iam::000000000000:user/imagewright"
    )


def test_a_workflow_is_created_from_a_file_read_and_listed(
    aws: Aws, tmp_path: Path, name: str
) -> None:
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)

    created = answered(
        aws(
            "imagebuilder", "create-workflow", "--name", name, "--semantic-version", "1.0.0",
            "--type", "BUILD", "--data", "file://workflow.yaml", "--tags", "team=images",
        )
    )  # fmt: skip
    arn = created["workflowBuildVersionArn"]
    found = answered(aws("imagebuilder", "get-workflow", "--workflow-build-version-arn", arn))
    listed = answered(
        aws(
            "imagebuilder",
            "list-workflows",
            "--owner",
            "Self",
            "--filters",
            f"name=name,values={name}",
        )
    )

    assert arn.endswith(f":workflow/build/{name.replace('_', '-')}/1.0.0/1")
    assert found["workflow"]["data"] == WORKFLOW
    assert found["workflow"]["parameters"][0]["defaultValue"] == ["7"]
    assert found["workflow"]["tags"] == {"team": "images"}
    assert [entry["version"] for entry in listed["workflowVersionList"]] == ["1.0.0"]


def test_a_typo_is_refused_with_its_line_column_and_what_was_meant(
    aws: Aws, tmp_path: Path, name: str
) -> None:
    """CRT-40, CRT-41."""
    (tmp_path / "workflow.yaml").write_text(WORKFLOW.replace("Outputs.Launch", "Outputs.Lanch"))

    done = aws(
        "imagebuilder", "create-workflow", "--name", name, "--semantic-version", "1.0.0",
        "--type", "BUILD", "--data", "file://workflow.yaml",
    )  # fmt: skip

    assert done.returncode != 0
    assert "InvalidParameterValueException" in done.stderr
    assert "did you mean `Launch`? (line 14, column 35)" in done.stderr


def test_a_distribution_configuration_is_created_from_a_file_and_read(
    aws: Aws, tmp_path: Path, name: str
) -> None:
    distributions = [
        {
            "region": "us-west-2",
            "amiDistributionConfiguration": {"name": "web {{ imagebuilder:buildDate }}"},
        }
    ]
    request = {"name": name, "distributions": distributions}
    (tmp_path / "request.json").write_text(json.dumps(request))

    created = answered(
        aws(
            "imagebuilder",
            "create-distribution-configuration",
            "--cli-input-json",
            "file://request.json",
        )
    )
    arn = created["distributionConfigurationArn"]
    found = answered(
        aws(
            "imagebuilder",
            "get-distribution-configuration",
            "--distribution-configuration-arn",
            arn,
        )
    )

    assert arn.endswith(f":distribution-configuration/{name.replace('_', '-')}")
    assert found["distributionConfiguration"]["distributions"] == distributions


def test_a_pipeline_is_made_and_started_with_parameters_as_tags(
    aws: Aws, server: Server, name: str
) -> None:
    client: Any = server.client()
    needed = parts(client, name)
    flow = workflow(client, name)

    created = answered(
        aws(
            "imagebuilder", "create-image-pipeline", "--name", name,
            "--image-recipe-arn", needed["imageRecipeArn"],
            "--infrastructure-configuration-arn", needed["infrastructureConfigurationArn"],
            "--execution-role", "builder",
            "--workflows", json.dumps([sized(flow)]),
            "--schedule", "scheduleExpression=cron(0 4 ? * MON-FRI 2050),timezone=Europe/Zurich",
        )
    )  # fmt: skip
    arn = created["imagePipelineArn"]
    started = answered(
        aws(
            "imagebuilder", "start-image-pipeline-execution", "--image-pipeline-arn", arn,
            "--tags", "imagewright:parameter:size=40",
        )
    )  # fmt: skip
    image = started["imageBuildVersionArn"]
    found = answered(aws("imagebuilder", "get-image", "--image-build-version-arn", image))["image"]
    client.cancel_image_creation(imageBuildVersionArn=image)
    shown = answered(aws("imagebuilder", "get-image-pipeline", "--image-pipeline-arn", arn))

    assert found["workflows"] == [sized(flow, "40")]
    assert found["sourcePipelineArn"] == arn
    assert shown["imagePipeline"]["dateNextRun"] == "2050-01-03T03:00:00.000Z"
