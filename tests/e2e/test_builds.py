"""Builds as their authors see them: what runs, what is reused, what fails and why."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.conftest import at_best_within, wait_until
from tests.e2e.conftest import Bench

OWN = "arn:aws:imagebuilder:us-east-1:000000000000:"


def component(*lines: str, phase: str = "build", **step: Any) -> str:
    """Write a component of one step in one phase; no two are alike."""
    return json.dumps(
        {
            "name": str(uuid4()),
            "schemaVersion": "1.0",
            "phases": [
                {
                    "name": phase,
                    "steps": [
                        {
                            "name": "Do",
                            "action": "ExecuteBash",
                            "inputs": {"commands": list(lines)},
                            **step,
                        }
                    ],
                }
            ],
        }
    )


def workflow(*steps: dict[str, Any], **document: Any) -> str:
    """Write a build workflow around some steps: launch first, image and end last."""
    launched = {"instanceId.$": "$.stepOutputs.Launch.instanceId"}
    return json.dumps(
        {
            "schemaVersion": "1.0",
            "steps": [
                {"name": "Launch", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}},
                *steps,
                {"name": "Make", "action": "CreateImage", "inputs": launched},
                {"name": "End", "action": "TerminateInstance", "inputs": launched},
            ],
            "outputs": [{"name": "ImageId", "value": "$.stepOutputs.Make.imageId"}],
            **document,
        }
    )


def command(name: str, *lines: str, **more: Any) -> dict[str, Any]:
    """Write a RunCommand step."""
    inputs = {
        "instanceId.$": "$.stepOutputs.Launch.instanceId",
        "documentName": "AWS-RunShellScript",
        "parameters": {"commands": list(lines)},
    }
    return {"name": name, "action": "RunCommand", "inputs": inputs, **more}


def waiting(name: str = "Ask", **more: Any) -> dict[str, Any]:
    """Write a WaitForAction step."""
    return {"name": name, "action": "WaitForAction", **more}


def waiting_ids(bench: Bench, arn: str) -> list[str]:
    """Return the steps of a build that wait now."""
    found = bench.client.list_waiting_workflow_steps()["steps"]
    return [step["stepExecutionId"] for step in found if step["imageBuildVersionArn"] == arn]


def test_a_default_build_shows_its_two_workflows_and_their_steps(bench: Bench) -> None:
    """IMG-04, IMG-05, IMG-13 to IMG-15, IMG-50, IMG-51, IMG-53, IMG-54, EXE-01 to EXE-08."""
    recipe = bench.recipe(bench.component(component("echo hi > /etc/hi")))
    arn = bench.start(recipe)

    image = bench.built(arn)

    assert image["osVersion"] == "Debian GNU/Linux 12"
    assert image["enhancedImageMetadataEnabled"] is True
    assert image["imageTestsConfiguration"] == {"imageTestsEnabled": True, "timeoutMinutes": 720}
    assert (image["type"], image["buildType"], image["version"]) == (
        "AMI",
        "USER_INITIATED",
        "1.0.0/1",
    )
    [ami] = image["outputResources"]["amis"]
    assert ami["image"].startswith("ami-")
    assert (ami["region"], ami["accountId"]) == ("us-east-1", "000000000000")
    assert ami["name"].startswith(image["name"] + " 20")
    build, test = bench.executions(arn)
    assert (build["type"], build["status"], build["retried"]) == ("BUILD", "COMPLETED", False)
    assert build["workflowBuildVersionArn"].endswith(":aws:workflow/build/build-image/1.0.3/1")
    assert (build["totalStepCount"], build["totalStepsSucceeded"], build["totalStepsSkipped"]) == (
        7,
        6,
        1,
    )
    assert (test["type"], test["totalStepCount"], test["totalStepsSkipped"]) == ("TEST", 4, 2)
    steps = bench.steps(arn)
    launched = json.loads(steps["LaunchBuildInstance"]["outputs"])
    assert list(launched) == ["instanceId"]
    assert json.loads(steps["ApplyBuildComponents"]["inputs"]) == launched
    skipped = steps["RunSysPrepScript"]
    assert (skipped["status"], skipped["startTime"]) == ("SKIPPED", skipped["endTime"])
    assert json.loads(skipped["inputs"]) == {
        "instanceId.$": "$.stepOutputs.LaunchBuildInstance.instanceId"
    }
    detail = bench.client.get_workflow_step_execution(
        stepExecutionId=steps["LaunchBuildInstance"]["stepExecutionId"]
    )
    assert (detail["onFailure"], detail["timeoutSeconds"]) == ("Abort", 4500)
    packages = bench.client.list_image_packages(imageBuildVersionArn=arn, maxResults=100)
    assert "bash" in {package["packageName"] for package in packages["imagePackageList"]}
    bench.nothing_is_left()


def test_a_build_without_components_skips_the_step_that_runs_them(bench: Bench) -> None:
    """IMG-15, RCP-04."""
    arn = bench.start(bench.recipe())

    bench.built(arn)

    assert bench.steps(arn)["ApplyBuildComponents"]["status"] == "SKIPPED"


def test_what_did_not_change_is_reused_and_it_is_said_why(bench: Bench) -> None:
    first, second = (bench.component(component(f"date > /{n}")) for n in "ab")
    recipe = bench.recipe(first, second)
    bench.built(bench.start(recipe))

    again = bench.start(recipe)
    bench.built(again)
    longer = bench.start(bench.recipe(first, second, bench.component(component("date > /c"))))
    bench.built(longer)

    reasons = dict(
        bench.query("SELECT reason, reused FROM machine_steps ORDER BY rowid DESC LIMIT 20")
    )
    assert "Reused" in bench.log(again)
    assert "unchanged since it was made" in bench.log(again)
    assert bench.log(longer).count('"reused": "yes"') == 2
    assert any(reused for reused in reasons.values())


def test_a_component_that_changes_no_file_is_reused_with_its_outputs(bench: Bench) -> None:
    recipe = bench.recipe(
        bench.component(component("date > /made")), bench.component(component("cat /made"))
    )
    first = bench.start(recipe)
    bench.built(first)

    again = bench.start(recipe)
    bench.built(again)

    assert '"reused": "no"' not in bench.log(again)
    outputs = [bench.steps(arn)["ApplyBuildComponents"]["outputs"] for arn in (first, again)]
    counts = [json.loads(json.loads(text)["output"])["executedStepCount"] for text in outputs]
    assert counts == [2, 2]


def test_the_test_stage_always_runs(bench: Bench) -> None:
    tested = bench.component(component("echo tested >> /tests", phase="test"))
    recipe = bench.recipe(tested)
    bench.built(bench.start(recipe))

    again = bench.start(recipe)
    bench.built(again)

    assert "the TEST stage always runs" in bench.log(again)


def test_a_failing_component_is_named_with_its_phase_step_and_last_words(bench: Bench) -> None:
    """IMG-32, IMG-33, EXE-01, EXE-03, EXE-06, EXE-07."""
    broken = bench.component(component("echo one", "echo 'no such thing' >&2", "exit 3"))
    arn = bench.start(bench.recipe(broken))

    state = bench.finished(arn)["state"]

    execution = bench.executions(arn)[0]
    steps = bench.steps(arn)
    assert state["status"] == "FAILED"
    assert state["reason"] == (
        f"Workflow Execution ID: '{execution['workflowExecutionId']}' failed with reason: "
        f"Document {broken} failed!"
    )
    context = state["failureContext"]
    assert context["imageStatus"] == "BUILDING"
    assert context["failedStep"] == "ApplyBuildComponents"
    assert context["stepExecutionId"] == steps["ApplyBuildComponents"]["stepExecutionId"]
    failure = context["componentFailure"]
    assert failure["componentArn"] == broken
    assert (failure["phaseName"], failure["stepName"], failure["action"]) == (
        "build",
        "Do",
        "ExecuteBash",
    )
    assert "exit status 3" in failure["errorMessage"]
    assert "no such thing" in failure["errorMessage"]
    outputs = json.loads(steps["ApplyBuildComponents"]["outputs"])
    assert {"errorMessage", "runCommandId", "status", "output"} <= outputs.keys()
    assert execution["status"] == "ROLLBACK_COMPLETED"
    assert steps["LaunchBuildInstance"]["rollbackStatus"] == "COMPLETED"
    assert steps["ApplyBuildComponents"]["rollbackStatus"] == "SKIPPED"
    assert "rollbackStatus" not in steps["InventoryCollection"]
    assert steps["InventoryCollection"]["status"] == "PENDING"
    assert "startTime" not in steps["InventoryCollection"]
    listed = bench.client.list_workflow_executions(imageBuildVersionArn=arn)
    assert listed["message"] == state["reason"][:500]
    bench.nothing_is_left()


def test_a_failing_test_fails_the_image_and_keeps_what_was_built(bench: Bench) -> None:
    """IMG-17, workflow-documents.md §4.5."""
    arn = bench.start(bench.recipe(bench.component(component("false", phase="test"))))

    image = bench.finished(arn)

    assert image["state"]["status"] == "FAILED"
    assert image["state"]["failureContext"]["imageStatus"] == "TESTING"
    assert len(image["outputResources"]["amis"]) == 1


def test_tests_can_be_switched_off(bench: Bench) -> None:
    """IMG-18, workflow-documents.md §14.12."""
    arn = bench.start(
        bench.recipe(bench.component(component("false", phase="test"))),
        imageTestsConfiguration={"imageTestsEnabled": False},
    )

    bench.built(arn)

    assert [each["status"] for each in bench.executions(arn)] == ["COMPLETED", "SKIPPED"]


def test_a_workflow_of_ones_own_runs_with_parameters_conditions_and_references(
    bench: Bench,
) -> None:
    """workflow-documents.md §3, §5, §6, §8; IMG-11."""
    text = workflow(
        command(
            "Greet", "echo hello; echo {{ $.parameters.name }} of {{ $.imagebuilder.platform }}"
        ),
        command(
            "Never",
            "false",
            **{"if": {"booleanEquals": True, "value": "$.parameters.never"}},
        ),
        command("Write", "echo '{{ $.stepOutputs.Greet.output[0] }}' > /greeting"),
        parameters=[
            {"name": "name", "type": "string"},
            {"name": "never", "type": "boolean", "default": False},
        ],
    )
    recipe = bench.recipe(
        bench.component(component("grep 'moon of Linux' /greeting", phase="test"))
    )
    run = {
        "workflowArn": bench.workflow(text),
        "parameters": [{"name": "name", "value": ["moon"]}],
    }

    arn = bench.start(
        recipe,
        workflows=[run, "arn:aws:imagebuilder:us-east-1:aws:workflow/test/test-image/x.x.x"],
    )

    bench.built(arn)
    steps = bench.steps(arn)
    assert json.loads(steps["Greet"]["outputs"])["output"] == ["hello\nmoon of Linux"]
    assert steps["Never"]["status"] == "SKIPPED"


def test_a_step_that_may_fail_does_not_stop_the_build(bench: Bench) -> None:
    """workflow-documents.md §4.4."""
    text = workflow(command("Try", "exit 9", onFailure="Continue"))

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    bench.built(arn)
    assert bench.steps(arn)["Try"]["status"] == "FAILED"
    execution = bench.executions(arn)[0]
    assert (execution["status"], execution["totalStepsFailed"]) == ("COMPLETED", 1)


def test_a_step_past_its_time_is_ended_with_all_its_processes(bench: Bench) -> None:
    """workflow-documents.md §4.6, §14.1."""
    text = workflow(command("Sleep", "sleep 600 & sleep 600", timeoutSeconds=1))
    started = time.monotonic()

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    state = bench.finished(arn)["state"]
    assert time.monotonic() - started < 30
    assert state["status"] == "FAILED"
    assert "timed out" in state["reason"]
    sleep = bench.steps(arn)["Sleep"]
    assert (sleep["status"], json.loads(sleep["outputs"])["status"]) == ("FAILED", "TimedOut")
    bench.nothing_is_left()


def test_a_cancelled_build_ends_within_a_second_and_leaves_nothing(bench: Bench) -> None:
    """IMG-60, workflow-documents.md §10.4."""
    recipe = bench.recipe(bench.component(component("echo begun", "sleep 600")))

    def seconds_to_the_end() -> float:
        arn = bench.start(recipe)
        wait_until(lambda: '"begun"' in bench.log(arn))
        started = time.monotonic()
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        assert bench.finished(arn)["state"]["status"] == "CANCELLED"
        ended = time.monotonic()
        assert bench.executions(arn)[0]["status"] == "CANCELLED"
        assert bench.steps(arn)["ApplyBuildComponents"]["status"] == "CANCELLED"
        assert bench.steps(arn)["LaunchBuildInstance"]["rollbackStatus"] == "COMPLETED"
        bench.nothing_is_left()
        with pytest.raises(ClientError) as caught:
            bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
        return ended - started

    at_best_within(3, seconds_to_the_end)


class TestWaiting:
    def waits(self, bench: Bench, **more: Any) -> tuple[str, str]:
        text = workflow(
            waiting(**more),
            command("After", "echo '{{ $.stepOutputs.Ask.reason }}' > /reason"),
        )
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])
        wait_until(lambda: bool(waiting_ids(bench, arn)))
        return arn, waiting_ids(bench, arn)[0]

    def test_a_waiting_step_is_listed_and_resumes_with_its_reason(self, bench: Bench) -> None:
        """EXE-10, EXE-11, EXE-12."""
        arn, step = self.waits(bench)
        assert bench.steps(arn)["Ask"]["status"] == "WAITING"
        assert bench.executions(arn)[0]["status"] == "RUNNING"

        bench.client.send_workflow_step_action(
            stepExecutionId=step, imageBuildVersionArn=arn, action="RESUME", reason="fine"
        )

        bench.built(arn)
        assert json.loads(bench.steps(arn)["Ask"]["outputs"]) == {
            "action": "RESUME",
            "reason": "fine",
        }
        assert waiting_ids(bench, arn) == []
        with pytest.raises(ClientError) as caught:
            bench.client.send_workflow_step_action(
                stepExecutionId=step, imageBuildVersionArn=arn, action="STOP"
            )
        assert caught.value.response["Error"]["Code"] == "InvalidRequestException"

    def test_a_stopped_step_fails_its_build(self, bench: Bench) -> None:
        """EXE-12."""
        arn, step = self.waits(bench)

        bench.client.send_workflow_step_action(
            stepExecutionId=step, imageBuildVersionArn=arn, action="STOP", reason="too risky"
        )

        state = bench.finished(arn)["state"]
        assert state["status"] == "FAILED"
        assert "too risky" in state["reason"]

    def test_nobody_answering_in_time_fails_the_step(self, bench: Bench) -> None:
        """workflow-documents.md §12.2."""
        text = workflow(waiting(timeoutSeconds=1))

        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

        assert "timed out" in bench.finished(arn)["state"]["reason"]

    def test_a_waiting_build_can_be_cancelled(self, bench: Bench) -> None:
        """IMG-60, EXE-11."""
        arn, _ = self.waits(bench)

        bench.client.cancel_image_creation(imageBuildVersionArn=arn)

        assert bench.finished(arn)["state"]["status"] == "CANCELLED"
        assert bench.steps(arn)["Ask"]["status"] == "CANCELLED"
        assert waiting_ids(bench, arn) == []

    def test_of_many_answers_at_once_one_wins(self, bench: Bench) -> None:
        """EXE-13."""
        arn, step = self.waits(bench)

        def answer(_: int) -> str:
            try:
                bench.client.send_workflow_step_action(
                    stepExecutionId=step, imageBuildVersionArn=arn, action="RESUME", reason="x"
                )
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "won"

        with ThreadPoolExecutor(8) as threads:
            outcomes = sorted(threads.map(answer, range(8)))

        assert outcomes == ["InvalidRequestException"] * 7 + ["won"]
        bench.built(arn)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"stepExecutionId": f"step-{uuid4()}"}, "ResourceNotFoundException"),
            (
                {"imageBuildVersionArn": f"{OWN}image/x/1.0.0/1"},
                "InvalidParameterValueException",
            ),
            ({"action": "MAYBE"}, "InvalidParameterValueException"),
        ],
    )
    def test_an_answer_to_something_else_is_refused(
        self, bench: Bench, changes: dict[str, Any], code: str
    ) -> None:
        """EXE-12."""
        arn, step = self.waits(bench)
        request = {"stepExecutionId": step, "imageBuildVersionArn": arn, "action": "RESUME"}

        with pytest.raises(ClientError) as caught:
            bench.client.send_workflow_step_action(**{**request, **changes})

        assert caught.value.response["Error"]["Code"] == code
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        bench.finished(arn)


def test_test_workflows_of_a_group_run_together_and_one_may_fail(bench: Bench) -> None:
    """IMG-16, IMG-17, workflow-documents.md §10.2."""

    def test_workflow(*steps: dict[str, Any]) -> str:
        launched = {"instanceId.$": "$.stepOutputs.Launch.instanceId"}
        document = {
            "schemaVersion": "1.0",
            "steps": [
                {"name": "Launch", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}},
                *steps,
                {"name": "End", "action": "TerminateInstance", "inputs": launched},
            ],
        }
        return bench.workflow(json.dumps(document), kind="TEST")

    build = bench.workflow(workflow(command("Mark", "touch /made")))
    tests: list[dict[str, Any]] = [
        {
            "workflowArn": test_workflow(command("Check", f"test -f /made # {n}"), waiting()),
            "parallelGroup": "g",
        }
        for n in range(3)
    ]
    fails = test_workflow(command("Check", "exit 1"))
    tests.append({"workflowArn": fails, "parallelGroup": "g", "onFailure": "CONTINUE"})

    arn = bench.start(bench.recipe(), workflows=[*tests, build])
    wait_until(lambda: len(waiting_ids(bench, arn)) == 3)
    for step in waiting_ids(bench, arn):
        bench.client.send_workflow_step_action(
            stepExecutionId=step, imageBuildVersionArn=arn, action="RESUME"
        )

    bench.built(arn)
    executions = bench.executions(arn)
    assert [each["type"] for each in executions] == ["BUILD"] + ["TEST"] * 4
    assert [each["status"] for each in executions[1:]] == ["COMPLETED"] * 3 + ["ROLLBACK_COMPLETED"]
    bench.nothing_is_left()


def test_five_test_workflows_of_a_group_run_at_a_time(bench: Bench) -> None:
    """workflow-documents.md §10.2."""
    test = json.dumps({"schemaVersion": "1.0", "steps": [waiting()]})
    member = {"workflowArn": bench.workflow(test, kind="TEST"), "parallelGroup": "g"}
    build = bench.workflow(workflow())

    arn = bench.start(bench.recipe(), workflows=[build, *[member] * 7])

    def stand(waiting: int, behind: int) -> bool:
        statuses = [each["status"] for each in bench.executions(arn)[1:]]
        assert statuses.count("RUNNING") <= 5
        now = statuses.count("RUNNING"), statuses.count("PENDING"), len(waiting_ids(bench, arn))
        return now == (waiting, behind, waiting)

    for at_once, behind in ((5, 2), (2, 0)):
        wait_until(partial(stand, at_once, behind), what="the steps of a group")
        for step in waiting_ids(bench, arn):
            bench.client.send_workflow_step_action(
                stepExecutionId=step, imageBuildVersionArn=arn, action="RESUME"
            )
    bench.built(arn)


def test_an_aborting_test_of_a_group_lets_no_further_one_start(bench: Bench) -> None:
    """workflow-documents.md §10.2, §14.24."""
    failing = bench.workflow(
        json.dumps(
            {
                "schemaVersion": "1.0",
                "steps": [
                    {
                        "name": "Launch",
                        "action": "LaunchInstance",
                        "inputs": {"waitFor": "ssmAgent"},
                    },
                    command("Fail", "exit 1"),
                ],
            }
        ),
        kind="TEST",
    )
    build = bench.workflow(workflow())

    arn = bench.start(
        bench.recipe(), workflows=[build, {"workflowArn": failing}, {"workflowArn": failing}]
    )

    assert bench.finished(arn)["state"]["status"] == "FAILED"
    assert [each["status"] for each in bench.executions(arn)] == [
        "COMPLETED",
        "ROLLBACK_COMPLETED",
        "PENDING",
    ]


def test_an_image_is_built_on_an_image_built_on_an_image(bench: Bench) -> None:
    """RCP-02, VER-20, IMG-62."""
    arn, parent = "", dict[str, str]()
    for level in range(3):
        made = bench.component(component(f"echo {level} >> /levels"))
        arn = bench.start(bench.recipe(made, **parent))
        bench.built(arn)
        parent = {"parent": arn}
    check = bench.component(component('test "$(cat /levels)" = "0\n1\n2"', phase="test"))
    recipe = bench.recipe(check, parent=arn.rpartition("/")[0])

    top = bench.start(recipe)

    image = bench.built(top)
    assert image["imageRecipe"]["parentImage"] == arn


def test_a_test_workflow_alone_tests_the_parent(bench: Bench) -> None:
    """IMG-11, workflow-documents.md §10.1."""
    test = "arn:aws:imagebuilder:us-east-1:aws:workflow/test/test-image/x.x.x"
    check = bench.component(component("test -f /etc/debian_version", phase="test"))

    arn = bench.start(bench.recipe(check), workflows=[test])

    bench.built(arn)
    assert [each["type"] for each in bench.executions(arn)] == ["TEST"]
    assert len(bench.image(arn)["outputResources"]["amis"]) == 1


def test_tests_of_a_group_may_work_on_one_machine(bench: Bench) -> None:
    """workflow-documents.md §8, §10.2: what one of them changes stays, also beside the others."""
    build = json.loads(workflow())
    del build["steps"][-1]  # nothing ends the machine
    build["outputs"].append({"name": "Machine", "value": "$.stepOutputs.Launch.instanceId"})

    def test_of(*lines: str) -> str:
        use = command("Use", *lines)
        use["inputs"]["instanceId.$"] = "$.workflowOutputs.Machine"
        text = json.dumps({"schemaVersion": "1.0", "steps": [use]})
        return bench.workflow(text, kind="TEST")

    members = [
        {"workflowArn": test_of(f"echo {uuid4()} > /made-{n}; sleep 1"), "parallelGroup": "g"}
        for n in range(3)
    ]
    both = test_of("ls /made-0 /made-1 /made-2")

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(json.dumps(build)), *members, both])

    bench.built(arn)


def test_a_machine_can_be_kept_for_a_look_inside(bench: Bench) -> None:
    """INF-03, workflow-documents.md §4.5."""
    arn = bench.start(
        bench.recipe(bench.component(component("echo trace > /trace", "false"))),
        infrastructureConfigurationArn=bench.infrastructure(terminateInstanceOnFailure=False),
    )

    assert bench.finished(arn)["state"]["status"] == "FAILED"

    ((kept, layer, state),) = bench.query(
        f"SELECT id, layer, state FROM instances WHERE owner = '{arn}'"  # noqa: S608 - our own ARN
    )
    assert state == "kept"

    bench.client.delete_image(imageBuildVersionArn=arn)

    for table, column in (
        ("instances", "id"),
        ("machine_steps", "instance_id"),
        ("layer_holders", "holder"),
    ):
        assert bench.query(f"SELECT * FROM {table} WHERE {column} = '{kept}'") == []  # noqa: S608 - our own
    assert bench.query(f"SELECT * FROM layers WHERE id = '{layer}'") != []  # noqa: S608 - prune's to free


def test_an_image_that_is_deleted_takes_its_executions_along(bench: Bench) -> None:
    """IMG-61, IMG-63."""
    arn = bench.start(bench.recipe())
    bench.built(arn)
    execution = bench.executions(arn)[0]["workflowExecutionId"]

    bench.client.delete_image(imageBuildVersionArn=arn)

    asks: list[Callable[[], Any]] = [
        lambda: bench.image(arn),
        lambda: bench.client.get_workflow_execution(workflowExecutionId=execution),
        lambda: bench.client.list_image_packages(imageBuildVersionArn=arn),
        lambda: bench.client.delete_image(imageBuildVersionArn=arn),
    ]
    for ask in asks:
        with pytest.raises(ClientError) as caught:
            ask()
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_running_build_cannot_be_deleted(bench: Bench) -> None:
    """IMG-61."""
    arn = bench.start(bench.recipe(bench.component(component("sleep 600"))))

    with pytest.raises(ClientError) as caught:
        bench.client.delete_image(imageBuildVersionArn=arn)

    assert caught.value.response["Error"]["Code"] == "ResourceDependencyException"
    bench.client.cancel_image_creation(imageBuildVersionArn=arn)
    bench.finished(arn)


def test_an_image_that_a_running_build_stands_on_cannot_be_deleted(bench: Bench) -> None:
    """IMG-61."""
    parent = bench.start(bench.recipe())
    [ami] = bench.built(parent)["outputResources"]["amis"]
    ask = json.dumps({"schemaVersion": "1.0", "steps": [waiting()]})
    test = bench.workflow(ask, kind="TEST")
    for name in (parent.rsplit("/", 2)[0] + "/x.x.x", ami["image"]):
        child = bench.start(bench.recipe(parent=name), workflows=[test])

        with pytest.raises(ClientError) as caught:
            bench.client.delete_image(imageBuildVersionArn=parent)

        assert caught.value.response["Error"]["Code"] == "ResourceDependencyException"
        assert child in str(caught.value)
        bench.client.cancel_image_creation(imageBuildVersionArn=child)
        bench.finished(child)
    bench.client.delete_image(imageBuildVersionArn=parent)


class TestRefusedBeforeItStarts:
    def refused(self, bench: Bench, **request: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            bench.start(**request)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    def test_a_scan_without_advisories_names_the_setting(self, bench: Bench) -> None:
        """SCN-03, ERR-04."""
        wanted = {"imageScanningEnabled": True}

        code, message = self.refused(
            bench, recipe=bench.recipe(), imageScanningConfiguration=wanted
        )

        assert code == "ResourceDependencyException"
        assert "scanning.advisories" in message

    def test_a_parent_that_stands_for_nothing_names_the_line_to_add(self, bench: Bench) -> None:
        """RCP-02."""
        recipe = bench.recipe(parent="ami-0123456789abcdef0")

        code, message = self.refused(bench, recipe=recipe)

        assert code == "InvalidRequestException"
        assert '"ami-0123456789abcdef0" = "debian-12"' in message

    def test_an_action_that_is_not_built_is_named(self, bench: Bench) -> None:
        step = {"name": "Prepare", "action": "RunSysPrep", "inputs": {"instanceId": "i-0"}}
        unsure = {**step, "if": {"stringEquals": "a", "value": "$.stepOutputs.Launch.instanceId"}}
        never = {**step, "if": {"stringEquals": "Windows", "value": "$.imagebuilder.platform"}}

        for each in (step, unsure):
            code, message = self.refused(
                bench, recipe=bench.recipe(), workflows=[bench.workflow(workflow(each))]
            )
            assert code == "InvalidRequestException"
            assert "'Prepare' needs RunSysPrep" in message
        bench.built(bench.start(bench.recipe(), workflows=[bench.workflow(workflow(never))]))

    def test_an_input_whose_service_is_out_of_reach_is_named(self, bench: Bench) -> None:
        topic = {"snsTopicArn": "arn:aws:sns:us-east-1:123456789012:topic"}

        code, message = self.refused(
            bench,
            recipe=bench.recipe(),
            workflows=[bench.workflow(workflow(waiting(inputs=topic)))],
        )

        assert code == "InvalidRequestException"
        assert "'Ask' needs sns for its input snsTopicArn" in message

    def test_combinations_that_make_no_sense_are_refused(self, bench: Bench) -> None:
        """IMG-01, IMG-10, IMG-11, IMG-12, IMG-16, IMG-19, ERR-24."""
        recipe = bench.recipe()
        build = bench.workflow(workflow(parameters=[{"name": "must", "type": "integer"}]))
        headless = bench.workflow(json.dumps({**json.loads(workflow()), "outputs": []}))
        managed = "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.3/1"
        combination, value = (
            "InvalidParameterCombinationException",
            "InvalidParameterValueException",
        )

        def with_must(*texts: str) -> dict[str, Any]:
            return {"workflowArn": build, "parameters": [{"name": "must", "value": list(texts)}]}

        table: list[tuple[list[Any], str, str]] = [
            ([build], combination, "workflows[0].parameters"),
            ([with_must("x")], value, "workflows[0].parameters"),
            ([with_must("1", "2")], value, "workflows[0].parameters"),
            ([headless], value, "ImageId"),
            ([managed], value, "must have latest version 'x.x.x' for"),
            ([with_must("1"), with_must("2")], value, "one workflow of type BUILD"),
            ([{**with_must("1"), "parallelGroup": "g"}], combination, "parallelGroup"),
            ([{**with_must("1"), "onFailure": "ABORT"}], combination, "onFailure"),
        ]
        for workflows, code, part in table:
            found = self.refused(bench, recipe=recipe, workflows=workflows)
            assert found[0] == code, found
            assert part in found[1]
        with pytest.raises(ClientError) as caught:
            bench.client.create_image(
                imageRecipeArn=recipe,
                infrastructureConfigurationArn=bench.infrastructure(),
                workflows=[{"workflowArn": build}],
            )
        assert "An execution role is required to provide workflows" in str(caught.value)


def test_a_build_that_waits_for_its_turn_is_cancelled_at_once(bench: Bench) -> None:
    """IMG-02, IMG-30, IMG-60."""
    busy = [bench.start(bench.recipe(bench.component(component("sleep 600")))) for _ in range(2)]
    wait_until(lambda: all(bench.image(arn)["state"]["status"] == "BUILDING" for arn in busy))
    queued = bench.start(bench.recipe())
    assert bench.image(queued)["state"] == {"status": "PENDING"}

    bench.client.cancel_image_creation(imageBuildVersionArn=queued)

    assert bench.image(queued)["state"] == {"status": "CANCELLED"}
    for arn in busy:
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        bench.finished(arn)
    assert bench.image(queued)["state"] == {"status": "CANCELLED"}


def test_the_parents_id_may_be_asked_for_and_launched(bench: Bench) -> None:
    """workflow-documents.md §5.5, §7.12."""
    text = workflow(
        {
            "name": "Second",
            "action": "LaunchInstance",
            "inputs": {"waitFor": "ssmAgent", "imageIdOverride.$": "$.imagebuilder.imageId"},
        }
    )

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    bench.built(arn)
    launched = [bench.steps(arn)[name]["outputs"] for name in ("Launch", "Second")]
    assert launched[0] != launched[1]
    bench.nothing_is_left()


def test_machines_can_be_kept_when_all_went_well(bench: Bench) -> None:
    """INF-03: terminateInstanceOnCompletion."""
    text = json.loads(workflow())
    text["steps"] = [step for step in text["steps"] if step["name"] != "End"]
    arn = bench.start(
        bench.recipe(),
        workflows=[bench.workflow(json.dumps(text))],
        infrastructureConfigurationArn=bench.infrastructure(terminateInstanceOnCompletion=False),
    )

    bench.built(arn)

    kept = bench.query(f"SELECT state FROM instances WHERE owner = '{arn}'")  # noqa: S608 - our own ARN
    assert kept == [("kept",)]
