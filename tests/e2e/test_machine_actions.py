"""The step actions that work on machines: what each puts out, and how it fails."""

import json
import platform
import time
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.conftest import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import command, waiting_ids, workflow

X86 = platform.machine() == "x86_64"
MANAGED = "arn:aws:imagebuilder:us-east-1:aws:workflow/"
PLATFORM_IS_WINDOWS = {"stringEquals": "Windows", "value": "$.imagebuilder.platform"}
IMAGE_TYPE = "$.imagebuilder.imageType"
LAUNCHED = {"instanceId.$": "$.stepOutputs.Launch.instanceId"}


def step(name: str, action: str, *, inputs: Any = None, **more: Any) -> dict[str, Any]:
    """Write a step on the launched machine."""
    return {"name": name, "action": action, "inputs": {**LAUNCHED, **(inputs or {})}, **more}


def build(bench: Bench, *steps: dict[str, Any], recipe: str | None = None) -> str:
    """Start a build of one workflow around these steps."""
    text = workflow(*steps)
    return bench.start(recipe or bench.recipe(), workflows=[bench.workflow(text)])


def outputs(bench: Bench, arn: str, name: str) -> Any:
    """Return what a step put out."""
    return json.loads(bench.steps(arn)[name]["outputs"])


def own_document(name: str, version: str = "", **parameters: list[str]) -> dict[str, Any]:
    """Write a RunCommand step for a command document."""
    inputs = {"documentName": name, "parameters": parameters}
    more = {"documentVersion": version} if version else {}
    return step("Run", "RunCommand", inputs=inputs | more)


class TestRestarts:
    def test_a_script_that_asks_for_a_restart_runs_again_on_a_machine_that_restarted(
        self, bench: Bench
    ) -> None:
        """workflow-documents.md §7.15: exit code 194."""
        script = (
            f": {uuid4()}",  # never a work of an earlier run on the same state
            "if [ -e /restarted ]; then ls /run/before 2>/dev/null; echo after; exit 0; fi",
            "touch /restarted /run/before",
            "sleep 300 & echo before",
            "exit 194",
        )
        arn = build(bench, command("Change", *script))

        bench.built(arn)

        assert outputs(bench, arn, "Change")["output"] == ["before\nafter"]
        assert "The machine restarts (exit code 194)" in bench.log(arn)

    def test_a_script_that_asks_again_and_again_fails(self, bench: Bench) -> None:
        arn = build(bench, command("Change", "exit 194"))

        reason = bench.finished(arn)["state"]["reason"]

        assert "asked for a restart again after 15 of them" in reason


class TestWaitForSSMAgent:
    def test_a_machine_that_takes_commands_is_online(self, bench: Bench) -> None:
        """workflow-documents.md §7.20."""
        arn = build(bench, command("Change", "date > /changed"), step("Wait", "WaitForSSMAgent"))

        bench.built(arn)

        assert outputs(bench, arn, "Wait") == {"status": "Online"}

    def test_one_that_takes_none_is_waited_for_until_the_time_is_up(self, bench: Bench) -> None:
        """§4.6, §7.20."""
        arn = build(
            bench,
            command("Break", "date > /when", "mv /usr/bin/dash /usr/bin/gone"),
            step("Wait", "WaitForSSMAgent", timeoutSeconds=5),
        )

        assert bench.finished(arn)["state"]["status"] == "FAILED"
        wait = bench.steps(arn)["Wait"]
        assert (wait["status"], wait["rollbackStatus"]) == ("FAILED", "SKIPPED")
        assert "timed out: it did not end within 5 seconds" in wait["message"]
        assert "takes no commands: its sh exited with 127" in wait["message"]
        assert "Not yet Online" in bench.log(arn)
        bench.nothing_is_left()

    def test_one_that_has_ended_is_not_waited_for(self, bench: Bench) -> None:
        started = time.monotonic()

        arn = build(bench, step("Stop", "TerminateInstance"), step("Wait", "WaitForSSMAgent"))

        bench.finished(arn)
        assert "is not running: it was terminated" in bench.steps(arn)["Wait"]["message"]
        assert time.monotonic() - started < 20


def launching(*steps: dict[str, Any], **inputs: Any) -> str:
    """Write a workflow that launches its machine with other inputs."""
    document = json.loads(workflow(*steps))
    document["steps"][0]["inputs"] |= inputs
    return json.dumps(document)


class TestLaunchInstance:
    def test_types_are_tried_in_order_until_one_can_be_had(self, bench: Bench) -> None:
        """workflow-documents.md §7.12."""
        good, alien = ("m7i.large", "m7g.large") if X86 else ("m7g.large", "m7i.large")
        told = command("Tell", "echo {{ $.stepOutputs.Launch.instanceType }}")
        text = launching(told, instanceTypesOverride=[alien, "nonsense", good])

        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

        bench.built(arn)
        assert outputs(bench, arn, "Tell")["output"] == [good]
        assert f"Not launched as wanted first: {alien} has " in bench.log(arn)
        assert "nonsense is no instance type" in bench.log(arn)

    def test_a_list_of_types_that_cannot_be_had_launches_nothing(self, bench: Bench) -> None:
        infrastructure = bench.infrastructure(instanceTypes=["mac2.metal"])

        arn = bench.start(bench.recipe(), infrastructureConfigurationArn=infrastructure)

        reason = bench.finished(arn)["state"]["reason"]
        assert "cannot be launched: mac2.metal runs macOS" in reason
        assert bench.steps(arn)["LaunchBuildInstance"]["rollbackStatus"] == "COMPLETED"
        bench.nothing_is_left()

    def test_an_image_whose_machine_takes_no_commands_fails_its_check(self, bench: Bench) -> None:
        """§4.5, §7.12."""
        broken = bench.built(build(bench, command("Break", "mv /usr/bin/dash /usr/bin/gone")))
        image_id = broken["outputResources"]["amis"][0]["image"]
        checked = launching(imageIdOverride=image_id)
        unchecked = launching(imageIdOverride=image_id, healthCheck="RUNNING")

        failing = bench.start(bench.recipe(), workflows=[bench.workflow(checked)])
        going = bench.start(bench.recipe(), workflows=[bench.workflow(unchecked)])

        assert "failed its status check: i-" in bench.finished(failing)["state"]["reason"]
        assert bench.steps(failing)["Launch"]["rollbackStatus"] == "COMPLETED"
        bench.built(going)
        bench.nothing_is_left()

    def test_a_state_that_passed_is_not_checked_again(self, bench: Bench) -> None:
        recipe = bench.recipe()
        bench.built(bench.start(recipe))
        passed = bench.query("SELECT key FROM unchanging_works ORDER BY created_at")

        bench.built(bench.start(recipe))

        assert bench.query("SELECT key FROM unchanging_works ORDER BY created_at") == passed


class TestTerminateInstance:
    def test_one_may_wait_for_the_end(self, bench: Bench) -> None:
        """§7.18."""
        arn = build(
            bench,
            command("Work", "date > /when"),
            step("Stop", "TerminateInstance", inputs={"waitForTermination": True}),
            step("Again", "TerminateInstance"),
            {"name": "Hold", "action": "WaitForAction", "timeoutSeconds": 600},
        )
        wait_until(lambda: bool(waiting_ids(bench, arn)))

        owner = outputs(bench, arn, "Launch")["instanceId"]
        assert bench.query(f"SELECT * FROM ledger WHERE owner = '{owner}'") == []  # noqa: S608 - our own id

        [held] = waiting_ids(bench, arn)
        bench.client.send_workflow_step_action(
            stepExecutionId=held, imageBuildVersionArn=arn, action="STOP"
        )
        bench.finished(arn)
        assert "outputs" not in bench.steps(arn)["Stop"]

    def test_a_machine_of_nobody_cannot_be_ended(self, bench: Bench) -> None:
        stranger = {"instanceId": "i-0123456789abcdef0"}

        arn = build(bench, {"name": "Stop", "action": "TerminateInstance", "inputs": stranger})

        assert "There is no machine i-0123456789abcdef0" in bench.finished(arn)["state"]["reason"]


def registering(**inputs: Any) -> str:
    """Write a build workflow that makes its image of a snapshot."""
    step = {"name": "Register", "action": "RegisterImage", "inputs": inputs}
    output = {"name": "ImageId", "value": "$.stepOutputs.Register.imageId"}
    return json.dumps({"schemaVersion": "1.0", "steps": [step], "outputs": [output]})


def disk(snapshot_id: str) -> dict[str, Any]:
    """Write an entry of a blockDeviceMapping."""
    return {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot_id}}


class TestRegisterImage:
    def test_a_snapshot_becomes_an_image_that_outlives_the_first(self, bench: Bench) -> None:
        """workflow-documents.md §7.14."""
        first = build(bench, command("Leave", "echo here > /left"))
        old = bench.built(first)["outputResources"]["amis"][0]["image"]
        text = registering(
            blockDeviceMapping=[disk(old.replace("ami-", "snap-"))],
            bootMode="uefi",
            includeSnapshotTags=True,
        )

        again = bench.start(bench.recipe(), workflows=[bench.workflow(text)])
        new = bench.built(again)["outputResources"]["amis"][0]["image"]
        bench.client.delete_image(imageBuildVersionArn=first)
        look = launching(command("Look", "cat /left"), imageIdOverride=new)
        looking = bench.start(bench.recipe(), workflows=[bench.workflow(look)])

        assert new != old
        assert "Passed over, as a sandbox knows nothing of it: bootMode" in bench.log(again)
        bench.built(looking)
        assert outputs(bench, looking, "Look")["output"] == ["here"]

    def test_a_snapshot_of_nobody_fails_the_step(self, bench: Bench) -> None:
        text = registering(blockDeviceMapping=[disk("snap-0123456789abcdef0")])

        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

        reason = bench.finished(arn)["state"]["reason"]
        assert "There is no snapshot snap-0123456789abcdef0" in reason
        assert bench.executions(arn)[0]["status"] == "FAILED"

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({}, "names no snapshots"),
            ({"blockDeviceMapping": [disk("snap-1"), disk("snap-2")]}, "names 2 snapshots"),
            ({"imageLocation": "bucket/manifest.xml"}, "no images that S3 backs"),
            (
                {"architecture": "i386", "blockDeviceMapping": [disk("snap-1")]},
                "its architecture is i386",
            ),
        ],
    )
    def test_what_a_sandbox_cannot_be_is_refused_before_the_build_begins(
        self, bench: Bench, inputs: dict[str, Any], message: str
    ) -> None:
        text = registering(**inputs)

        with pytest.raises(ClientError, match=message):
            bench.start(bench.recipe(), workflows=[bench.workflow(text)])


class TestManagedWorkflows:
    @pytest.mark.parametrize(
        ("build_path", "test_path"),
        [
            ("build/build-image-with-update-ssm-agent", "test/test-image"),
            ("build/express-build-image", "test/express-test-image"),
        ],
    )
    def test_those_for_images_build(self, bench: Bench, build_path: str, test_path: str) -> None:
        """workflow-documents.md §9, IMG-14."""
        arn = bench.start(bench.recipe(), workflows=[f"{MANAGED}{build_path}/x.x.x"])
        both = [f"{MANAGED}{path}/x.x.x" for path in (build_path, test_path)]
        tested = bench.start(bench.recipe(), workflows=both)

        bench.built(arn)
        bench.built(tested)

        statuses = {name: step["status"] for name, step in bench.steps(arn).items()}
        assert statuses.pop("ApplyBuildComponents") == "SKIPPED"
        assert statuses.pop("RunSysPrepScript") == "SKIPPED"
        assert set(statuses.values()) == {"COMPLETED"}
        assert [each["type"] for each in bench.executions(tested)] == ["BUILD", "TEST"]

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            (
                "build/build-image-from-iso",
                "needs CreateImageFromIso, which the driver sandbox cannot do: it boots no "
                "installation medium. The driver qemu could",
            ),
            ("build/build-container", "must have an output named ImageId"),
        ],
    )
    def test_what_no_sandbox_can_do_is_refused_with_the_driver_that_could(
        self, bench: Bench, path: str, message: str
    ) -> None:
        with pytest.raises(ClientError, match=message):
            bench.start(bench.recipe(), workflows=[f"{MANAGED}{path}/x.x.x"])

    @pytest.mark.parametrize(
        ("action", "message"),
        [
            ("RunSysPrep", "it runs Linux and no Windows. The driver qemu could"),
            ("BootstrapInstanceForContainer", "which is not for an image recipe"),
        ],
    )
    def test_an_action_that_no_sandbox_can_do_is_skipped_by_its_condition(
        self, bench: Bench, action: str, message: str
    ) -> None:
        never = {"or": [PLATFORM_IS_WINDOWS, {"stringEquals": "DOCKER", "value": IMAGE_TYPE}]}

        with pytest.raises(ClientError, match=message):
            build(bench, step("Prepare", action))
        bench.built(build(bench, step("Prepare", action, **{"if": never})))


class TestRunCommand:
    def test_a_server_without_a_folder_says_how_to_have_one(self, bench: Bench) -> None:
        with pytest.raises(ClientError, match="name the folder in the setting commands"):
            build(bench, own_document("Greet"))

    def test_updating_the_agent_says_that_there_is_none(self, bench: Bench) -> None:
        arn = build(bench, own_document("AWS-UpdateSSMAgent", allowDowngrade=["false"]))

        bench.built(arn)

        [said] = outputs(bench, arn, "Run")["output"]
        assert said.startswith("Nothing was updated: this machine has no Systems Manager agent")
        assert "Nothing was updated" in bench.log(arn)

    def test_powershell_runs_where_the_machine_has_it(self, bench: Bench) -> None:
        lacking = build(bench, own_document("AWS-RunPowerShellScript", commands=["Get-Date"]))
        stand_in = (
            "printf '#!/bin/sh\\ncat $5; echo in $PWD: $*\\n' > /usr/bin/pwsh",
            "chmod +x /usr/bin/pwsh",
        )
        having = build(
            bench,
            command("Install", *stand_in),
            own_document(
                "AWS-RunPowerShellScript", commands=["Get-Date"], workingDirectory=["/etc"]
            ),
        )

        assert bench.finished(lacking)["state"]["status"] == "FAILED"
        assert "the machine has no PowerShell (pwsh)" in bench.steps(lacking)["Run"]["message"]
        bench.built(having)
        assert outputs(bench, having, "Run")["output"] == [
            "Get-Date\nin /etc: -NoLogo -NoProfile -NonInteractive "
            "-File /run/imagewright/script.ps1"
        ]
