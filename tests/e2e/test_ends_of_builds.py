"""Builds that do not go as planned: each comes to an end, says why, and leaves nothing."""

import json
import subprocess
import sys
import time
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.conftest import wait_until
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_builds import command, component, waiting, workflow
from tests.e2e.test_machine_actions import step

LAUNCH = {"name": "Launch", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}}
NEVER = {"stringEquals": "Windows", "value": "$.imagebuilder.platform"}
STUBBORN = (
    "trap '' TERM INT HUP; (setsid sh -c \"trap '' TERM; sleep 600\" &); echo begun; sleep 600"
)


def changed(name: str, **changes: Any) -> str:
    """Write the build workflow with one step changed."""
    document = json.loads(workflow())
    for each in document["steps"]:
        if each["name"] == name:
            each.update(changes)
    return json.dumps(document)


def asks(bench: Bench, arn: str) -> list[str]:
    """Return the steps of a build that wait for an answer."""
    found = bench.client.list_waiting_workflow_steps(maxResults=100)["steps"]
    return [each["stepExecutionId"] for each in found if each["imageBuildVersionArn"] == arn]


def is_asking(bench: Bench, arn: str) -> bool:
    """Tell whether a step of a build waits for an answer."""
    return bool(asks(bench, arn))


def answer(bench: Bench, arn: str, **more: Any) -> None:
    """Resume the one step of a build that waits."""
    wait_until(lambda: bool(asks(bench, arn)))
    bench.client.send_workflow_step_action(
        stepExecutionId=asks(bench, arn)[0], imageBuildVersionArn=arn, action="RESUME", **more
    )


def test_a_machine_that_cannot_be_launched_fails_the_build(bench: Bench) -> None:
    """workflow-documents.md §4.5: the step that failed takes part in the rollback."""
    missing = {"waitFor": "ssmAgent", "imageIdOverride": "ami-0123456789abcdef0"}
    text = changed("Launch", inputs=missing)

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    state = bench.finished(arn)["state"]
    assert state["status"] == "FAILED"
    assert "no image is ami-0123456789abcdef0" in state["reason"]
    assert state["failureContext"]["failedStep"] == "Launch"
    bench.nothing_is_left()


def test_a_build_that_made_no_image_fails_and_says_what_became_of_it(bench: Bench) -> None:
    """workflow-documents.md §5.6 rule 4, §8."""
    skipped = bench.workflow(changed("Make", **{"if": NEVER}))
    text = workflow(command("Say", "echo no image"))
    printed = bench.workflow(text.replace("Make.imageId", "Say.output[0]"))
    recipe = bench.recipe()

    reasons = [
        bench.finished(bench.start(recipe, workflows=[build]))["state"]["reason"]
        for build in (skipped, printed)
    ]

    assert "made no image: the step `Make` was skipped" in reasons[0]
    assert "its output ImageId is `no image`, which is no image id" in reasons[1]


def test_a_machine_that_was_ended_is_not_kept_after_a_failure(bench: Bench) -> None:
    """INF-03, workflow-documents.md §4.5."""
    document = json.loads(workflow())
    document["steps"].append(command("TooLate", "true"))

    arn = bench.start(
        bench.recipe(),
        workflows=[bench.workflow(json.dumps(document))],
        infrastructureConfigurationArn=bench.infrastructure(terminateInstanceOnFailure=False),
    )

    assert "is not running: it was terminated" in bench.finished(arn)["state"]["reason"]
    ended = bench.query(f"SELECT state FROM instances WHERE owner = '{arn}'")  # noqa: S608 - our own ARN
    assert ended == [("terminated",)]


def test_a_document_whose_key_is_disabled_meanwhile_fails_its_step(lab: Lab, bench: Bench) -> None:
    key = f"alias/{uuid4()}"
    created = bench.client.create_workflow(
        name=f"w-{uuid4()}", semanticVersion="1.0.0", type="BUILD", kmsKeyId=key,
        data=workflow(waiting()),
    )  # fmt: skip
    arn = bench.start(bench.recipe(), workflows=[created["workflowBuildVersionArn"]])
    wait_until(lambda: bool(asks(bench, arn)))
    subprocess.run(
        [sys.executable, "-m", "imagewright", "keyring", "disable", key, "--state", lab.state],
        check=True,
    )

    answer(bench, arn)

    state = bench.finished(arn)["state"]
    assert state["status"] == "FAILED"
    assert f"The key '{key}' is disabled" in state["reason"]
    assert bench.executions(arn)[0]["status"] == "FAILED"
    bench.nothing_is_left()


def test_a_step_that_refers_to_a_skipped_one_fails_as_its_author_wished(bench: Bench) -> None:
    """workflow-documents.md §5.6 rule 4, §6.4."""
    text = workflow(
        command("Never", "echo never", **{"if": NEVER}),
        command("Input", "echo {{ $.stepOutputs.Never.output[0] }}", onFailure="Continue"),
        command(
            "Condition",
            "true",
            onFailure="Continue",
            **{"if": {"stringEquals": "a", "value": "$.stepOutputs.Never.output[0]"}},
        ),
    )

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    bench.built(arn)
    steps = bench.steps(arn)
    for name in ("Input", "Condition"):
        assert steps[name]["status"] == "FAILED"
        assert "the step `Never` was skipped, so it has no outputs" in steps[name]["message"]
    shown = {
        name: json.loads(steps[name]["inputs"])["parameters"] for name in ("Input", "Condition")
    }
    assert shown == {
        "Input": {"commands": ["echo {{ $.stepOutputs.Never.output[0] }}"]},
        "Condition": {"commands": ["true"]},
    }


def traces(*names: str, **keys: Any) -> str:
    """Write a component whose first step leaves its name and fails as ``keys`` say."""
    first, *rest = (
        {"name": n, "action": "ExecuteBash", "inputs": {"commands": [f"echo {n} >>/trace"]}}
        for n in names
    )
    first["inputs"] = {"commands": [f"echo {names[0]} >>/trace", "exit 4"]}
    phase = {"name": "build", "steps": [{**first, **keys}, *rest]}
    return json.dumps({"schemaVersion": "1.0", "phases": [phase]})


def shows(phase: str = "build") -> str:
    step = {"name": "Show", "action": "ExecuteBash", "inputs": {"commands": ["paste -sd+ /trace"]}}
    return json.dumps({"schemaVersion": "1.0", "phases": [{"name": phase, "steps": [step]}]})


@pytest.mark.parametrize(("on_failure", "goes_on"), [("Continue", True), ("Abort", False)])
def test_components_behind_a_failure_run_where_it_aborts_nothing(
    bench: Bench, on_failure: str, goes_on: bool
) -> None:
    """component-documents.md §4.3: the first failure is told, and what it changed stays."""
    first = bench.component(traces("One", "Two", onFailure=on_failure))
    second = bench.component(traces("Three", onFailure="Continue"))

    arn = bench.start(bench.recipe(first, second, bench.component(shows())))

    state = bench.finished(arn)["state"]
    assert (state["status"], first in state["reason"]) == ("FAILED", True)
    assert state["failureContext"]["componentFailure"]["stepName"] == "One"
    assert ('"One+Two+Three"' in bench.log(arn)) is goes_on
    bench.nothing_is_left()


def test_outputs_of_a_groups_test_are_for_later_ones_and_not_for_its_siblings(
    bench: Bench,
) -> None:
    """workflow-documents.md §8."""
    build = bench.workflow(workflow())

    def test_workflow(*steps: dict[str, Any], **more: Any) -> str:
        end = {
            "name": "End",
            "action": "TerminateInstance",
            "onFailure": "Continue",
            "inputs": {"instanceId.$": "$.stepOutputs.Launch.instanceId"},
        }
        document = {"schemaVersion": "1.0", "steps": [LAUNCH, *steps, end], **more}
        return bench.workflow(json.dumps(document), kind="TEST")

    name = f"Found{uuid4().hex[:6]}"
    finder = test_workflow(outputs=[{"name": name, "value": "moon"}])
    sibling = test_workflow(
        command("Slow", "sleep 2"),
        command("Read", f"echo {{{{ $.workflowOutputs.{name} }}}}", onFailure="Continue"),
    )
    later = test_workflow(command("Read", f"echo {{{{ $.workflowOutputs.{name} }}}}"))

    arn = bench.start(
        bench.recipe(),
        workflows=[
            build,
            {"workflowArn": finder, "parallelGroup": "g"},
            {"workflowArn": sibling, "parallelGroup": "g"},
            later,
        ],
    )

    bench.built(arn)
    assert "there is no workflow output" in bench.steps(arn, ordinal=2)["Read"]["message"]
    assert json.loads(bench.steps(arn, ordinal=3)["Read"]["outputs"])["output"] == ["moon"]


@pytest.mark.parametrize(
    ("name", "said"), [("ImageID", "Did you mean 'ImageId'?"), ("Own", "puts out.")]
)
def test_reading_what_no_earlier_workflow_puts_out_is_refused(
    bench: Bench, name: str, said: str
) -> None:
    """workflow-documents.md §5.6, rule 5: known once the set of workflows is."""
    asks = {"name": "Ask", "action": "WaitForAction"}
    document = {
        "schemaVersion": "1.0",
        "steps": [{**asks, "inputs": {"payload.$": f"$.workflowOutputs.{name}"}}],
        "outputs": [{"name": "Own", "value": "x"}],
    }
    test = bench.workflow(json.dumps(document), kind="TEST")

    with pytest.raises(ClientError) as caught:
        bench.start(bench.recipe(), workflows=[test, bench.workflow(workflow())])

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert f"reads '$.workflowOutputs.{name}'" in error["Message"]
    assert said in error["Message"]


def test_two_workflows_with_an_output_of_one_name_are_refused(bench: Bench) -> None:
    """workflow-documents.md §8."""
    document = {
        "schemaVersion": "1.0",
        "steps": [{"name": "Ask", "action": "WaitForAction"}],
        "outputs": [{"name": "ImageId", "value": "x"}],
    }
    test = bench.workflow(json.dumps(document), kind="TEST")

    with pytest.raises(ClientError) as caught:
        bench.start(bench.recipe(), workflows=[bench.workflow(workflow()), test])

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert "must have different names" in error["Message"]
    assert test in error["Message"]


def test_builds_that_wait_for_an_answer_hold_up_no_other(bench: Bench) -> None:
    """workflow-documents.md §12.2: a step may wait for days."""
    asking = bench.workflow(workflow(waiting()))
    recipe = bench.recipe()
    many = [bench.start(recipe, workflows=[asking]) for _ in range(4)]

    for arn in many:
        wait_until(partial(is_asking, bench, arn))
    bench.built(bench.start(recipe))

    for arn in many:
        answer(bench, arn)
    for arn in many:
        bench.built(arn)


class TestStubbornCommands:
    def test_a_cancel_ends_what_ignores_signals_and_left_its_session(self, bench: Bench) -> None:
        """IMG-60."""
        text = workflow(command("Stubborn", STUBBORN))
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])
        wait_until(lambda: '"begun"' in bench.log(arn))
        started = time.monotonic()

        for _ in range(2):  # asking twice is asking once
            bench.client.cancel_image_creation(imageBuildVersionArn=arn)

        assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
        assert time.monotonic() - started < 10
        assert bench.steps(arn)["Stubborn"]["status"] == "CANCELLED"
        bench.nothing_is_left()

    def test_a_time_out_ends_it_too_and_the_next_step_runs_where_it_may(self, bench: Bench) -> None:
        """workflow-documents.md §4.4, §4.6."""
        text = workflow(
            command("Stubborn", STUBBORN, timeoutSeconds=1, onFailure="Continue"),
            command("Count", "pgrep -c sleep || true"),
        )

        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

        bench.built(arn)
        steps = bench.steps(arn)
        assert "timed out" in steps["Stubborn"]["message"]
        assert json.loads(steps["Count"]["outputs"])["output"] == ["0"]


def test_what_a_failed_step_left_is_there_for_the_steps_that_go_on(bench: Bench) -> None:
    """§4.4: nothing is rolled back for it, before a retry and after it; §5.6: nor its outputs."""
    said = "{{ $.stepOutputs.Half.output[0] }}"
    failed = {"stringEquals": "Failed", "value": "$.stepOutputs.Components.status"}
    text = workflow(
        command("Half", "echo half > /half", "echo said", "exit 4", onFailure="Continue"),
        step("Components", "ExecuteComponents", onFailure="Continue"),
        command("Read", "cat /half /component", f"echo {said}", "exit 5", **{"if": failed}),
    )
    recipe = bench.recipe(bench.component(component("echo component > /component", "exit 7")))
    arn = bench.start(recipe, workflows=[bench.workflow(text)])
    assert bench.finished(arn)["state"]["failureContext"]["failedStep"] == "Read"

    bench.door.post("/builds/retry", {"image": arn})

    assert bench.finished(arn)["state"]["failureContext"]["failedStep"] == "Read"
    for ordinal in (0, 1):
        steps = bench.steps(arn, ordinal=ordinal)
        assert [steps[name]["status"] for name in ("Half", "Components")] == ["FAILED"] * 2
        assert json.loads(steps["Read"]["outputs"])["output"] == ["half\ncomponent\nsaid"]


def test_a_flood_of_output_is_cut_and_the_build_goes_on(bench: Bench) -> None:
    """workflow-documents.md §7.15; a single line without end included."""
    text = workflow(
        command("Flood", "yes flood | head -n 9000", "head -c 9000000 /dev/zero | tr '\\0' x"),
        command("Read", "echo '{{ $.stepOutputs.Flood.output[0] }}' | wc -c"),
    )

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    bench.built(arn)
    steps = bench.steps(arn)
    assert len(json.loads(steps["Flood"]["outputs"])["output"][0]) <= 24_000
    assert int(json.loads(steps["Read"]["outputs"])["output"][0]) > 20_000
