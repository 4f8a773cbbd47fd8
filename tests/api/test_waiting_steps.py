"""Steps that wait for an answer, and the images they belong to; no machine is needed for that."""

from typing import Any

import pytest
from tests.api.asking import ABSENT, REGION, refusal
from tests.conftest import Server, wait_until

ACCOUNT = "222222222222"
"""Of nobody else: the list of waiting steps is the account's."""
PARENT = f"arn:aws:imagebuilder:{REGION}:aws:image/debian-12-x86/x.x.x"
WAIT = "schemaVersion: 1.0\nsteps:\n  - name: Ask\n    action: WaitForAction\n"


@pytest.fixture
def client(server: Server) -> Any:
    return server.client(ACCOUNT)


def waiting_request(client: Any, name: str) -> dict[str, Any]:
    """Register what CreateImage needs for an image that waits for an answer."""
    recipe = client.create_image_recipe(
        name=name, semanticVersion="2021.01.01", parentImage=PARENT
    )["imageRecipeArn"]
    infrastructure = client.create_infrastructure_configuration(
        name=name, instanceProfileName="builder"
    )["infrastructureConfigurationArn"]
    workflow = client.create_workflow(name=name, semanticVersion="1.0.0", type="TEST", data=WAIT)
    return {
        "imageRecipeArn": recipe,
        "infrastructureConfigurationArn": infrastructure,
        "workflows": [{"workflowArn": workflow["workflowBuildVersionArn"]}],
        "executionRole": "builder",
    }


def start(client: Any, name: str) -> tuple[str, str]:
    """Start an image that waits for an answer; return its ARN and the waiting step's id."""
    return start_again(client, waiting_request(client, name))


def start_again(client: Any, request: dict[str, Any]) -> tuple[str, str]:
    """Start an image of a request that is known to wait."""
    image: str = client.create_image(**request)["imageBuildVersionArn"]
    wait_until(lambda: image in waiting(client), what=image)
    return image, waiting(client)[image]


def waiting(client: Any) -> dict[str, str]:
    steps = client.list_waiting_workflow_steps()["steps"]
    return {step["imageBuildVersionArn"]: step["stepExecutionId"] for step in steps}


def status(client: Any, image: str) -> str:
    found: str = client.get_image(imageBuildVersionArn=image)["image"]["state"]["status"]
    return found


def otherwise(image: str) -> str:
    """Spell the same version in another way (VER-09)."""
    return image.replace("/2021.01.01/", "/2021.1.1/")


def test_an_answer_between_two_pages_makes_no_step_skipped(client: Any, name: str) -> None:
    """PAG-07, SRT-03, EXE-11, EXE-12."""
    first, second = start(client, f"{name} 1"), start(client, f"{name} 2")
    page = client.list_waiting_workflow_steps(maxResults=1)
    assert [step["stepExecutionId"] for step in page["steps"]] == [first[1]]

    client.send_workflow_step_action(
        stepExecutionId=first[1], imageBuildVersionArn=otherwise(first[0]), action="STOP"
    )
    page = client.list_waiting_workflow_steps(maxResults=1, nextToken=page["nextToken"])

    assert [step["stepExecutionId"] for step in page["steps"]] == [second[1]]
    assert "nextToken" not in page
    client.cancel_image_creation(imageBuildVersionArn=second[0])
    wait_until(lambda: status(client, first[0]) == "FAILED")
    wait_until(lambda: status(client, second[0]) == "CANCELLED")


def test_a_deleted_image_leaves_nothing_however_its_version_is_spelt(
    client: Any, name: str
) -> None:
    """VER-09, IMG-60, IMG-61, IMG-63."""
    image, step = start(client, name)
    client.cancel_image_creation(imageBuildVersionArn=otherwise(image))
    wait_until(lambda: status(client, image) == "CANCELLED")

    deleted = client.delete_image(imageBuildVersionArn=otherwise(image))

    assert deleted["imageBuildVersionArn"] == image
    assert refusal(client.get_workflow_step_execution, stepExecutionId=step)[0] == ABSENT
    assert refusal(client.get_image, imageBuildVersionArn=image)[0] == ABSENT
