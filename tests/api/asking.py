"""What tests of several resource families ask alike."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "000000000000"
VALUE, COMBINATION = "InvalidParameterValueException", "InvalidParameterCombinationException"
ABSENT, EXISTS = "ResourceNotFoundException", "ResourceAlreadyExistsException"


def arn_of(resource: str, *, account: str = ACCOUNT) -> str:
    """Name a resource, ``component/web/1.0.0/1``."""
    return f"arn:aws:imagebuilder:{REGION}:{account}:{resource}"


def latest_of(base: str) -> dict[str, str]:
    """Return the references that go with version 1.0.0 of a resource (VER-21)."""
    return {
        "latestVersionArn": f"{base}/x.x.x",
        "latestMajorVersionArn": f"{base}/1.x.x",
        "latestMinorVersionArn": f"{base}/1.0.x",
        "latestPatchVersionArn": f"{base}/1.0.0",
    }


def refusal(operation: Callable[..., Any], **request: Any) -> tuple[str, int, str]:
    """Ask for what cannot be; return the error's code, status and message."""
    with pytest.raises(ClientError) as caught:
        operation(**request)
    error = caught.value.response
    return (
        error["Error"]["Code"],
        error["ResponseMetadata"]["HTTPStatusCode"],
        error["Error"]["Message"],
    )


def given(**members: Any) -> dict[str, Any]:
    """Leave out what is None."""
    return {name: value for name, value in members.items() if value is not None}


def component_document(
    command: str = "echo hello", *, phases: tuple[str, ...] = ("build",), parameters: str = ""
) -> str:
    """Write a document of one step a phase; ``parameters`` is the section's text."""
    steps = "".join(
        f"""\
  - name: {phase}
    steps:
      - name: Say
        action: ExecuteBash
        inputs:
          commands:
            - {command}
"""
        for phase in phases
    )
    return f"schemaVersion: 1.0\n{parameters}phases:\n{steps}"


def make_component(client: Any, name: str, /, **changes: Any) -> str:
    """Create a component of version 1.0.0 unless told otherwise; return its build's ARN."""
    arn: str = client.create_component(**component_request(name, **changes))[
        "componentBuildVersionArn"
    ]
    return arn


def component_request(name: str, /, **changes: Any) -> dict[str, Any]:
    """Ask for a small Linux component."""
    request = {
        "name": name,
        "semanticVersion": "1.0.0",
        "platform": "Linux",
        "data": component_document(),
    }
    return given(**{**request, **changes})
