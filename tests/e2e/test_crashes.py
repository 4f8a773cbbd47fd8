"""Losing the server at every instant that has a name."""

import socket
from pathlib import Path
from uuid import uuid4

import pytest
from tests.conftest import wait_until
from tests.e2e import test_container_images as container_images
from tests.e2e.conftest import BUILD_SECONDS, Lab
from tests.e2e.test_builds import command, waiting, workflow
from tests.e2e.test_ends_of_builds import traces
from tests.e2e.test_image_scans import SCANNING, write_advisories
from tests.e2e.test_machine_actions import step
from tests.e2e.test_retries import answer, go_on, stopped, waiting_steps
from tests.e2e.test_secrets import READS, as_document, document, is_not_in_log, name_of, new_secret
from tests.other_services import OtherServices

from imagewright.actions.table import STEP_ACTIONS
from imagewright.engine.crash_points import CrashPoint

REACHED_BY_OTHERS = {
    CrashPoint.MACHINE_ANSWERED: "test_every_action_survives_losing_the_server",
    CrashPoint.FAILURE_LEFT: "test_a_failure_that_stays_is_done_once_after_losing_the_server",
    CrashPoint.RESTART_DUE: "test_a_restart_within_a_loop_survives_losing_the_server",
    CrashPoint.RESTARTED: "test_a_restart_within_a_loop_survives_losing_the_server",
    CrashPoint.FINDINGS_RECORDED: "test_a_scan_survives_losing_the_server",
    CrashPoint.EXECUTION_STARTED: "tests/actions/test_execute_state_machine.py",
    CrashPoint.COPY_UNDER_WAY: "tests/actions/test_distribute_image.py",
    CrashPoint.COPY_ARRIVED: "tests/actions/test_distribute_image.py",
    CrashPoint.COPY_RECORDED: "tests/actions/test_distribute_image.py",
    CrashPoint.CONFIGURATION_APPLIED: "tests/actions/test_apply_image_configurations.py",
    CrashPoint.STEP_WAITING: "tests/actions/test_wait_for_action.py",
    CrashPoint.WAITING_TOLD: "tests/actions/test_wait_for_action.py",
}
"""Points within actions that reach other services or restart, and where they are tested."""
NOT_REACHED = {CrashPoint.ROLLBACK_BEGUN, *REACHED_BY_OTHERS}
"""By a build that goes well and does without those actions."""
LOST_ELSEWHERE = {
    *("CollectImageScanFindings", "ExecuteStateMachine", "WaitForAction"),
    *("DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations"),
    *("BootstrapInstanceForContainer", "DistributeContainerImage"),
}
"""Actions that need advisories, another service or an answer, those that distribute, and those of
container images: their own tests lose them."""


def component(*, fails: bool = False) -> str:
    """Leave one line in the image; the test phase demands that it is one."""
    end = "exit 7" if fails else "echo done"
    return f"""\
name: {uuid4()}
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Leave
        action: ExecuteBash
        inputs:
          commands:
            - echo once >> /effects
            - echo said
            - {end}
  - name: test
    steps:
      - name: Count
        action: ExecuteBash
        inputs:
          commands:
            - test "$(cat /effects)" = once
"""


@pytest.mark.parametrize("point", [each for each in CrashPoint if each not in NOT_REACHED])
def test_a_build_survives_losing_the_server(lab: Lab, point: CrashPoint) -> None:
    with lab.bench(IMAGEWRIGHT_CRASH_AT=point.value) as bench:
        arn = bench.start(bench.recipe(bench.component(component())))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench() as bench:
        bench.built(arn)

        images = bench.query(f"SELECT id FROM machine_images WHERE image_arn = '{arn}'")  # noqa: S608 - our own ARN
        assert len(images) == 1
        assert len(bench.image(arn)["outputResources"]["amis"]) == 1
        bench.nothing_is_left()


@pytest.mark.parametrize(
    "point",
    [
        CrashPoint.COMMAND_RUNNING,
        CrashPoint.STEP_ENDED,
        CrashPoint.ROLLBACK_BEGUN,
        CrashPoint.STAGE_ENDED,
    ],
)
def test_a_failing_build_fails_with_its_cause_after_losing_the_server(
    lab: Lab, point: CrashPoint
) -> None:
    with lab.bench(IMAGEWRIGHT_CRASH_AT=point.value) as bench:
        arn = bench.start(bench.recipe(bench.component(component(fails=True))))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench() as bench:
        state = bench.finished(arn)["state"]

        assert state["status"] == "FAILED"
        failure = state["failureContext"]["componentFailure"]
        assert (failure["stepName"], failure["errorMessage"]) == (
            "Leave",
            "exit status 7 at line 3: exit 7\nsaid",
        )
        assert bench.executions(arn)[0]["status"] == "ROLLBACK_COMPLETED"
        bench.nothing_is_left()


def test_a_failure_that_stays_is_done_once_after_losing_the_server(lab: Lab) -> None:
    """workflow-documents.md §4.4."""
    once = command("Once", "echo once >> /once", "exit 4", onFailure="Continue")
    text = workflow(once, command("Count", 'test "$(cat /once)" = once'))
    with lab.bench(IMAGEWRIGHT_CRASH_AT=CrashPoint.FAILURE_LEFT.value) as bench:
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench() as bench:
        bench.built(arn)
        assert bench.steps(arn)["Once"]["status"] == "FAILED"
        bench.nothing_is_left()


def test_components_behind_a_failure_are_done_again_with_it_after_losing_the_server(
    lab: Lab,
) -> None:
    """component-documents.md §4.3."""
    components = {
        "name": "Components",
        "action": "ExecuteComponents",
        "onFailure": "Continue",
        "inputs": {"instanceId.$": "$.stepOutputs.Launch.instanceId"},
    }
    text = workflow(components, command("Count", "test $(paste -sd+ /trace) = One+Two+Three"))
    with lab.bench(IMAGEWRIGHT_CRASH_AT=CrashPoint.LAYER_SEALED.value) as bench:
        first = bench.component(traces("One", "Two", onFailure="Continue"))
        second = traces("Three", onFailure="Continue").replace("exit 4", "true")
        recipe = bench.recipe(first, bench.component(second))
        arn = bench.start(recipe, workflows=[bench.workflow(text)])
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench() as bench:
        bench.built(arn)
        assert bench.steps(arn)["Components"]["status"] == "FAILED"
        bench.nothing_is_left()


def test_a_cancel_outlives_the_server(lab: Lab) -> None:
    """IMG-60."""
    with lab.bench(IMAGEWRIGHT_CRASH_AT=CrashPoint.ROLLBACK_BEGUN.value) as bench:
        text = component().replace("echo done", "sleep 600")
        arn = bench.start(bench.recipe(bench.component(text)))
        wait_until(lambda: '"said"' in bench.log(arn))
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench() as bench:
        assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
        assert bench.executions(arn)[0]["status"] == "CANCELLED"
        bench.nothing_is_left()


def test_a_server_lost_again_and_again_still_gets_there(lab: Lab) -> None:
    with lab.bench(IMAGEWRIGHT_CRASH_AT=CrashPoint.BUILD_BEGUN.value) as bench:
        arn = bench.start(bench.recipe(bench.component(component())))
        bench.server.process.wait(BUILD_SECONDS)
    for point in (CrashPoint.STEP_STARTED, CrashPoint.COMMAND_RUNNING, CrashPoint.LAYER_SEALED):
        with lab.bench(IMAGEWRIGHT_CRASH_AT=point.value) as bench:
            assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench() as bench:
        bench.built(arn)
        bench.nothing_is_left()


def every_action(snapshot_id: str) -> str:
    """Write a build workflow of every action that needs no answer."""
    once = command("Once", "echo once >> /once")
    count = command("Count", 'test "$(cat /once)" = once')
    names = ("WaitForSSMAgent", "ExecuteComponents", "CollectImageMetadata", "SanitizeInstance")
    disk = [{"Ebs": {"SnapshotId": snapshot_id}}]
    register = {
        "name": "Register",
        "action": "RegisterImage",
        "inputs": {"blockDeviceMapping": disk},
    }
    return workflow(once, *(step(f"Do{name}", name) for name in names), count, register)


STARTED = CrashPoint.STEP_STARTED.value
INSTANTS = (
    f"{STARTED}:LaunchInstance",
    f"{STARTED}:RunCommand",
    f"{STARTED}:WaitForSSMAgent",
    CrashPoint.MACHINE_ANSWERED.value,
    f"{STARTED}:ExecuteComponents",
    f"{STARTED}:CollectImageMetadata",
    f"{STARTED}:SanitizeInstance",
    f"{STARTED}:RegisterImage",
    CrashPoint.IMAGE_RECORDED.value,
    f"{STARTED}:CreateImage",
    f"{STARTED}:TerminateInstance",
)
"""In the order in which the workflow of every action comes to them."""


def test_every_action_is_lost_at_its_start() -> None:
    lost = {instant.removeprefix(f"{STARTED}:") for instant in INSTANTS if STARTED in instant}

    assert lost == STEP_ACTIONS.keys() - LOST_ELSEWHERE


def test_every_action_survives_losing_the_server(lab: Lab) -> None:
    with lab.bench() as bench:
        first = bench.built(bench.start(bench.recipe()))["outputResources"]["amis"][0]["image"]
        workflows = [bench.workflow(every_action(first.replace("ami-", "snap-")))]
        recipe = bench.recipe(bench.component(component()))
    arn = ""
    for instant in INSTANTS:
        with lab.bench(IMAGEWRIGHT_CRASH_AT=instant) as bench:
            arn = arn or bench.start(recipe, workflows=workflows)
            assert bench.server.process.wait(BUILD_SECONDS) == -9, instant

    with lab.bench() as bench:
        bench.built(arn)

        images = bench.query(f"SELECT id FROM machine_images WHERE image_arn = '{arn}'")  # noqa: S608 - our own ARN
        assert len(images) == 2
        bench.nothing_is_left()


RESTARTS = """\
name: Restarts within loops
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Listed
        action: ExecuteBash
        loop:
          forEach: [a, b, c]
        inputs:
          commands:
            - echo round {{ loop.value }}
            - if [ {{ loop.value }} = b ] && [ ! -e /listed ]; then touch /listed; exit 194; fi
            - echo {{ loop.index }}{{ loop.value }} >> /effects
      - name: Counted
        action: ExecuteBash
        loop:
          for: {start: 6, end: 2, updateBy: -2}
        inputs:
          commands:
            - if [ {{ loop.value }} = 4 ] && [ ! -e /counted ]; then touch /counted; exit 194; fi
            - echo {{ loop.value }} >> /effects
      - name: Restart
        action: Reboot
        loop:
          for: {start: 1, end: 3, updateBy: 1}
      - name: After
        action: ExecuteBash
        inputs:
          commands: [echo after >> /effects]
  - name: test
    steps:
      - name: Each
        action: ExecuteBash
        inputs:
          commands: [test "$(echo $(cat /effects))" = '0a 1b 2c 6 4 2 after']
"""
"""Restarts 1 and 2 by exit code 194 in the middle round, 3 to 5 by module."""


def test_a_restart_within_a_loop_survives_losing_the_server(lab: Lab) -> None:
    """component-documents.md §4.6, O-9: what each round did is there once."""
    arn, text = "", RESTARTS.replace("Restarts within loops", str(uuid4()))  # never built before
    for instant in (
        f"{CrashPoint.RESTART_DUE.value}:1",
        f"{CrashPoint.RESTARTED.value}:2",
        f"{CrashPoint.RESTART_DUE.value}:4",
        f"{CrashPoint.RESTARTED.value}:4",
        CrashPoint.COMMAND_ENDED.value,
        CrashPoint.LAYER_SEALED.value,
    ):
        with lab.bench(IMAGEWRIGHT_CRASH_AT=instant) as bench:
            arn = arn or bench.start(bench.recipe(bench.component(text)))
            assert bench.server.process.wait(BUILD_SECONDS) == -9, instant

    with lab.bench() as bench:
        bench.built(arn)
        bench.nothing_is_left()


def test_a_step_waits_through_a_restart(lab: Lab) -> None:
    with lab.bench() as bench:
        arn = bench.start(bench.recipe(), workflows=[bench.workflow(workflow(waiting()))])
        waiting_steps(bench, arn)
    with lab.bench() as bench:
        answer(bench, arn, "RESUME")
        bench.built(arn)


def test_a_retry_outlives_the_server(lab: Lab) -> None:
    """Killed as soon as it is asked for, and killed again while it waits."""
    with lab.bench() as bench:
        arn = stopped(bench)
        bench.server.process.terminate()
        bench.server.process.wait(BUILD_SECONDS)
    with lab.bench() as bench:
        go_on(bench, arn)
        bench.server.process.kill()
        bench.server.process.wait(BUILD_SECONDS)
    with lab.bench() as bench:
        waiting_steps(bench, arn)
        bench.server.process.kill()
        bench.server.process.wait(BUILD_SECONDS)
    with lab.bench() as bench:
        answer(bench, arn, "RESUME")

        bench.built(arn)
        assert len(bench.executions(arn)) == 2
        bench.nothing_is_left()


def test_advisories_that_cannot_be_read_fail_the_scan_and_not_the_image(
    lab: Lab, tmp_path: Path
) -> None:
    """SCN-04; the managed test goes on after a scan that failed."""
    (tmp_path / "bad.json").write_text('{"id": "x", "affected": "Debian')
    with lab.bench(IMAGEWRIGHT_SCANNING_ADVISORIES=str(tmp_path)) as bench:
        arn = bench.start(bench.recipe(), **SCANNING)

        image = bench.built(arn)

        assert image["scanState"]["status"] == "FAILED"
        assert "bad.json" in image["scanState"]["reason"]
        message = bench.steps(arn, ordinal=1)["CollectImageScanFindings"]["message"]
        assert "bad.json" in message


def test_a_scan_survives_losing_the_server(lab: Lab, tmp_path: Path) -> None:
    write_advisories(tmp_path)
    setting = {"IMAGEWRIGHT_SCANNING_ADVISORIES": str(tmp_path)}
    dying = {**setting, "IMAGEWRIGHT_CRASH_AT": CrashPoint.FINDINGS_RECORDED.value}
    with lab.bench(**dying) as bench:
        arn = bench.start(bench.recipe(), **SCANNING)
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench(**setting) as bench:
        bench.built(arn)

        found = bench.client.list_image_scan_findings(
            filters=[{"name": "imageBuildVersionArn", "values": [arn]}]
        )["findings"]
        assert len(found) == 2


def test_a_server_that_was_lost_knows_again_what_is_secret(lab: Lab, others: OtherServices) -> None:
    """The component that read it is in a layer; the next one shows its file.

    Likewise the document that that component executed.
    """
    canary, inner_canary = new_secret(others), new_secret(others)
    hides = [{"path": "/etc/inner", "content": f"{{{{ aws:ssm:{name_of(inner_canary)} }}}}"}]
    shows = {"action": "ExecuteBash", "inputs": {"commands": ["cat /etc/inner; echo shown"]}}
    endpoint = {"IMAGEWRIGHT_AWS_SSM_ENDPOINT": others.url}
    with lab.bench(**endpoint, IMAGEWRIGHT_CRASH_AT="layer-sealed") as bench:
        inner = bench.component(as_document(build=[{"action": "CreateFile", "inputs": hides}]))
        executes = {"action": "ExecuteDocument", "inputs": {"document": inner}}
        reads = bench.component(document(canary, before=[executes]))
        arn = bench.start(bench.recipe(reads, bench.component(as_document(build=[READS, shows]))))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with lab.bench(**endpoint) as bench:
        bench.built(arn)

        assert "***shown" in bench.log(arn)
        is_not_in_log(bench, arn, canary)
        is_not_in_log(bench, arn, inner_canary)


def test_a_build_whose_secrets_cannot_be_read_again_fails_and_can_be_retried(
    lab: Lab, others: OtherServices
) -> None:
    """The Parameter Store takes connections, and never answers."""
    canary = new_secret(others)
    endpoint = {"IMAGEWRIGHT_AWS_SSM_ENDPOINT": others.url}
    with lab.bench(**endpoint, IMAGEWRIGHT_CRASH_AT="layer-sealed") as bench:
        reads = bench.component(document(canary))
        arn = bench.start(bench.recipe(reads, bench.component(as_document(build=[READS]))))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = f"http://127.0.0.1:{silent.getsockname()[1]}"
        waiting = {"IMAGEWRIGHT_AWS_SSM_ENDPOINT": hangs, "IMAGEWRIGHT_AWS_TIMEOUT_SECONDS": "0.5"}
        with lab.bench(**waiting) as bench:
            reason = bench.finished(arn)["state"]["reason"]

            assert "could not be read again" in reason
            assert f"The parameter '{name_of(canary)}' could not be read" in reason
            bench.nothing_is_left()

    with lab.bench(**endpoint) as bench:
        bench.door.post("/builds/retry", {"image": arn})

        bench.built(arn)
        assert "***" in bench.log(arn)
        is_not_in_log(bench, arn, canary)


INSTANTS_OF_CONTAINERS = (
    f"{STARTED}:BootstrapInstanceForContainer",
    CrashPoint.COMMAND_RUNNING.value,
    CrashPoint.COMMAND_ENDED.value,
    CrashPoint.LAYER_SEALED.value,
    CrashPoint.IMAGE_RECORDED.value,
    f"{STARTED}:DistributeContainerImage",
    CrashPoint.MACHINE_TERMINATED.value,
)
"""In the order in which the build of a container image comes to them."""


def test_a_container_image_survives_losing_the_server(lab: Lab) -> None:
    """The component of the tests demands that each effect is there once."""
    tested = component().replace("echo once >> /effects", "true")
    lines = ("RUN echo once >> /effects && echo said", "RUN echo done", container_images.COMPONENTS)
    arn = ""
    for instant in INSTANTS_OF_CONTAINERS:
        with lab.bench(IMAGEWRIGHT_CRASH_AT=instant) as bench:
            arn = arn or container_images.start(
                bench, container_images.recipe(bench, *lines, components=[bench.component(tested)])
            )
            assert bench.server.process.wait(BUILD_SECONDS) == -9, instant

    with lab.bench() as bench:
        image = bench.built(arn)

        assert len(image["outputResources"]["containers"]) == 1
        assert len(bench.query(f"SELECT id FROM machine_images WHERE image_arn = '{arn}'")) == 1  # noqa: S608 - our own ARN
        bench.nothing_is_left()
