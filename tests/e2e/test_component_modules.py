"""Documents of our own: together they use each module, and what the language has around them."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from botocore.exceptions import ClientError
from tests.conftest import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import component

DOCUMENTS = Path(__file__).parent / "documents"

MODULES = {
    "AppendFile", "Assert", "CopyFile", "CreateFile", "CreateFolder", "DeleteFile", "ExecuteBash",
    "ExecuteBinary", "MoveFile", "Reboot", "SetFilePermissions", "UpdateOS",
}  # fmt: skip
UPDATE_SECONDS = 300


def document(name: str) -> str:
    """Return the text of one of the documents, made new so that no layer of before is reused."""
    return f"# {uuid4()}\n{(DOCUMENTS / f'{name}.yaml').read_text()}"


def entries(bench: Bench, arn: str) -> list[dict[str, Any]]:
    """Return the log of a build."""
    return [json.loads(line) for line in bench.log(arn).splitlines()]


def texts(bench: Bench, arn: str, *, kind: str = "line") -> list[str]:
    """Return what the programs of a build printed, or what was noted."""
    return [entry["text"] for entry in entries(bench, arn) if entry["kind"] == kind]


def test_the_documents_use_each_module() -> None:
    used = {
        step["action"]
        for file in DOCUMENTS.glob("*.yaml")
        for phase in yaml.safe_load(file.read_text())["phases"]
        for step in phase["steps"]
    }

    assert used == MODULES


def test_files_are_made_changed_and_found_again_in_the_image(bench: Bench) -> None:
    """component-documents.md §3, §5, §7: parameters, constants, chaining, `if`."""
    given = {"Message": 'it\'s $HOME & "quotes"', "Colour": "green"}
    files = {
        "componentArn": bench.component(document("files")),
        "parameters": [{"name": name, "value": [value]} for name, value in given.items()],
    }

    arn = bench.start(bench.recipe(files))

    bench.built(arn)
    assert 'hello, it\'s $HOME & "quotes"' in texts(bench, arn)
    assert "Step NeverOnWindows skipped by its `if`" in texts(bench, arn, kind="note")
    bench.nothing_is_left()


def test_a_value_that_is_not_allowed_is_refused_before_the_build(bench: Bench) -> None:
    files = bench.component(document("files"))

    given = [{"name": "Message", "value": ["x"]}, {"name": "Colour", "value": ["blue"]}]

    with pytest.raises(ClientError, match="Colour") as caught:
        bench.recipe({"componentArn": files, "parameters": given})

    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_restart_in_the_middle_keeps_the_disk_and_ends_the_processes(bench: Bench) -> None:
    """component-documents.md §4.6."""
    arn = bench.start(bench.recipe(bench.component(document("reboot"))))

    bench.built(arn)
    assert sum("The machine reboots" in note for note in texts(bench, arn, kind="note")) == 2
    bench.nothing_is_left()


def test_attempts_time_outs_and_ignored_failures_let_the_build_go_on(bench: Bench) -> None:
    """component-documents.md §4.2, §4.3."""
    arn = bench.start(bench.recipe(bench.component(document("attempts"))))

    bench.built(arn)
    notes = texts(bench, arn, kind="note")
    assert "Step ThirdTime: ExecuteBash (attempt 3)" in notes
    assert "Step TooLong ignoredFailure: timed out after 1 s, the step's timeoutSeconds" in notes
    assert "Step NotSoBad ignoredFailure: this is a folder, not a file: /etc" in notes
    bench.nothing_is_left()


def test_a_failure_that_lets_the_rest_run_fails_the_build_with_its_cause(bench: Bench) -> None:
    """component-documents.md §4.3; IMG-33."""
    arn = bench.start(bench.recipe(bench.component(document("continue"))))

    state = bench.finished(arn)["state"]
    assert state["status"] == "FAILED"
    failure = state["failureContext"]["componentFailure"]
    assert (failure["phaseName"], failure["stepName"], failure["action"]) == (
        "build",
        "Broken",
        "ExecuteBinary",
    )
    assert failure["errorMessage"] == "exit status 42\nthe bridge is out"
    assert "the rest ran" in texts(bench, arn)
    bench.nothing_is_left()


@pytest.mark.usefixtures("mirror")
def test_packages_are_brought_up_to_date(bench: Bench) -> None:
    """component-documents.md §7, UpdateOS."""
    arn = bench.start(bench.recipe(bench.component(document("update"))))

    image = bench.finished(arn, seconds=UPDATE_SECONDS)
    assert image["state"] == {"status": "AVAILABLE"}, bench.explain(arn)
    assert "tzdata set on hold." in texts(bench, arn)
    bench.nothing_is_left()


def test_a_daemon_lives_through_its_component_and_is_named_at_its_end(bench: Bench) -> None:
    after = component("! pgrep -x left-running")

    arn = bench.start(bench.recipe(*map(bench.component, (document("daemon"), after))))

    bench.built(arn)
    assert [
        note for note in texts(bench, arn, kind="note") if note.startswith("ended at the layer")
    ] == ["ended at the layer boundary, where no process lives on: left-running"]
    bench.nothing_is_left()


def test_a_line_is_in_the_log_before_its_component_ends(bench: Bench) -> None:
    arn = bench.start(bench.recipe(bench.component(component("echo begun", "sleep 600"))))

    wait_until(lambda: "begun" in texts(bench, arn))

    assert bench.image(arn)["state"]["status"] == "BUILDING"
    assert bench.steps(arn)["ApplyBuildComponents"]["status"] == "RUNNING"
    bench.client.cancel_image_creation(imageBuildVersionArn=arn)
    assert bench.finished(arn)["state"]["status"] == "CANCELLED"
    bench.nothing_is_left()


def test_a_long_line_comes_through_chaining_whole(bench: Bench) -> None:
    count = 200_000
    step = {"action": "ExecuteBash"}
    steps: list[dict[str, Any]] = [
        {**step, "name": "Say", "inputs": {"commands": [f"printf 'é%.0s' $(seq {count})"]}},
        {
            **step,
            "name": "Hear",
            "inputs": {
                "commands": [
                    "cat > /heard <<'END'",
                    "{{ build.Say.outputs.stdout }}",
                    "END",
                    f'test "$(wc -lc < /heard | xargs)" = "1 {2 * count + 1}"',
                ]
            },
        },
    ]
    text = json.dumps({"schemaVersion": 1.0, "phases": [{"name": "build", "steps": steps}]})

    arn = bench.start(bench.recipe(bench.component(text)))

    bench.built(arn)
    bench.nothing_is_left()
