"""Images and their executions on the wire: of builds that wait, so that no machine is needed."""

from typing import Any
from uuid import uuid4

import pytest
from tests.api.asking import ABSENT, VALUE, refusal
from tests.api.test_waiting_steps import start, start_again, status, waiting_request
from tests.conftest import Server, wait_until

ACCOUNT = "333333333333"
"""Of nobody else: the list of waiting steps is the account's."""
TERRAFORM_WAITS = {
    "BUILDING", "CREATING", "DISTRIBUTING", "INTEGRATING", "PENDING", "TESTING",
}  # fmt: skip


@pytest.fixture
def client(server: Server) -> Any:
    return server.client(ACCOUNT, parameter_validation=False)  # the server is to check


def answer(client: Any, image: str, step: str, action: str, **more: Any) -> None:
    client.send_workflow_step_action(
        stepExecutionId=step, imageBuildVersionArn=image, action=action, **more
    )


def test_the_waiter_of_the_sdk_ends_with_the_image(client: Any, name: str) -> None:
    """IMG-31, IMG-40."""
    image, step = start(client, name)
    assert status(client, image) in TERRAFORM_WAITS

    answer(client, image, step, "RESUME")

    client.get_waiter("image_available").wait(
        imageBuildVersionArn=image, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert status(client, image) == "AVAILABLE"


def test_an_image_that_fails_says_why(client: Any, name: str) -> None:
    """IMG-31."""
    image, step = start(client, name)

    answer(client, image, step, "STOP", reason="not today")

    wait_until(lambda: status(client, image) not in TERRAFORM_WAITS)
    state = client.get_image(imageBuildVersionArn=image)["image"]["state"]
    assert state["status"] == "FAILED"
    assert "not today" in state["reason"]


def test_builds_are_counted_however_they_end(client: Any, name: str) -> None:
    """IMG-03, IMG-07, IMG-08."""
    request = waiting_request(client, name)
    failed, step = start_again(client, request)
    answer(client, failed, step, "STOP")
    wait_until(lambda: status(client, failed) == "FAILED")
    cancelled, _ = start_again(client, request)
    client.cancel_image_creation(imageBuildVersionArn=cancelled)
    wait_until(lambda: status(client, cancelled) == "CANCELLED")
    third, _ = start_again(client, request)

    version = failed.removesuffix("/1")
    listed = client.list_image_build_versions(imageVersionArn=version)["imageSummaryList"]

    assert [each["arn"] for each in listed] == [third, cancelled, failed]
    assert [arn.removeprefix(version) for arn in (failed, cancelled, third)] == ["/1", "/2", "/3"]
    for each in listed:
        facts = (each["type"], each["buildType"], each["imageSource"])
        assert facts == ("AMI", "USER_INITIATED", "CUSTOM")
    image = client.get_image(imageBuildVersionArn=third)["image"]
    assert not {"sourcePipelineArn", "sourcePipelineName"} & image.keys()
    client.cancel_image_creation(imageBuildVersionArn=third)


@pytest.mark.parametrize(
    "role",
    [
        "builder",
        "arn:aws:iam::123456789012:role/path/to/builder",
        "arn:aws-cn:iam::123456789012:role/b",
    ],
)
def test_a_role_is_echoed_as_it_was_given(client: Any, name: str, role: str) -> None:
    """IDS-05, IMG-20."""
    image, _ = start_again(client, {**waiting_request(client, name), "executionRole": role})

    assert client.get_image(imageBuildVersionArn=image)["image"]["executionRole"] == role
    client.cancel_image_creation(imageBuildVersionArn=image)


@pytest.mark.parametrize("role", ["", "a role", "r" * 2049, "arn:aws:iam::1:role/b", "builder\n"])
def test_what_is_no_role_is_refused(client: Any, name: str, role: str) -> None:
    """IDS-05."""
    request = {**waiting_request(client, name), "executionRole": role}

    assert refusal(client.create_image, **request)[:2] == (VALUE, 400)


@pytest.mark.parametrize("group", ["", "-a", "a b", "a" * 101, "a\n"])
def test_what_is_no_name_of_a_group_is_refused(client: Any, name: str, group: str) -> None:
    """IDS-04."""
    request = waiting_request(client, name)
    request["workflows"] = [{**request["workflows"][0], "parallelGroup": group}]

    assert refusal(client.create_image, **request)[:2] == (VALUE, 400)


def test_a_group_may_have_any_name_of_its_alphabet(client: Any, name: str) -> None:
    """IDS-04."""
    request = waiting_request(client, name)
    request["workflows"] = [{**request["workflows"][0], "parallelGroup": "0-a_B+#" + "z" * 93}]

    image, _ = start_again(client, request)

    client.cancel_image_creation(imageBuildVersionArn=image)


def test_ids_are_found_in_either_case_and_shown_in_lower(client: Any, name: str) -> None:
    """IDS-01, CRT-49, EXE-04, EXE-05."""
    image, step = start(client, name)

    shown = client.get_workflow_step_execution(stepExecutionId=upper(step))
    execution = client.get_workflow_execution(
        workflowExecutionId=upper(shown["workflowExecutionId"])
    )

    assert shown["stepExecutionId"] == step == step.lower()
    assert execution["workflowExecutionId"] == shown["workflowExecutionId"]
    assert (shown["onFailure"], shown["timeoutSeconds"]) == ("Abort", 3 * 24 * 3600)
    assert (shown["attemptNumber"], shown["maxAttempts"]) == (1, 1)
    client.cancel_image_creation(imageBuildVersionArn=image)


def upper(identifier: str) -> str:
    prefix, _, uuid = identifier.partition("-")
    return f"{prefix}-{uuid.upper()}"


def test_an_unknown_execution_is_not_found(client: Any) -> None:
    """EXE-09, SRT-05."""
    execution, step = f"wf-{uuid4()}", f"step-{uuid4()}"
    image = f"arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image/absent/1.0.0/1"

    for operation, request in (
        (client.get_workflow_execution, {"workflowExecutionId": execution}),
        (client.list_workflow_step_executions, {"workflowExecutionId": execution}),
        (client.get_workflow_step_execution, {"stepExecutionId": step}),
        (client.list_workflow_executions, {"imageBuildVersionArn": image}),
    ):
        assert refusal(operation, **request)[:2] == (ABSENT, 404)


_UUID = "0b6e7d4c-52a1-4c0e-9f8b-3d2a1c5e7f90"


@pytest.mark.parametrize("uuid", ["", "1", f"{_UUID}0", _UUID.replace("-", ""), "g" * 36])
def test_what_is_no_id_is_a_bad_value(client: Any, uuid: str) -> None:
    """IDS-01."""
    for operation, request in (
        (client.get_workflow_execution, {"workflowExecutionId": f"wf-{uuid}"}),
        (client.list_workflow_step_executions, {"workflowExecutionId": f"step-{uuid}"}),
        (client.get_workflow_step_execution, {"stepExecutionId": f"step-{uuid}"}),
    ):
        assert refusal(operation, **request)[:2] == (VALUE, 400)
