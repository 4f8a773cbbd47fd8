"""``$.imagebuilder.…``: every variable with its true value (``workflow-documents.md`` §5.5)."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from imagewright.documents.specs import Stage
from imagewright.documents.workflow.system import SYSTEM_VARIABLES
from imagewright.engine.plan import BuildPlan, Infrastructure
from imagewright.engine.variables import system_variables

ARN = "arn:aws:imagebuilder:eu-west-1:123456789012:image/web/1.2.3/4"
PLAN = BuildPlan(
    image_arn=ARN,
    account="123456789012",
    region="eu-west-1",
    image_name="web",
    version="1.2.3",
    build=4,
    parent_image="debian-12",
    working_directory="/var/tmp",
    collect_metadata=False,
    collect_scan_findings=True,
    log_group="/aws/imagebuilder/web",
    infrastructure=Infrastructure(
        instance_profile_name="builder",
        security_group_ids=["sg-1", "sg-2"],
        subnet_id="subnet-1",
        terminate_on_failure=False,
        s3_bucket_name="logs",
        s3_key_prefix="builds",
    ),
)
STARTED = datetime(2026, 1, 31, 13, 30, 15, 123456, timezone(timedelta(hours=1)))


def variables(plan: BuildPlan = PLAN, stage: Stage = Stage.BUILD) -> dict[str, Any]:
    return system_variables(plan, stage, started_at=STARTED, base_image_id="ami-0123456789abcdef0")


def test_every_variable_has_the_value_of_the_build() -> None:
    assert variables() == {
        "cloudWatchLogGroup": "/aws/imagebuilder/web",
        "cloudWatchLogStream": "1.2.3/4",
        "collectImageMetadata": False,
        "collectImageScanFindings": True,
        "dateTime": "2026-01-31T12:30:15.123Z",
        "imageBuildNumber": 4,
        "imageId": "ami-0123456789abcdef0",
        "imageName": "web",
        "imageType": "AMI",
        "imageVersionNumber": "1.2.3",
        "instanceProfileName": "builder",
        "platform": "Linux",
        "s3Logs": {"s3Logs": {"s3BucketName": "logs", "s3KeyPrefix": "builds"}},
        "securityGroups": ["sg-1", "sg-2"],
        "sourceImageARN": ARN,
        "subnetId": "subnet-1",
        "terminateInstanceOnFailure": False,
        "workflowPhase": "Build",
        "workingDirectory": "/var/tmp",
    }
    assert tuple(sorted(variables())) == tuple(sorted(SYSTEM_VARIABLES.names))


@pytest.mark.parametrize(
    ("stage", "phase"),
    [(Stage.BUILD, "Build"), (Stage.TEST, "Test"), (Stage.DISTRIBUTION, "Distribution")],
)
def test_the_phase_is_the_stage_that_runs(stage: Stage, phase: str) -> None:
    assert variables(stage=stage)["workflowPhase"] == phase


@pytest.mark.parametrize(
    ("platform", "spelt"), [("Linux", "Linux"), ("Windows", "Windows"), ("macOS", "MacOS")]
)
def test_the_platform_is_spelt_as_in_the_table_of_variables(platform: Any, spelt: str) -> None:
    """§14.7: the API's enum spells macOS."""
    assert variables(replace(PLAN, platform=platform))["platform"] == spelt


def test_a_container_is_docker_in_capitals() -> None:
    """§14.7: managed documents compare with it."""
    assert variables(replace(PLAN, image_type="DOCKER"))["imageType"] == "DOCKER"


def test_what_the_configuration_does_not_say_has_no_value() -> None:
    bare = variables(replace(PLAN, infrastructure=Infrastructure()))

    assert {"instanceProfileName", "s3Logs", "subnetId"}.isdisjoint(bare)
    assert bare["securityGroups"] == []
    assert bare["terminateInstanceOnFailure"] is True


def test_before_the_run_the_time_and_the_base_image_are_not_known() -> None:
    """§14.10: the time is fixed at the start of the workflow."""
    known = system_variables(PLAN, Stage.BUILD, started_at=None, base_image_id=None)

    assert {"dateTime", "imageId"}.isdisjoint(known)
