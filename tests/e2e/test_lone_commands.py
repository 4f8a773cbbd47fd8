"""Builds from the command line without a server: a command is its own for its while."""

import base64
import json
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.actions.conftest import Asked, endpoint
from tests.e2e.author import COMMAND_SECONDS, SLOW, Author, until
from tests.e2e.conftest import Lab
from tests.e2e.test_builds import component


@pytest.fixture
def alone(lab: Lab, tmp_path: Path) -> Author:
    """Return an author on whose state no server runs."""
    return Author(tmp_path, lab.state)


def test_a_failed_build_names_the_component_phase_and_step(alone: Author) -> None:
    recipe = alone.recipe(component("echo so far so good", "echo broken >&2", "exit 7"))

    done = alone.run("build", recipe)

    assert done.returncode == 1
    assert "FAILED after" in done.stdout
    assert "failed in the phase build, step Do (ExecuteBash)" in done.stderr
    assert "│ so far so good" in done.stderr
    assert "│ broken" in done.stderr


def test_events_come_as_json_lines(alone: Author) -> None:
    recipe = alone.recipe(component("echo seen"))

    done = alone.run("build", recipe, "--output", "json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert events[-1]["event"] == "end"
    assert events[-1]["status"] == "AVAILABLE"
    assert "seen" in [event.get("text") for event in events]
    steps = [(event["name"], event["status"]) for event in events if event["event"] == "step"]
    assert steps[:2] == [("LaunchBuildInstance", "RUNNING"), ("LaunchBuildInstance", "COMPLETED")]


def test_a_build_is_told_of_to_its_end_before_its_command_ends(alone: Author) -> None:
    secret = base64.b64encode(bytes(32)).decode()
    settings = alone.state / "settings.toml"
    tries: Counter[str] = Counter()

    def at_the_third(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        tries[asked.headers["webhook-id"]] += 1
        return (200 if tries[asked.headers["webhook-id"]] == 3 else 503), {}, b""

    with endpoint(at_the_third) as hook:
        settings.write_text(f'[webhooks]\nurls = ["{hook.url}"]\nsecret = "whsec_{secret}"\n')
        try:
            done = alone.run("build", alone.recipe(component("echo seen")))
        finally:
            settings.unlink()
        told = [json.loads(each.body)["detail"]["state"]["status"] for each in hook.asked]

    assert done.returncode == 0, done.stderr
    assert told == ["BUILDING"] * 3 + ["TESTING"] * 3 + ["AVAILABLE"] * 3


def test_a_broken_document_is_shown_and_nothing_is_built(alone: Author) -> None:
    recipe = alone.recipe(component("true").replace("ExecuteBash", "ExecuteBsh"))

    done = alone.run("build", recipe)

    assert done.returncode == 1
    assert "did you mean `ExecuteBash`?" in done.stderr
    assert "c0.yaml:1:" in done.stderr


def test_a_build_left_alone_stands_still_and_goes_on_when_followed(alone: Author) -> None:
    with alone.start("build", alone.recipe(component(*SLOW))) as process:
        until(process, "begun")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=COMMAND_SECONDS)
    standing = alone.json("runs", "list", "--count", "1")[0]

    followed = alone.run("runs", "follow")

    assert process.returncode == 130
    assert "stands still" in error
    assert standing["status"] == "BUILDING"
    assert followed.returncode == 0, followed.stderr
    assert "│ over" in followed.stdout
    assert alone.run("doctor").returncode == 0


def test_a_second_command_carries_on_when_the_first_ones_server_ends(alone: Author) -> None:
    quick, slow = Author(alone.folder / "quick", alone.state), alone
    quick.folder.mkdir()
    with quick.start("build", quick.recipe(component("echo begun", "sleep 2"))) as first:
        until(first, "begun")
        with slow.start("build", slow.recipe(component(*SLOW))) as second:
            out, error = second.communicate(timeout=COMMAND_SECONDS)

    assert first.returncode == 0
    assert second.returncode == 0, error
    assert out.count("✔ LaunchBuildInstance") == 1
    assert "│ over" in out


def test_a_server_that_is_stopped_ends_at_once_and_its_build_goes_on_later(
    lab: Lab, tmp_path: Path
) -> None:
    author = Author(tmp_path, lab.state)
    with lab.bench() as bench:
        with author.start("build", author.recipe(component(*SLOW))) as process:
            until(process, "begun")
            code = bench.server.stop()
            _, error = process.communicate(timeout=COMMAND_SECONDS)

        assert code == 0
        assert process.returncode == 3
        assert "goes on when one runs again" in error
    doctor = author.run("doctor")
    assert doctor.returncode == 1
    assert "work that was cut off when its process was stopped or killed" in doctor.stdout
    assert "The next start clears that up and goes on with" in doctor.stdout
    assert "crash" not in doctor.stdout

    with lab.bench() as bench:
        bench.built(author.newest())
        bench.nothing_is_left()


def test_a_build_that_stands_still_can_be_cancelled(alone: Author) -> None:
    endless = component("echo begun", "sleep 600")
    with alone.start("build", alone.recipe(endless)) as process:
        until(process, "begun")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=COMMAND_SECONDS)

    done = alone.run("runs", "cancel", "last")

    assert done.returncode == 0, done.stderr
    assert "is cancelled" in done.stdout
    assert alone.json("runs", "list", "--count", "1")[0]["status"] == "CANCELLED"
    assert alone.run("doctor").returncode == 0
