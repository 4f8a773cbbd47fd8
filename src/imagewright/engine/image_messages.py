"""What the topic of an infrastructure configuration is told of an image (SNS-01 to SNS-03).

It is the record that AWS keeps of an image, not the shape that its API answers with.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from imagewright.arns import Arn
from imagewright.documents.specs import Stage
from imagewright.versions import Version

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NODE_BITS = 30
_PARTS = ("imageRecipe", "containerRecipe", "infrastructureConfiguration",
          "distributionConfiguration")  # fmt: skip
_NOT_IN_PARTS = frozenset({"owner", "type", "dateUpdated", "dateCreated", "tags"})

Json = Mapping[str, Any]


def image_message(
    arn: Arn,
    *,
    name: str,
    image_type: str | None,
    platform: str | None,
    created_at: str,
    tags: Mapping[str, str],
    body: Json,
    executions: Mapping[Stage, str],
) -> dict[str, Any]:
    """Return the record of an image as it is now; JSON values.

    ``body`` is what the image keeps besides, as the API shows it; ``executions`` are the ids of the
    first workflow execution of each stage that has one. What an image has not is left out.
    """
    version = Version.parse(str(arn.version))
    state = {key: text for key, text in body["state"].items() if key in {"status", "reason"}}
    distributed = executions.get(Stage.DISTRIBUTION)
    record = {
        "versionlessArn": str(arn.with_version(None)),
        "semver": _packed(version, arn.build or 0),
        "arn": str(arn),
        "name": name,
        "version": arn.version,
        "type": image_type,
        "buildVersion": arn.build,
        "state": state,
        "platform": platform,
        **{part: _part(body[part], arn.account) for part in _PARTS if part in body},
        "sourcePipelineArn": body.get("sourcePipelineArn"),
        "imageTestsConfigurationDocument": body.get("imageTestsConfiguration"),
        "dateCreated": _date(created_at),
        "outputResources": body.get("outputResources"),
        "buildExecutionId": executions.get(Stage.BUILD),
        "testExecutionId": executions.get(Stage.TEST),
        "distributionJobId": distributed,
        "integrationJobId": distributed,  # one workflow does both here
        "accountId": arn.account,
        "osVersion": body.get("osVersion"),
        "enhancedImageMetadataEnabled": body.get("enhancedImageMetadataEnabled"),
        "buildType": body.get("buildType"),
        "tags": _tags(str(arn), tags),
    }
    return {key: value for key, value in record.items() if value is not None}


def _part(shown: Json, account: str) -> dict[str, Any]:
    """Return what an image was made from, as the record has it."""
    kept = {key: value for key, value in shown.items() if key not in _NOT_IN_PARTS}
    dates = {key: _date(shown[key]) for key in ("dateCreated", "dateUpdated") if key in shown}
    tags = _tags(shown["arn"], shown.get("tags", {}))
    return {**kept, **dates, "tags": tags, "accountId": account}


def _tags(arn: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags with the two that AWS keeps among them."""
    return {"internalId": str(uuid.uuid5(uuid.NAMESPACE_URL, arn)), "resourceArn": arn, **tags}


def _packed(version: Version, build: int) -> int:
    """Return a version as one number (VER-04)."""
    packed = 0
    for node in (*version, build):
        packed = (packed << _NODE_BITS) + node
    return packed


def _date(text: str) -> str:
    """Spell a time as ``Jul 28, 2022 1:13:45 AM``."""
    at = datetime.fromisoformat(text)
    half = "AM" if at.hour < 12 else "PM"
    clock = f"{at.hour % 12 or 12}:{at.minute:02}:{at.second:02} {half}"
    return f"{_MONTHS[at.month - 1]} {at.day}, {at.year} {clock}"
