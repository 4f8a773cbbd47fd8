"""Schedules that run, of images that wait for an answer, so that no machine is needed.

A test makes a pipeline due by moving its next run into the past, in the server's database.
"""

import json
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.actions.conftest import Endpoint, endpoint
from tests.api.asking import component_document, given, make_component
from tests.api.test_container_recipes import make_container_recipe
from tests.api.test_image_pipelines import PARENT, get
from tests.api.test_pipeline_runs import images, read
from tests.api.test_waiting_steps import WAIT, status, waiting, waiting_request
from tests.conftest import Server, StartServer, end_server, start_server, wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DISABLED = "EC2 Image Builder Image Pipeline Automatically Disabled"
PAST = "2020-01-01T00:00:00.000Z"
ALWAYS = "EXPRESSION_MATCH_ONLY"
YEARLY = "cron(0 0 1 1 ? *)"


@pytest.fixture(scope="module")
def hook() -> Iterator[Endpoint]:
    with endpoint() as served:
        yield served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hook: Endpoint) -> Iterator[Server]:
    """Return a server of this module's own, which tells a webhook of events."""
    environment = {
        "IMAGEWRIGHT_WEBHOOKS_URLS": json.dumps([hook.url]),
        "IMAGEWRIGHT_WEBHOOKS_SECRET": SECRET,
    }
    started = start_server(tmp_path_factory.mktemp("schedules") / "state", environment=environment)
    yield started
    end_server(started)


@pytest.fixture
def client(server: Server) -> Any:
    return server.client()


def scheduled(
    client: Any, name: str, *, condition: str | None = ALWAYS, limit: int | None = None, **more: Any
) -> str:
    """Make a pipeline whose schedule runs in a year, unless a test makes it due."""
    schedule = given(scheduleExpression=YEARLY, pipelineExecutionStartCondition=condition)
    if limit is not None:
        schedule["autoDisablePolicy"] = {"failureCount": limit}
    request = {**waiting_request(client, name), "imageTags": {"by": "schedule"}, **more}
    arn: str = client.create_image_pipeline(name=name, schedule=schedule, **request)[
        "imagePipelineArn"
    ]
    return arn


def scheduled_container(client: Any, name: str, recipe: str) -> str:
    """Make a pipeline of a container recipe whose only workflow waits where it would distribute."""
    waits = client.create_workflow(
        name=f"{name}-c", semanticVersion="1.0.0", type="DISTRIBUTION", data=WAIT
    )["workflowBuildVersionArn"]
    request = waiting_request(client, name)
    del request["imageRecipeArn"]
    arn: str = client.create_image_pipeline(
        name=name,
        schedule={"scheduleExpression": YEARLY},
        **{**request, "containerRecipeArn": recipe, "workflows": [{"workflowArn": waits}]},
    )["imagePipelineArn"]
    return arn


def make_due(server: Server, pipeline: str) -> None:
    with sqlite3.connect(server.state / "imagewright.db", timeout=30) as connection:
        changed = connection.execute(
            "UPDATE pipeline_states SET next_run_at = ? WHERE arn = ?", (PAST, pipeline)
        )
        assert changed.rowcount == 1


def taken(client: Any, pipeline: str) -> None:
    """Wait until a run that was due was dealt with, in one way or another."""
    wait_until(lambda: get(client, pipeline).get("dateNextRun") != PAST, what=pipeline)


def log(server: Server, pipeline: str, *, count: int = 1) -> list[str]:
    """Return what the log of a pipeline says of today and the day before.

    Of each of so many runs there is a line, once it was dealt with.
    """
    name = pipeline.rpartition("/")[2]
    folder = server.state / "logs/pipelines/000000000000/us-east-1" / name

    def lines() -> list[str]:
        return [line for file in sorted(folder.glob("*.jsonl")) for line in whole_lines(file)]

    wait_until(lambda: len(lines()) >= count, what=f"the log of {pipeline}")
    return [json.loads(line)["text"] for line in lines()]


def whole_lines(file: Path) -> list[str]:
    """Return the lines of a file that somebody may be writing to."""
    return file.read_text().rpartition("\n")[0].splitlines()


def answer(client: Any, image: str, action: str) -> None:
    wait_until(lambda: image in waiting(client), what=image)
    client.send_workflow_step_action(
        imageBuildVersionArn=image, stepExecutionId=waiting(client)[image], action=action
    )
    final = {"RESUME": "AVAILABLE", "STOP": "FAILED"}[action]
    wait_until(lambda: status(client, image) == final, what=image)


def test_a_schedule_that_is_due_builds_once_and_waits_for_its_next_time(
    client: Any, server: Server, name: str
) -> None:
    """PIP-16, PIP-31, PIP-33, IMG-07, PIP-23."""
    pipeline = scheduled(client, name)
    assert images(client, pipeline) == []

    make_due(server, pipeline)

    taken(client, pipeline)
    [image] = images(client, pipeline)
    found, shown = read(client, image), get(client, pipeline)
    assert (found["buildType"], found["sourcePipelineArn"]) == ("SCHEDULED", pipeline)
    assert found["tags"] == {"by": "schedule"}
    coming = datetime.fromisoformat(shown["dateNextRun"])
    assert (coming.month, coming.day) == (1, 1)
    assert coming > datetime.now(UTC)
    assert datetime.now(UTC) - datetime.fromisoformat(shown["dateLastRun"]) < timedelta(minutes=1)
    assert log(server, pipeline) == [f"started {image}: its schedule was due"]
    answer(client, image, "RESUME")
    assert get(client, pipeline)["lastRunStatus"] == "AVAILABLE"


def test_a_run_begins_though_the_one_before_goes_on(client: Any, server: Server, name: str) -> None:
    """PIP-34."""
    pipeline = scheduled(client, name)

    for count in (1, 2):
        make_due(server, pipeline)
        taken(client, pipeline)
        assert len(images(client, pipeline)) == count

    for image in images(client, pipeline):
        answer(client, image, "RESUME")


@pytest.mark.parametrize("makes", ["images", "container images"])
def test_by_default_a_schedule_builds_only_what_has_changed(
    client: Any, server: Server, name: str, makes: str
) -> None:
    """PIP-20 to PIP-23."""
    make_component(client, name, data=component_document("echo one"))
    slug = name.replace("_", "-")
    newest = f"arn:aws:imagebuilder:us-east-1:000000000000:component/{slug}/x.x.x"
    components = [{"componentArn": newest}]
    if makes == "images":
        recipe = client.create_image_recipe(
            name=f"{name}-r", semanticVersion="1.0.0", parentImage=PARENT, components=components
        )["imageRecipeArn"]
        pipeline = scheduled(client, name, condition=None, imageRecipeArn=recipe)
    else:
        recipe = make_container_recipe(client, f"{name}-r", components=components)
        pipeline = scheduled_container(client, name, recipe)

    def due_and_built() -> int:
        before = len(images(client, pipeline))
        make_due(server, pipeline)
        taken(client, pipeline)
        return len(images(client, pipeline)) - before

    first = due_and_built()
    unchanged = due_and_built()
    second_build = make_component(client, name, data=component_document("echo two"))
    changed = due_and_built()
    answer(client, images(client, pipeline)[0], "STOP")
    after_a_failure = due_and_built()

    assert (first, unchanged, changed, after_a_failure) == (1, 0, 1, 1)
    said = log(server, pipeline, count=4)
    assert said[0].endswith("it has no build to compare with")
    assert said[1] == "nothing that the recipe refers to has changed; no build was started"
    assert f"{second_build} is new since " in said[2]
    for image in (images(client, pipeline)[0], images(client, pipeline)[2]):
        answer(client, image, "RESUME")


def test_failures_disable_a_pipeline_and_that_is_told(
    client: Any, server: Server, hook: Endpoint, name: str
) -> None:
    """PIP-32, PIP-33, EVT-04."""
    pipeline = scheduled(client, name, limit=2)
    counts = []

    for _ in range(2):
        make_due(server, pipeline)
        taken(client, pipeline)
        answer(client, images(client, pipeline)[0], "STOP")
        counts.append(get(client, pipeline)["consecutiveFailures"])

    shown = get(client, pipeline)
    assert counts == [1, 2]
    assert (shown["status"], "dateNextRun" in shown) == ("DISABLED", False)
    wait_until(lambda: len(told(hook, pipeline)) == 1, what="the event")
    [event] = told(hook, pipeline)
    assert event["source"] == "aws.imagebuilder"
    assert event["detail"] == {"consecutive-failures": "2"}
    assert (event["account"], event["region"]) == ("000000000000", "us-east-1")
    request = waiting_again(shown)
    client.update_image_pipeline(imagePipelineArn=pipeline, **request)
    shown = get(client, pipeline)
    assert (shown["status"], shown["consecutiveFailures"]) == ("ENABLED", 0)
    assert "dateNextRun" in shown


def waiting_again(shown: dict[str, Any]) -> dict[str, Any]:
    """Ask for a pipeline as it is, but enabled."""
    kept = (
        "imageRecipeArn",
        "infrastructureConfigurationArn",
        "workflows",
        "executionRole",
        "schedule",
    )
    return {member: shown[member] for member in kept}


def told(hook: Endpoint, pipeline: str) -> list[dict[str, Any]]:
    events = [json.loads(each.body) for each in hook.asked]
    return [e for e in events if e["detail-type"] == DISABLED and e["resources"] == [pipeline]]


def test_a_run_that_cannot_start_counts_as_a_failure_and_says_why(
    client: Any, server: Server, name: str
) -> None:
    """PIP-23, PIP-32."""
    component = make_component(client, name)
    recipe = client.create_image_recipe(
        name=f"{name}-r",
        semanticVersion="1.0.0",
        parentImage="ami-0123456789abcdef0",  # stands for nothing here
        components=[{"componentArn": component}],
    )["imageRecipeArn"]
    pipeline = scheduled(client, name, limit=1, imageRecipeArn=recipe)

    make_due(server, pipeline)

    taken(client, pipeline)
    shown = get(client, pipeline)
    assert (shown["status"], shown["consecutiveFailures"]) == ("DISABLED", 1)
    assert images(client, pipeline) == []
    [said] = log(server, pipeline)
    assert said.startswith("no build was started: ")
    assert "ami-0123456789abcdef0" in said


def test_runs_that_were_due_when_the_server_was_lost_begin_once(
    serve: StartServer, name: str
) -> None:
    """PIP-16: each due run is started, and none twice, wherever the server was killed."""
    server = serve()
    client: Any = server.client()
    parts = waiting_request(client, name)
    schedule = {"scheduleExpression": "rate(36500 days)", "pipelineExecutionStartCondition": ALWAYS}
    pipelines = [
        client.create_image_pipeline(name=f"{name[-40:]}-{number}", schedule=schedule, **parts)[
            "imagePipelineArn"
        ]
        for number in range(8)
    ]
    for pipeline in pipelines:
        make_due(server, pipeline)
    wait_until(lambda: any(images(client, pipeline) for pipeline in pipelines))
    server.stop(signal.SIGKILL)
    for pipeline in pipelines[:2]:  # these are due again: it is the next day
        make_due(server, pipeline)
    already = count(server)

    client = serve(state=server.state).client()

    for pipeline in pipelines:
        taken(client, pipeline)
    found = [len(images(client, pipeline)) for pipeline in pipelines]
    again = [already.get(pipeline, 0) + 1 for pipeline in pipelines[:2]]
    assert found == [*again, *[1] * 6]


def count(server: Server) -> dict[str, int]:
    """Count the images of each pipeline while no server runs."""
    with sqlite3.connect(server.state / "imagewright.db", timeout=30) as connection:
        return dict(
            connection.execute(
                "SELECT pipeline_arn, count(*) FROM pipeline_runs GROUP BY pipeline_arn"
            ).fetchall()
        )
