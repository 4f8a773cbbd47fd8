"""The step actions that work on machines: what each puts out, and how it fails."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import command, workflow

LAUNCHED = {"instanceId.$": "$.stepOutputs.Launch.instanceId"}


def step(name: str, action: str, *, inputs: Any = None, **more: Any) -> dict[str, Any]:
    """Write a step on the launched machine."""
    return {"name": name, "action": action, "inputs": {**LAUNCHED, **(inputs or {})}, **more}


def build(bench: Bench, *steps: dict[str, Any], **document: Any) -> str:
    """Start a build of one workflow around these steps."""
    text = workflow(*steps, **document)
    return bench.start(bench.recipe(), workflows=[bench.workflow(text)])


def outputs(bench: Bench, arn: str, name: str) -> Any:
    """Return what a step put out."""
    return json.loads(bench.steps(arn)[name]["outputs"])


def own_document(name: str, version: str = "", **parameters: list[str]) -> dict[str, Any]:
    """Write a RunCommand step for a command document."""
    inputs = {"documentName": name, "parameters": parameters}
    more = {"documentVersion": version} if version else {}
    return step("Run", "RunCommand", inputs=inputs | more)


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
            step("Wait", "WaitForSSMAgent", timeoutSeconds=2),
        )

        assert bench.finished(arn)["state"]["status"] == "FAILED"
        wait = bench.steps(arn)["Wait"]
        assert (wait["status"], wait["rollbackStatus"]) == ("FAILED", "SKIPPED")
        assert "timed out: it did not end within 2 seconds" in wait["message"]
        assert "takes no commands: its sh exited with 127" in wait["message"]
        assert "Not yet Online" in bench.log(arn)
        bench.nothing_is_left()

    def test_one_that_has_ended_is_not_waited_for(self, bench: Bench) -> None:
        started = time.monotonic()

        arn = build(bench, step("Stop", "TerminateInstance"), step("Wait", "WaitForSSMAgent"))

        bench.finished(arn)
        assert "is not running: it was terminated" in bench.steps(arn)["Wait"]["message"]
        assert time.monotonic() - started < 20


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
