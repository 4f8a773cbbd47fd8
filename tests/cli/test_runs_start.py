"""``imagewright runs start``, of pipelines whose images wait: no machine is needed."""

import json
from typing import Any

import pytest
from tests.api.test_image_pipelines import parts, sized, workflow
from tests.cli.conftest import Run
from tests.conftest import Server, StartServer


@pytest.fixture
def client(server: Server) -> Any:
    return server.client()


@pytest.fixture
def pipeline(client: Any, name: str) -> str:
    arn: str = client.create_image_pipeline(
        name=name,
        workflows=[sized(workflow(client, name))],
        executionRole="builder",
        **parts(client, name),
    )["imagePipelineArn"]
    return arn


def workflows(client: Any, image: str) -> dict[str, list[str]]:
    """Return the parameters of an image's workflow, and let the image end."""
    found = client.get_image(imageBuildVersionArn=image)["image"]["workflows"][0]["parameters"]
    client.cancel_image_creation(imageBuildVersionArn=image)
    return {entry["name"]: entry["value"] for entry in found}


def test_a_pipeline_is_started_by_its_name_with_parameters(
    run: Run, server: Server, client: Any, pipeline: str, name: str
) -> None:
    done = run(
        "runs", "start", name, "--parameter", "size=40", "--parameter", "hosts=a=b",
        "--parameter", "hosts=", "--output", "json", "--state", server.state,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    image = json.loads(done.stdout)["imageBuildVersionArn"]
    assert workflows(client, image) == {"size": ["40"], "hosts": ["a=b", ""]}
    listed = client.list_image_pipeline_images(imagePipelineArn=pipeline)["imageSummaryList"]
    assert [entry["arn"] for entry in listed] == [image]


def test_a_pipeline_is_started_by_its_arn_as_it_is(
    run: Run, server: Server, client: Any, pipeline: str, name: str
) -> None:
    done = run("runs", "start", pipeline, "--state", server.state)

    assert done.returncode == 0, done.stderr
    short = f"{name.replace('_', '-')}/1.0.0/1"
    assert done.stdout == f"building {short}\n"
    image = pipeline.replace("image-pipeline", "image") + "/1.0.0/1"
    assert workflows(client, image) == {"size": ["7"]}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--parameter", "sise=1"], 4, "Did you mean 'size'?"),
        (["--component-parameter", "size=1"], 4, "Defined are: none"),
        (["--parameter", "size"], 2, "a parameter is given as NAME=VALUE, not as 'size'"),
        (["--parameter", "=1"], 2, "a parameter is given as NAME=VALUE, not as '=1'"),
    ],
)
def test_what_cannot_be_is_said(
    run: Run,
    server: Server,
    pipeline: str,
    name: str,
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    done = run("runs", "start", name, *arguments, "--state", server.state)

    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_pipeline_is_said_with_how_to_list_them(run: Run, server: Server) -> None:
    done = run("runs", "start", "no such", "--state", server.state)

    assert done.returncode == 4
    assert ":image-pipeline/no-such' cannot be found" in done.stderr
    assert "aws imagebuilder list-image-pipelines" in done.stderr


def test_without_a_server_the_build_is_asked_for_and_waits(
    run: Run, serve: StartServer, name: str
) -> None:
    server = serve()
    client: Any = server.client()
    client.create_image_pipeline(
        name=name,
        workflows=[sized(workflow(client, name))],
        executionRole="builder",
        **parts(client, name),
    )
    server.stop()

    done = run("runs", "start", name, "--parameter", "size=9", "--state", server.state)

    assert done.returncode == 0, done.stderr
    short = done.stdout.removeprefix("building ").strip()
    assert (
        f"no server runs; the build goes on with `imagewright runs follow {short}`" in done.stderr
    )
    client = serve(state=server.state).client()
    [entry] = client.list_image_build_versions()["imageSummaryList"]
    assert entry["arn"].endswith(f":image/{short}")
    assert workflows(client, entry["arn"]) == {"size": ["9"]}
