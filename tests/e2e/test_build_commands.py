"""Builds from the command line with a server on the state, on real machines."""

import json
import signal
import tarfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import wait_until
from tests.e2e.author import COMMAND_SECONDS, SLOW, Author, until
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import command, component, waiting, waiting_ids, workflow


@pytest.fixture
def served(bench: Bench, tmp_path: Path) -> Author:
    """Return an author on whose state a server runs."""
    return Author(tmp_path, bench.server.state)


def test_a_recipe_file_becomes_an_image_and_the_same_file_reuses_it(served: Author) -> None:
    recipe = served.recipe(component("echo made"))

    first = served.run("build", recipe)
    again = served.run("build", recipe)
    anew = served.run("build", recipe, "--no-cache")

    assert [first.returncode, again.returncode, anew.returncode] == [0, 0, 0], first.stderr
    assert "│ made" in first.stdout
    assert "✔ AVAILABLE in" in first.stdout
    assert "│ made" not in again.stdout
    assert "↻" in again.stdout
    assert "unchanged since it was made" in again.stdout
    assert "│ made" in anew.stdout
    name = json.loads(recipe.read_text())["name"]
    arns = [done.stdout.split()[-1].rpartition(":image/")[2] for done in (first, again, anew)]
    assert arns == [f"{name}/1.0.0/{number}" for number in (1, 2, 3)]
    reasons = [
        work["reason"]
        for flow in served.json("runs", "show", name)["workflows"]
        for step in flow["steps"]
        for work in step["works"]
    ]
    assert "asked not to reuse anything (--no-cache)" in reasons


def test_a_changed_document_gets_its_next_build_and_the_recipe_follows(served: Author) -> None:
    recipe = served.recipe(component("echo one"))
    served.run("build", recipe)
    served.write("c0.yaml", component("echo two"))

    done = served.run("build", recipe)

    assert done.returncode == 0, done.stderr
    assert "│ two" in done.stdout
    assert "--c0/1.0.0/2" in done.stdout


def test_a_recipe_of_somebody_elses_is_not_replaced(served: Author, bench: Bench) -> None:
    arn = bench.recipe()
    name = arn.split("/")[1]
    recipe = served.recipe(component("true"), name=name)

    done = served.run("build", recipe)

    assert done.returncode == 4
    assert f"is there as {arn}" in done.stderr
    assert "semanticVersion" in done.stderr
    assert "components" not in bench.client.get_image_recipe(imageRecipeArn=arn)["imageRecipe"]


def test_a_failed_build_names_the_component_phase_and_step(served: Author) -> None:
    recipe = served.recipe(component("echo so far so good", "echo broken >&2", "exit 7"))

    done = served.run("build", recipe)

    assert done.returncode == 1
    assert "FAILED after" in done.stdout
    assert "failed in the phase build, step Do (ExecuteBash)" in done.stderr
    assert "│ so far so good" in done.stderr
    assert "│ broken" in done.stderr


def test_events_come_as_json_lines(served: Author) -> None:
    recipe = served.recipe(component("echo seen"))

    done = served.run("build", recipe, "--output", "json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert events[-1]["event"] == "end"
    assert events[-1]["status"] == "AVAILABLE"
    assert "seen" in [event.get("text") for event in events]
    steps = [(event["name"], event["status"]) for event in events if event["event"] == "step"]
    assert steps[:2] == [("LaunchBuildInstance", "RUNNING"), ("LaunchBuildInstance", "COMPLETED")]


def test_ctrl_c_ends_the_following_and_not_the_build(served: Author, bench: Bench) -> None:
    with served.start("build", served.recipe(component(*SLOW))) as process:
        until(process, "begun")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=COMMAND_SECONDS)

    assert process.returncode == 130
    assert "goes on" in error
    assert bench.finished(served.newest())["state"]["status"] == "AVAILABLE"


def test_a_cancelled_build_ends_its_followers(served: Author) -> None:
    endless = component("echo begun", "sleep 600")
    with served.start("build", served.recipe(endless)) as process:
        until(process, "begun")
        cancelled = served.run("runs", "cancel", "last")
        process.communicate(timeout=COMMAND_SECONDS)

    assert cancelled.returncode == 0
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 0), (("--stop", "--reason", "no licence"), 1)]
)
def test_a_waiting_build_is_answered(served: Author, arguments: tuple[str, ...], code: int) -> None:
    served.write("flow.yaml", workflow(waiting()))
    recipe = served.recipe(component("true"), workflows=["flow.yaml"])
    with served.start("build", recipe) as process:
        until(process, "waits for an answer: imagewright runs approve")
        answered = served.run("runs", "approve", "last", *arguments)
        process.communicate(timeout=60)

    assert answered.returncode == 0, answered.stderr
    assert process.returncode == code
    again = served.run("runs", "approve", "last")
    assert again.returncode == 4
    assert "no step of" in again.stderr


def test_steps_of_one_name_that_wait_are_told_apart_by_their_ids(
    served: Author, bench: Bench
) -> None:
    """Two tests of a group may be the same workflow."""
    test = bench.workflow(json.dumps({"schemaVersion": "1.0", "steps": [waiting()]}), kind="TEST")
    tests = [{"workflowArn": test, "parallelGroup": "g"}] * 2
    arn = bench.start(bench.recipe(), workflows=[bench.workflow(workflow()), *tests])
    wait_until(lambda: len(waiting_ids(bench, arn)) == 2, what="both waiting steps")
    steps = waiting_ids(bench, arn)

    unclear = served.run("runs", "approve", arn)
    answers = [served.run("runs", "approve", arn, "--step", step) for step in steps]

    assert unclear.returncode == 2
    assert all(f"{step} (Ask of w-" in unclear.stderr for step in steps)
    assert [each.returncode for each in answers] == [0, 0]
    bench.built(arn)


def test_an_image_shows_what_it_added(served: Author) -> None:
    recipe = served.recipe(
        component("echo hello > /etc/greeting", "rm /etc/debian_version", "echo x >> /etc/issue")
    )
    assert served.run("build", recipe).returncode == 0

    shown = served.json("images", "show", "last")
    text = served.run("images", "show", "last")

    changes = {each["path"]: each["change"] for each in shown["files"]["listed"]}
    assert changes["/etc/greeting"] == "added"
    assert changes["/etc/debian_version"] == "deleted"
    assert changes["/etc/issue"] == "changed"
    assert shown["packages"]["added"] == []
    assert shown["packages"]["count"] > 100
    assert 0 < shown["addedSizeBytes"] < shown["sizeBytes"]
    assert "/etc/greeting" in text.stdout


def test_what_an_image_on_an_image_added_is_beyond_that_image(served: Author) -> None:
    below = served.recipe(component("echo below > /etc/below"))
    assert served.run("build", below).returncode == 0
    name = json.loads(below.read_text())["name"]
    above = served.recipe(component("echo above > /etc/above"), parentImage=f"{name}/x.x.x")
    assert served.run("build", above).returncode == 0

    changes = served.json("images", "show", "last")["files"]["listed"]

    added = [each["path"] for each in changes if each["change"] == "added"]
    assert "/etc/above" in added
    assert "/etc/below" not in added


@pytest.fixture
def image(served: Author) -> str:
    """Build a small image on the base and return its name."""
    recipe = served.recipe(component("echo hello > /etc/greeting"))
    assert served.run("build", recipe).returncode == 0
    return str(json.loads(recipe.read_text())["name"])


def test_an_image_is_exported_as_a_tar(served: Author, image: str) -> None:
    done = served.run("images", "export", image, "--format", "tar", "--to", "out/image.tar")

    assert done.returncode == 0, done.stderr
    with tarfile.open(served.folder / "out/image.tar") as archive:
        member = archive.extractfile("etc/greeting")
        assert member is not None
        assert member.read() == b"hello\n"
    assert list((served.state / "exports").iterdir()) == []


def test_a_tar_is_gzipped_where_its_name_says_so(served: Author, image: str) -> None:
    told = served.json("images", "export", image, "--format", "tar", "--to", "out/image.tar.gz")

    file = served.folder / "out/image.tar.gz"
    with tarfile.open(file, mode="r:gz") as archive:
        assert "etc/greeting" in archive.getnames()
    assert told["sizeBytes"] == file.stat().st_size


def test_an_image_is_exported_as_an_oci_layout(served: Author, image: str) -> None:
    told = served.json("images", "export", image, "--to", "out/layout")

    layout = served.folder / "out/layout"
    index = json.loads((layout / "index.json").read_text())
    digest = index["manifests"][0]["digest"].partition(":")[2]
    manifest = json.loads((layout / "blobs/sha256" / digest).read_text())
    assert len(manifest["layers"]) >= 2
    assert told["sizeBytes"] > 10_000_000
    assert told["imageBuildVersionArn"].endswith(f":image/{image}/1.0.0/1")


def test_nothing_is_overwritten_and_nothing_left_by_a_failed_export(
    served: Author, image: str
) -> None:
    served.write("there", "mine")

    done = served.run("images", "export", image, "--format", "tar", "--to", "there")

    assert done.returncode == 1
    assert (served.folder / "there").read_text() == "mine"
    assert [path.name for path in served.folder.iterdir() if path.name.startswith(".")] == []


def machines_of(served: Author, recipe: Path) -> list[Any]:
    """Return the machines that did not end of the builds of a recipe file."""
    name = json.loads(recipe.read_text())["name"]
    found = served.json("machines", "list")
    return [each for each in found if f":image/{name}/" in each["imageBuildVersionArn"]]


def test_a_kept_machine_is_listed_and_terminated(served: Author) -> None:
    recipe = served.recipe(
        component("exit 1"), infrastructure={"terminateInstanceOnFailure": False}
    )
    assert served.run("build", recipe).returncode == 1
    name = json.loads(recipe.read_text())["name"]

    [machine] = machines_of(served, recipe)
    done = served.run("machines", "terminate", machine["instanceId"])

    assert machine["state"] == "kept"
    assert f":image/{name}/1.0.0/1" in machine["imageBuildVersionArn"]
    assert done.returncode == 0
    assert machines_of(served, recipe) == []


def test_a_shell_in_a_kept_machine_finds_what_the_failed_step_left(served: Author) -> None:
    recipe = served.recipe(
        component("echo half > /root/work", "exit 1"),
        infrastructure={"terminateInstanceOnFailure": False},
    )
    served.run("build", recipe)
    [machine] = machines_of(served, recipe)
    shell = ("machines", "shell", machine["instanceId"])

    first = served.run(*shell, stdin="cat /root/work; echo note > /root/note; exit 3")
    second = served.run(*shell, stdin="cat /root/note; echo wrong >&2")

    assert (first.returncode, first.stdout) == (3, "half\n")
    assert (second.returncode, second.stdout) == (0, "note\n")
    assert second.stderr.endswith("wrong\n")  # behind what is said where the network is the host's
    served.run("machines", "terminate", machine["instanceId"])
    gone = served.run(*shell, stdin="true")
    assert gone.returncode == 4
    assert "there is no machine" in gone.stderr


def test_a_shell_opens_where_a_past_step_was(served: Author) -> None:
    recipe = served.recipe(component("echo one > /root/one"), component("exit 1"))
    served.run("build", recipe)
    look = "ls /root; touch /root/mine; exit 6"

    failed = served.run("runs", "shell", stdin=look)
    launched = served.run("runs", "shell", "--step", "LaunchBuildInstance", "--after", stdin=look)
    nothing = served.run("runs", "shell", "--step", "LaunchBuildInstance", stdin=look)
    unknown = served.run("runs", "shell", "--step", "None", stdin=look)

    assert (failed.returncode, failed.stdout) == (6, "")
    assert (launched.returncode, launched.stdout) == (6, "")
    assert (nothing.returncode, "no machine before" in nothing.stderr) == (4, True)
    assert unknown.returncode == 4
    assert machines_of(served, recipe) == []


def test_a_retry_shows_what_was_done_before_and_goes_on_at_the_failed_step(
    served: Author,
) -> None:
    recipe = served.recipe(component("echo did it", "exit 9"))
    first = served.run("build", recipe)

    second = served.run("runs", "retry")
    shown = served.run("runs", "show")

    assert (first.returncode, second.returncode) == (1, 1)
    assert "LaunchBuildInstance" in second.stdout
    assert "exit status 9" in second.stderr
    assert shown.stdout.count("retried") == 1


def test_what_went_well_is_not_retried(served: Author) -> None:
    served.run("build", served.recipe())

    done = served.run("runs", "retry")
    whole = served.run("runs", "retry", "--stage")

    assert (done.returncode, whole.returncode) == (4, 4)
    assert "AVAILABLE" in done.stderr


def test_a_shell_on_a_terminal_is_interactive(served: Author) -> None:
    recipe = served.recipe(
        component("exit 1"), infrastructure={"terminateInstanceOnFailure": False}
    )
    served.run("build", recipe)
    [machine] = machines_of(served, recipe)

    code, seen = served.type_into(
        "echo $((40 + 2)); exit 5\r", "machines", "shell", machine["instanceId"]
    )

    assert code == 5
    assert "42" in seen
    served.run("machines", "terminate", machine["instanceId"])


def test_a_command_that_changes_nothing_leaves_the_base_image_its_key(
    served: Author, bench: Bench
) -> None:
    served.write("flow.yaml", workflow(command("Nothing", "true")))
    recipe = served.recipe(component("true"), workflows=["flow.yaml"])
    query = "SELECT id, key, made_by FROM layers WHERE parent IS NULL"
    before = bench.query(query)

    done = served.run("build", recipe)

    assert done.returncode == 0, done.stderr
    assert bench.query(query) == before


def test_logs_can_be_read_step_by_step(served: Author) -> None:
    assert served.run("build", served.recipe(component("echo here"))).returncode == 0

    every = served.run("runs", "logs", "last")
    one = served.run("runs", "logs", "last", "--step", "RunSanitizeScript")

    assert "here" in every.stdout
    assert "here" not in one.stdout


def test_the_log_of_a_step_that_is_not_there_is_refused_with_those_that_are(
    served: Author,
) -> None:
    recipe = served.recipe(component("true"))
    assert served.run("build", recipe).returncode == 0

    done = served.run("runs", "logs", "last", "--step", "ApplyBuildComponent")

    assert done.returncode == 4
    assert "has no step ApplyBuildComponent; it has LaunchBuildInstance, Apply" in done.stderr


def test_a_recipe_file_with_a_dockerfile_becomes_a_container_image(served: Author) -> None:
    component_file = served.write("check.yaml", component("touch /checked"))
    served.write(
        "web.Dockerfile",
        "FROM {{{ imagebuilder:parentImage }}}\n"
        "{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components }}}\n"
        "RUN test -e /checked\n",
    )
    name = f"web-{uuid4().hex[:8]}"
    recipe = served.write(
        "web.yaml",
        f"name: {name}\nparentImage: debian-12\ndockerfile: web.Dockerfile\n"
        f"components: [{component_file.name}]\n",
    )

    first = served.run("build", recipe)
    again = served.run("build", recipe)

    assert [first.returncode, again.returncode] == [0, 0], first.stderr
    assert f"{name}/1.0.0-1:1.0.0-1" in first.stdout
    assert "↻ line 4, RUN test -e /checked" in again.stdout

    served.write("web.Dockerfile", "FROM {{{ imagebuilder:parentImage }}}\nRUNN true\n")
    broken = served.run("build", recipe)

    assert broken.returncode == 1
    assert "web.Dockerfile:2:1" in broken.stderr
    assert "did you mean `RUN`?" in broken.stderr
