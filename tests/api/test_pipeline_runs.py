"""Runs of pipelines, of images that wait for an answer, so that no machine is needed."""

from typing import Any

import pytest
from tests.api.asking import VALUE, refusal
from tests.api.test_image_pipelines import PARENT, everything, get, make, sized, workflow
from tests.api.test_waiting_steps import status, waiting_request
from tests.conftest import Server, wait_until

ACCOUNT = "666666666666"
"""Of nobody else: there may be 75 pipelines."""


@pytest.fixture
def client(server: Server) -> Any:
    return server.client(ACCOUNT, parameter_validation=False)  # the server is to check


@pytest.fixture
def pipeline(client: Any, name: str) -> str:
    """Return a pipeline whose images wait for an answer."""
    arn: str = client.create_image_pipeline(
        name=name, imageTags={"by": "schedule"}, **waiting_request(client, name)
    )["imagePipelineArn"]
    return arn


def arn_of(resource: str) -> str:
    return f"arn:aws:imagebuilder:us-east-1:{ACCOUNT}:{resource}"


def run(client: Any, pipeline: str, **more: Any) -> str:
    answer = client.start_image_pipeline_execution(imagePipelineArn=pipeline, **more)
    image: str = answer["imageBuildVersionArn"]
    return image


def read(client: Any, image: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_image(imageBuildVersionArn=image)["image"]
    return found


def cancel(client: Any, *images: str) -> None:
    for image in images:
        client.cancel_image_creation(imageBuildVersionArn=image)
    wait_until(lambda: {status(client, image) for image in images} == {"CANCELLED"})


def images(client: Any, pipeline: str, **filters: str) -> list[str]:
    wanted = [{"name": name, "values": [value]} for name, value in filters.items()]
    pages = client.get_paginator("list_image_pipeline_images").paginate(
        imagePipelineArn=pipeline,
        PaginationConfig={"PageSize": 1},
        **({"filters": wanted} if wanted else {}),
    )
    return [entry["arn"] for page in pages for entry in page["imageSummaryList"]]


def test_a_run_builds_the_image_that_the_pipeline_says(client: Any, name: str) -> None:
    """PIP-30, IMG-02, IMG-06, IMG-07, LOG-01, VER-20."""
    content = everything(client, name)
    pipeline = client.create_image_pipeline(name=name, **content)["imagePipelineArn"]

    answer = client.start_image_pipeline_execution(
        imagePipelineArn=pipeline, clientToken="r-" + name[-12:]
    )

    assert answer["clientToken"] == "r-" + name[-12:]
    assert answer["requestId"]
    image = read(client, answer["imageBuildVersionArn"])
    cancel(client, image["arn"])
    assert image["arn"] == arn_of(f"image/{name.replace('_', '-')}/1.0.0/1")
    assert (image["buildType"], image["sourcePipelineArn"]) == ("USER_INITIATED", pipeline)
    assert "sourcePipelineName" not in image
    for member in (
        "imageTestsConfiguration",
        "enhancedImageMetadataEnabled",
        "imageScanningConfiguration",
        "executionRole",
        "workflows",
    ):
        assert image[member] == content[member]
    assert image["loggingConfiguration"] == {"logGroupName": "/teams/images"}
    assert image["imageRecipe"]["arn"] == content["imageRecipeArn"]
    assert image["distributionConfiguration"]["arn"] == content["distributionConfigurationArn"]
    assert image["infrastructureConfiguration"]["arn"] == content["infrastructureConfigurationArn"]


def test_a_disabled_pipeline_runs_on_request(client: Any, name: str) -> None:
    """PIP-30."""
    pipeline = make(client, name, status="DISABLED", **_waits(client, name))

    image = run(client, pipeline)

    assert read(client, image)["sourcePipelineArn"] == pipeline
    cancel(client, image)


def test_a_run_by_hand_has_its_own_tags_instead_of_the_pipelines(
    client: Any, pipeline: str
) -> None:
    """PIP-31, TAG-07."""
    plain, tagged = run(client, pipeline), run(client, pipeline, tags={"by": "hand"})

    assert read(client, plain)["tags"] == {}
    assert read(client, tagged)["tags"] == {"by": "hand"}
    assert refusal(
        client.start_image_pipeline_execution, imagePipelineArn=pipeline, tags={"aws:by": "hand"}
    )[:2] == (VALUE, 400)
    cancel(client, plain, tagged)


def test_what_is_no_pipeline_is_not_run(client: Any, server: Server, pipeline: str) -> None:
    """PIP-30, ERR-21, ERR-26, OPX-01."""
    stranger: Any = server.client("111122223333")
    recipe = arn_of("image-recipe/web/1.0.0")

    for asked_by, arn in ((client, arn_of("image-pipeline/absent")), (stranger, pipeline)):
        found = refusal(asked_by.start_image_pipeline_execution, imagePipelineArn=arn)
        assert found[:2] == ("ResourceNotFoundException", 404)
    for operation in (client.start_image_pipeline_execution, client.list_image_pipeline_images):
        code, status, message = refusal(operation, imagePipelineArn=recipe)
        assert (code, status) == (VALUE, 400)
        assert "'imagePipelineArn'" in message


def test_a_run_happens_once_per_token(client: Any, pipeline: str, name: str) -> None:
    """IDM-01 to IDM-03, IDM-10."""
    request = {"imagePipelineArn": pipeline, "clientToken": "r-" + name[-12:]}

    first, again = (
        client.start_image_pipeline_execution(**request)["imageBuildVersionArn"] for _ in range(2)
    )

    assert first == again
    assert images(client, pipeline) == [first]
    assert refusal(client.start_image_pipeline_execution, **request, tags={"a": "b"})[:2] == (
        "IdempotentParameterMismatchException",
        400,
    )
    cancel(client, first)


def test_the_images_of_a_pipeline_are_listed_newest_first_and_outlive_it(
    client: Any, pipeline: str, name: str
) -> None:
    """SRT-03, SRT-04, PIP-35, FLT-10, FLT-11, OPX-02."""
    found = [run(client, pipeline) for _ in range(3)]
    cancel(client, *found)

    assert images(client, pipeline) == found[::-1]
    assert images(client, pipeline, version="2021.1.1/2") == [found[1]]
    assert images(client, pipeline, name=f"{name[:20]}*", version="2021.x.x") == found[::-1]
    assert images(client, pipeline, name="other") == []
    assert images(client, arn_of("image-pipeline/absent")) == []
    filters = [{"name": "type", "values": ["AMI"]}]
    assert refusal(client.list_image_pipeline_images, imagePipelineArn=pipeline, filters=filters)[
        :2
    ] == (VALUE, 400)
    client.delete_image(imageBuildVersionArn=found[2])
    client.delete_image_pipeline(imagePipelineArn=pipeline)
    assert images(client, pipeline) == [found[1], found[0]]
    assert read(client, found[0])["sourcePipelineArn"] == pipeline


def test_the_images_of_anothers_pipeline_are_none(
    client: Any, server: Server, pipeline: str
) -> None:
    """SRT-04, ERR-26."""
    image = run(client, pipeline)
    stranger: Any = server.client("111122223333")

    assert images(client, pipeline) == [image]
    assert images(stranger, pipeline) == []
    cancel(client, image)


def test_the_pipeline_tells_how_its_last_run_went(client: Any, pipeline: str) -> None:
    """PIP-32, PIP-33."""
    before = get(client, pipeline)
    image = run(client, pipeline)
    under_way = get(client, pipeline)
    cancel(client, image)
    after = get(client, pipeline)

    assert not {"dateLastRun", "lastRunStatus"} & before.keys()
    assert under_way["lastRunStatus"] in {"PENDING", "TESTING"}
    assert under_way["dateLastRun"] >= before["dateCreated"]
    assert after["lastRunStatus"] == "CANCELLED"
    assert after["consecutiveFailures"] == 0
    assert client.list_image_pipelines(filters=[{"name": "name", "values": [before["name"]]}])[
        "imagePipelineList"
    ] == [after]


def test_references_are_resolved_anew_by_every_run(client: Any, name: str) -> None:
    """VER-15, VER-20, ASK-01: a new recipe version needs no change of the pipeline."""
    request = waiting_request(client, name)
    request["imageRecipeArn"] = request["imageRecipeArn"].replace("2021.01.01", "x.x.x")
    request["workflows"][0]["workflowArn"] = arn_of(f"workflow/test/{name.replace('_', '-')}/x.x.x")
    pipeline = client.create_image_pipeline(name=name, **request)["imagePipelineArn"]
    first = run(client, pipeline)
    recipe = client.create_image_recipe(name=name, semanticVersion="2021.1.2", parentImage=PARENT)
    newer = client.create_workflow(
        name=name,
        semanticVersion="1.0.1",
        type="TEST",
        data="schemaVersion: 1.0\nsteps:\n  - {name: Ask2, action: WaitForAction}\n",
    )["workflowBuildVersionArn"]

    second = run(client, pipeline)

    found = read(client, second)
    assert read(client, first)["imageRecipe"]["arn"] != recipe["imageRecipeArn"]
    assert found["imageRecipe"]["arn"] == recipe["imageRecipeArn"]
    assert found["workflows"] == [{"workflowArn": newer}]
    assert get(client, pipeline)["imageRecipeArn"] == request["imageRecipeArn"]
    cancel(client, first, second)


def test_a_pipeline_may_go_while_its_image_is_built(client: Any, pipeline: str) -> None:
    """PIP-06."""
    image = run(client, pipeline)

    client.delete_image_pipeline(imagePipelineArn=pipeline)

    assert status(client, image) in {"PENDING", "TESTING"}
    cancel(client, image)


def _waits(client: Any, name: str) -> dict[str, Any]:
    """Ask for a workflow that waits for an answer."""
    return {"workflows": [sized(workflow(client, name))], "executionRole": "builder"}
