"""The record of an image that its topic is told (SNS-02, SNS-03)."""

from typing import Any
from uuid import UUID

import pytest

from imagewright.arns import Arn
from imagewright.documents.specs import Stage
from imagewright.engine.image_messages import image_message

OURS = "arn:aws:imagebuilder:us-west-1:123456789012"
BODY: dict[str, Any] = {
    "state": {
        "status": "FAILED", "reason": "It broke.", "failureContext": {"buildFailure": {}},
    },
    "imageRecipe": {
        "arn": f"{OURS}:image-recipe/example/1.0.0",
        "type": "CUSTOM",
        "owner": "123456789012",
        "name": "example",
        "version": "1.0.0",
        "parentImage": "ami-0a1b2c3d",
        "components": [{"componentArn": f"{OURS}:component/a/1.0.0/1"}],
        "dateCreated": "2021-02-24T00:31:54.103Z",
        "tags": {"team": "web"},
    },
    "infrastructureConfiguration": {
        "arn": f"{OURS}:infrastructure-configuration/example",
        "name": "example",
        "snsTopicArn": "arn:aws:sns:us-west-1:123456789012:images",
        "dateCreated": "2021-02-24T12:31:55.000Z",
        "tags": {},
    },
    "imageTestsConfiguration": {"imageTestsEnabled": True, "timeoutMinutes": 720},
    "outputResources": {"amis": []},
    "enhancedImageMetadataEnabled": True,
    "buildType": "USER_INITIATED",
    "workflows": [],
}  # fmt: skip


def message(**more: Any) -> dict[str, Any]:
    return image_message(
        Arn.parse(f"{OURS}:image/example/1.0.0/{more.pop('build', 3)}"),
        **{
            "name": "Example",
            "image_type": "AMI",
            "platform": "Linux",
            "created_at": "2022-07-28T01:13:45.500Z",
            "tags": {"mine": "yes"},
            "body": BODY,
            "executions": {Stage.BUILD: "wf-1", Stage.DISTRIBUTION: "wf-2"},
            **more,
        },
    )


def test_the_record_has_what_aws_tells() -> None:
    told = message()

    internal = told["tags"].pop("internalId")
    recipe, infrastructure = told.pop("imageRecipe"), told.pop("infrastructureConfiguration")
    assert told == {
        "versionlessArn": f"{OURS}:image/example",
        "semver": 1237940039285380274899124227,
        "arn": f"{OURS}:image/example/1.0.0/3",
        "name": "Example",
        "version": "1.0.0",
        "type": "AMI",
        "buildVersion": 3,
        "state": {"status": "FAILED", "reason": "It broke."},
        "platform": "Linux",
        "imageTestsConfigurationDocument": {"imageTestsEnabled": True, "timeoutMinutes": 720},
        "dateCreated": "Jul 28, 2022 1:13:45 AM",
        "outputResources": {"amis": []},
        "buildExecutionId": "wf-1",
        "distributionJobId": "wf-2",
        "integrationJobId": "wf-2",
        "accountId": "123456789012",
        "enhancedImageMetadataEnabled": True,
        "buildType": "USER_INITIATED",
        "tags": {"mine": "yes", "resourceArn": f"{OURS}:image/example/1.0.0/3"},
    }
    assert str(UUID(internal)) == internal
    assert recipe["accountId"] == infrastructure["accountId"] == "123456789012"
    assert recipe["dateCreated"] == "Feb 24, 2021 12:31:54 AM"
    assert infrastructure["dateCreated"] == "Feb 24, 2021 12:31:55 PM"
    assert recipe["tags"]["resourceArn"] == f"{OURS}:image-recipe/example/1.0.0"
    assert recipe["tags"]["team"] == "web"
    assert "owner" not in recipe


@pytest.mark.parametrize(("build", "semver"), [(7, 1237940039285380274899124231)])
def test_a_version_is_one_number(build: int, semver: int) -> None:
    """VER-04."""
    assert message(build=build)["semver"] == semver
