"""Builds that are taken up again after they failed or were cancelled."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conftest import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import command, component, waiting, waiting_ids, workflow

from imagewright.cli.client import Refused

LAUNCH = {"name": "Launch", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}}
MACHINE = {"instanceId.$": "$.stepOutputs.Launch.instanceId"}


def gated(*before: dict[str, Any]) -> str:
    """Write a build workflow that asks before it makes its image."""
    apply = {"name": "Apply", "action": "ExecuteComponents", "inputs": MACHINE}
    return workflow(apply, *before, waiting())


def gated_test(*lines: str) -> str:
    """Write a test workflow that asks before it checks the image."""
    end = {"name": "End", "action": "TerminateInstance", "inputs": MACHINE}
    steps = [LAUNCH, waiting(), command("Check", *lines), end]
    return json.dumps({"schemaVersion": "1.0", "steps": steps})


def waiting_steps(bench: Bench, arn: str) -> list[str]:
    """Return the steps of a build that wait, once there is one."""
    wait_until(lambda: bool(waiting_ids(bench, arn)), what="a waiting step")
    return waiting_ids(bench, arn)


def answer(bench: Bench, arn: str, action: Any) -> None:
    """Wait until a step of the build waits, and answer it."""
    for step in waiting_steps(bench, arn):
        bench.client.send_workflow_step_action(
            stepExecutionId=step, imageBuildVersionArn=arn, action=action
        )


def stopped(bench: Bench, *, tests: list[str] | None = None, **more: Any) -> str:
    """Return a build that failed because a step was answered with STOP."""
    text = workflow() if tests else gated()
    build = bench.workflow(text)
    made = bench.component(component("echo once >> /effects", "echo did the work"))
    workflows = [build, *(bench.workflow(each, kind="TEST") for each in tests or ())]
    arn = bench.start(bench.recipe(made), workflows=workflows, **more)
    answer(bench, arn, "STOP")
    assert bench.finished(arn)["state"]["status"] == "FAILED"
    return arn


def go_on(bench: Bench, arn: str) -> None:
    """Take a build up at the step that failed: the second door."""
    bench.door.post("/builds/retry", {"image": arn})


def refused(ask: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        ask()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class TestRetryImage:
    def test_the_stage_that_failed_runs_again_and_no_other(self, bench: Bench) -> None:
        """IMG-64, IMG-30."""
        arn = stopped(bench, tests=[gated_test("true")])
        build, failed = bench.executions(arn)

        answered = bench.client.retry_image(imageBuildVersionArn=arn)

        assert answered["imageBuildVersionArn"] == arn
        assert bench.image(arn)["state"] == {"status": "TESTING"}
        answer(bench, arn, "RESUME")
        bench.built(arn)
        assert bench.executions(arn)[0] == build
        superseded, again = bench.executions(arn)[1:]
        assert superseded == {**failed, "retried": True}
        assert (again["type"], again["status"], again["retried"]) == ("TEST", "COMPLETED", False)
        assert again["workflowExecutionId"] != failed["workflowExecutionId"]
        assert len(bench.image(arn)["outputResources"]["amis"]) == 1
        bench.nothing_is_left()

    def test_tests_of_the_stage_that_had_passed_run_again_too(self, bench: Bench) -> None:
        """IMG-64: it is the stage that is retried; what never began is no retry."""
        passing = json.dumps({"schemaVersion": "1.0", "steps": [LAUNCH, command("Check", "true")]})
        arn = stopped(bench, tests=[passing, gated_test("true"), passing])

        bench.client.retry_image(imageBuildVersionArn=arn)
        answer(bench, arn, "RESUME")

        bench.built(arn)
        told = [(each["status"], each["retried"]) for each in bench.executions(arn)]
        assert told == [
            ("COMPLETED", False),
            ("COMPLETED", True),
            ("ROLLBACK_COMPLETED", True),
            *[("COMPLETED", False)] * 3,
        ]

    def test_it_may_fail_again_and_be_retried_again(self, bench: Bench) -> None:
        """IMG-64."""
        arn = stopped(bench, tests=[gated_test("true")])

        bench.client.retry_image(imageBuildVersionArn=arn)
        answer(bench, arn, "STOP")
        state = bench.finished(arn)["state"]
        bench.client.retry_image(imageBuildVersionArn=arn)
        answer(bench, arn, "RESUME")

        assert state["failureContext"]["imageStatus"] == "TESTING"
        bench.built(arn)
        assert [each["retried"] for each in bench.executions(arn)] == [False, True, True, False]

    def test_a_token_retries_once(self, bench: Bench) -> None:
        """IDM-02."""
        arn = stopped(bench, tests=[gated_test("true")])
        token = "retry-once-" + arn.rpartition("/")[0][-20:]

        first = bench.client.retry_image(imageBuildVersionArn=arn, clientToken=token)
        second = bench.client.retry_image(imageBuildVersionArn=arn, clientToken=token)

        assert first["imageBuildVersionArn"] == second["imageBuildVersionArn"]
        answer(bench, arn, "RESUME")
        bench.built(arn)
        assert len(bench.executions(arn)) == 3

    def test_a_build_that_goes_on_or_went_well_is_refused(self, bench: Bench) -> None:
        """IMG-66."""
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(gated())])

        code, _ = refused(lambda: bench.client.retry_image(imageBuildVersionArn=arn))
        answer(bench, arn, "RESUME")
        bench.built(arn)

        assert code == "ResourceInUseException"
        code, message = refused(lambda: bench.client.retry_image(imageBuildVersionArn=arn))
        assert (code, "AVAILABLE" in message) == ("InvalidRequestException", True)

    def test_a_build_stage_is_refused_with_the_command_that_could(self, bench: Bench) -> None:
        """IMG-65."""
        arn = stopped(bench)

        code, message = refused(lambda: bench.client.retry_image(imageBuildVersionArn=arn))

        assert code == "InvalidRequestException"
        assert "imagewright runs retry" in message

    def test_an_image_that_is_not_there_is_not_found(self, bench: Bench) -> None:
        """ERR-26."""
        arn = "arn:aws:imagebuilder:us-east-1:000000000000:image/none/1.0.0/1"

        code, _ = refused(lambda: bench.client.retry_image(imageBuildVersionArn=arn))

        assert code == "ResourceNotFoundException"


class TestFromTheFailedStep:
    def test_what_was_done_is_not_done_again(self, bench: Bench) -> None:
        """The machine is as it was before the step."""
        arn = stopped(bench)
        before = bench.steps(arn)
        said = bench.log(arn).count('"did the work"')

        go_on(bench, arn)

        assert bench.image(arn)["state"] == {"status": "BUILDING"}
        answer(bench, arn, "RESUME")
        bench.built(arn)
        superseded, again = bench.executions(arn)
        assert (superseded["retried"], superseded["status"]) == (True, "ROLLBACK_COMPLETED")
        assert (again["status"], again["totalStepsSucceeded"]) == ("COMPLETED", 5)
        after = bench.steps(arn, ordinal=1)
        for name in ("Launch", "Apply"):
            assert after[name]["outputs"] == before[name]["outputs"]
            assert after[name]["endTime"] == before[name]["endTime"]
            assert "rollbackStatus" not in after[name]
        assert bench.log(arn).count('"did the work"') == said
        bench.nothing_is_left()

    def test_the_machine_has_lost_what_the_failed_step_left(self, bench: Bench) -> None:
        fails = command("Fail", "test -e /rubbish && echo foul", "echo > /rubbish", "exit 3")
        text = workflow(command("Good", "echo good > /good"), fails)
        arn = bench.start(
            bench.recipe(),
            workflows=[bench.workflow(text)],
            infrastructureConfigurationArn=bench.infrastructure(terminateInstanceOnFailure=False),
        )
        bench.finished(arn)

        go_on(bench, arn)

        state = bench.finished(arn)["state"]
        assert state["failureContext"]["failedStep"] == "Fail"
        assert len(bench.executions(arn)) == 2
        assert '"foul"' not in bench.log(arn)

    def test_a_rolled_back_inventory_is_taken_again(self, bench: Bench) -> None:
        """workflow-documents.md §4.5: a rollback forgets it."""
        collect = {"name": "Collect", "action": "CollectImageMetadata", "inputs": MACHINE}
        text = workflow(collect, waiting())
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])
        answer(bench, arn, "STOP")
        bench.finished(arn)
        packages = bench.client.list_image_packages(imageBuildVersionArn=arn)["imagePackageList"]

        go_on(bench, arn)
        answer(bench, arn, "RESUME")

        bench.built(arn)
        assert packages == []
        assert bench.client.list_image_packages(imageBuildVersionArn=arn)["imagePackageList"]

    def test_a_cancelled_build_goes_on(self, bench: Bench) -> None:
        """IMG-30, IMG-60."""
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(gated())])
        waiting_steps(bench, arn)
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        assert bench.finished(arn)["state"] == {"status": "CANCELLED"}

        go_on(bench, arn)
        answer(bench, arn, "RESUME")

        bench.built(arn)

    def test_only_the_failed_test_of_a_group_runs_again(self, bench: Bench) -> None:
        passing = bench.workflow(
            json.dumps({"schemaVersion": "1.0", "steps": [LAUNCH, command("Check", "true")]}),
            kind="TEST",
        )
        asking = bench.workflow(gated_test("test -e /etc/debian_version"), kind="TEST")
        members = [{"workflowArn": each, "parallelGroup": "g"} for each in (passing, asking)]
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(workflow()), *members])
        answer(bench, arn, "STOP")
        bench.finished(arn)

        go_on(bench, arn)
        answer(bench, arn, "RESUME")

        bench.built(arn)
        assert [each["retried"] for each in bench.executions(arn)] == [False, False, True, False]

    def test_a_machine_that_a_workflow_handed_on_is_as_it_was_too(self, bench: Bench) -> None:
        """workflow-documents.md §8: later workflows may be given a machine."""
        make = {"name": "Make", "action": "CreateImage", "inputs": MACHINE}
        image = {"name": "ImageId", "value": "$.stepOutputs.Make.imageId"}
        machine = {"name": "Machine", "value": "$.stepOutputs.Launch.instanceId"}
        build: dict[str, Any] = {"steps": [LAUNCH, command("Mark", "echo 1 > /mark"), make]}
        build |= {"schemaVersion": "1.0", "outputs": [image, machine]}
        steps = [command("Add", "echo 2 >> /mark"), waiting(), command("Read", "cat /mark")]
        for step in steps[::2]:
            step["inputs"]["instanceId.$"] = "$.workflowOutputs.Machine"
        test = {"schemaVersion": "1.0", "steps": steps}
        workflows = [
            bench.workflow(json.dumps(build)),
            bench.workflow(json.dumps(test), kind="TEST"),
        ]
        arn = bench.start(bench.recipe(), workflows=workflows)
        answer(bench, arn, "STOP")
        bench.finished(arn)

        before = bench.door.get("/builds/state", image=arn, step="Add", when="before")
        marked = bench.door.get("/builds/state", image=arn, step="Mark", when="after")
        asked = bench.door.get("/builds/state", image=arn, step="Ask", when="before")
        added = bench.door.get("/builds/state", image=arn, step="Add", when="after")
        go_on(bench, arn)
        answer(bench, arn, "RESUME")

        assert before["layer"] == marked["layer"]
        assert asked["layer"] == added["layer"] != marked["layer"]
        bench.built(arn)
        assert json.loads(bench.steps(arn, ordinal=2)["Read"]["outputs"])["output"] == ["1\n2"]
        bench.nothing_is_left()

    def test_it_is_refused_where_its_layers_were_freed(self, bench: Bench) -> None:
        arn = stopped(bench)
        mine = (
            "SELECT layer_id FROM machine_steps WHERE instance_id IN "  # noqa: S608 - our own ARN
            f"(SELECT id FROM instances WHERE owner = '{arn}')"
        )
        bench.query(f"UPDATE layers SET used_at = '2020-01-01T00:00:00.000Z' WHERE id IN ({mine})")  # noqa: S608 - our own
        freed = bench.door.post("/layers/prune", {"everything": True})["layers"]

        with pytest.raises(Refused, match="freed") as caught:
            go_on(bench, arn)

        assert freed
        assert caught.value.code == "InvalidRequestException"
        assert bench.image(arn)["state"]["status"] == "FAILED"
