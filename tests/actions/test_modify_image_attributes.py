"""ModifyImageAttributes (``workflow-documents.md`` §7.13): who may use a copy as a parent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.actions.distributing import (
    HERE,
    OTHER,
    OWN,
    WEST,
    amis,
    distributing,
    outputs,
    sent,
    step,
)
from tests.e2e.conftest import BUILD_SECONDS, Bench

from imagewright.engine.crash_points import CrashPoint

THIRD = "222222222222"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return a server for the tests of this module."""
    with distributing(tmp_path_factory.mktemp("modifying") / "state") as running:
        yield running


def modifying(*attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a step that changes attributes of what the step Copy sent."""
    inputs: dict[str, Any] = {"distributedImages.$": "$.stepOutputs.Copy.distributedImages"}
    if attributes:
        inputs["attributes"] = list(attributes)
    return {"name": "Permit", "action": "ModifyImageAttributes", "inputs": inputs, **more}


def permitting(**permission: Any) -> dict[str, Any]:
    return modifying({"region": WEST, "launchPermission": permission})


def may_use(bench: Bench, image_id: str, account: str) -> bool:
    """Say whether an account can build on an image in the west."""
    there = Bench(bench.server, bench.server.client(account, WEST))
    recipe = there.recipe(parent=image_id)
    workflow = {"schemaVersion": "1.0", "steps": [step({"region": WEST})]}
    workflows = [there.workflow(json.dumps(workflow), kind="DISTRIBUTION")]
    try:
        arn = there.start(recipe, workflows=workflows)
    except ClientError as error:
        if "nothing here stands for the parent image" in str(error):
            return False
        raise
    there.built(arn)
    return True


def test_an_account_that_was_let_may_build_on_a_copy(bench: Bench) -> None:
    arn = sent(bench, step({"region": WEST}), permitting(userIds=[OTHER]))

    bench.built(arn)
    [modified] = outputs(bench, arn, "Permit")["modifiedImages"]
    copy = outputs(bench, arn)["distributedImages"][0]["amiId"]
    assert (modified["amiId"], modified["status"], modified["step"]) == (
        copy, "Completed", "Completed",
    )  # fmt: skip
    assert may_use(bench, copy, OTHER)
    assert not may_use(bench, copy, THIRD)


def test_a_public_copy_is_everybodys(bench: Bench) -> None:
    arn = sent(bench, step({"region": WEST}), permitting(userGroups=["all"]))

    bench.built(arn)
    copy = outputs(bench, arn)["distributedImages"][0]["amiId"]
    assert may_use(bench, copy, THIRD)


def test_without_attributes_and_without_a_configuration_nothing_changes(bench: Bench) -> None:
    arn = sent(bench, step({"region": WEST}), modifying())

    bench.built(arn)
    assert outputs(bench, arn, "Permit") == {"modifiedImages": []}
    copy = outputs(bench, arn)["distributedImages"][0]["amiId"]
    assert not may_use(bench, copy, OTHER)


def test_an_image_of_nobody_here_cannot_be_changed(bench: Bench) -> None:
    """The parent of the table is no image of this server."""
    permission = {"region": HERE, "launchPermission": {"userIds": [OTHER]}}
    arn = sent(bench, step({"region": HERE}, {"region": WEST}), modifying(permission))

    state = bench.finished(arn)["state"]
    assert state["reason"].startswith("Workflow Execution ID: ")
    [failed] = outputs(bench, arn, "Permit")["modifiedImages"]
    assert (failed["status"], failed["step"]) == ("Failed", "ModifyAmiRunning")
    assert "is no image of this account, nor of this build" in failed["errorMessage"]
    [region] = state["failureContext"]["distributionFailure"]["regionFailures"]
    assert (region["region"], region["status"]) == (HERE, "FAILED")


def test_what_a_failed_step_put_out_may_be_referred_to(bench: Bench) -> None:
    """§4.4, §5.6: it failed with outputs; those copies that arrived are permitted."""
    away = {"region": "ap-south-1", "targetAccountIds": [OTHER]}
    copying = step({"region": WEST}, {**away, "name.$": "$.imagebuilder.dateTime"})
    permission = {"launchPermission": {"userIds": [OTHER]}}

    arn = sent(
        bench,
        {**copying, "onFailure": "Continue"},
        modifying({"region": WEST, **permission}),
    )

    bench.built(arn)
    assert bench.steps(arn)["Copy"]["status"] == "FAILED"
    [permitted] = outputs(bench, arn, "Permit")["modifiedImages"]
    assert (permitted["region"], permitted["status"]) == (WEST, "Completed")


def test_a_region_without_a_copy_fails_the_step(bench: Bench) -> None:
    other = {"region": "eu-north-1", "launchPermission": {"userIds": [OTHER]}}
    arn = sent(bench, step({"region": WEST}), modifying(other))

    image = bench.finished(arn)
    assert "No image was distributed to eu-north-1" in image["state"]["reason"]
    steps = bench.steps(arn)
    assert {each: steps[each]["status"] for each in steps} == {
        "Copy": "COMPLETED", "Permit": "FAILED",
    }  # fmt: skip
    copy = outputs(bench, arn)["distributedImages"][0]["amiId"]
    assert (WEST, OWN, copy) in amis(image)  # §4.5: distribution has no undo
    assert not [each for each in steps.values() if "rollbackStatus" in each]


@pytest.mark.parametrize(
    ("permission", "problem"),
    [
        ({"userIds": ["me"]}, "'me' among its userIds is no account of 12 digits"),
        ({"userGroups": ["some"]}, "'some' is no group"),
        (
            {"organizationArns": ["arn:aws:organizations::1:organization/o-1"]},
            "this server knows no organizations; name the accounts in userIds",
        ),
        ({"organizationalUnitArns": ["arn:x"]}, "it has organizationalUnitArns"),
    ],
)
def test_permissions_that_mean_nothing_here_are_refused_before_anything_starts(
    bench: Bench, permission: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ClientError) as caught:
        sent(bench, step({"region": WEST}), permitting(**permission))

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert f"its step 'Permit': the region {WEST}: " in error["Message"]
    assert problem in error["Message"]


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"distributedImages": []},
        {"distributedImages.$": "$.parameters.images"},
        {"distributedImages.$": "$.stepOutputs.Copy.distributedImages", "attributes": [{}]},
        {"distributedImages.$": "$.stepOutputs.Copy.nothing"},
    ],
)
def test_bad_inputs_are_refused_at_creation(bench: Bench, inputs: dict[str, Any]) -> None:
    """CRT-50."""
    steps = [step({"region": WEST}), {**modifying(), "inputs": inputs}]

    with pytest.raises(ClientError) as caught:
        bench.workflow(json.dumps({"schemaVersion": "1.0", "steps": steps}), kind="DISTRIBUTION")

    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


@pytest.mark.parametrize("point", [CrashPoint.STEP_STARTED, CrashPoint.STEP_ENDED])
def test_losing_the_server_changes_nothing(tmp_path: Path, point: CrashPoint) -> None:
    state, at = tmp_path / "state", f"{point.value}:ModifyImageAttributes"
    with distributing(state, IMAGEWRIGHT_CRASH_AT=at) as bench:
        arn = sent(bench, step({"region": WEST}), permitting(userIds=[OTHER]))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with distributing(state) as bench:
        bench.built(arn)
        assert len(outputs(bench, arn, "Permit")["modifiedImages"]) == 1
        assert may_use(bench, outputs(bench, arn)["distributedImages"][0]["amiId"], OTHER)
