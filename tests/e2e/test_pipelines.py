"""One pipeline, many nearly equal images: runs with parameters of their own."""

import json
from pathlib import Path
from uuid import uuid4

from tests.e2e.author import Author
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import command, component, workflow

TEXT = [{"Text": {"type": "string", "default": "nobody"}}]


def test_one_pipeline_builds_images_that_differ_by_their_parameters(
    bench: Bench, tmp_path: Path
) -> None:
    """PIP-30, §13 no. 7, workflow-documents.md §3.2."""
    greeting = {**json.loads(component("echo 'for {{ Text }}' > /greeting")), "parameters": TEXT}
    build = workflow(
        {
            "name": "Apply",
            "action": "ExecuteComponents",
            "inputs": {"instanceId.$": "$.stepOutputs.Launch.instanceId"},
        },
        command("Show", "cat /greeting; echo '{{ $.parameters.size }}'"),
        parameters=[{"name": "size", "type": "integer", "default": 1}],
    )
    name = f"p-{uuid4().hex[:8]}"
    pipeline = bench.client.create_image_pipeline(
        name=name,
        imageRecipeArn=bench.recipe(bench.component(json.dumps(greeting))),
        infrastructureConfigurationArn=bench.infrastructure(),
        workflows=[{"workflowArn": bench.workflow(build)}],
        executionRole="builder",
    )["imagePipelineArn"]
    author = Author(tmp_path, bench.server.state)

    first = bench.client.start_image_pipeline_execution(
        imagePipelineArn=pipeline,
        tags={
            "imagewright:parameter:size": "40",
            "imagewright:component-parameter:Text": "alice",
        },
    )["imageBuildVersionArn"]
    followed = author.run(
        "runs", "start", name, "--component-parameter", "Text=bob", "--follow"
    )  # fmt: skip
    plain = author.run("runs", "start", name, "--follow", "--output", "json")

    assert (followed.returncode, plain.returncode) == (0, 0), followed.stderr + plain.stderr
    assert "✔ AVAILABLE" in followed.stdout
    assert json.loads(plain.stdout.splitlines()[-1])["status"] == "AVAILABLE"
    bench.built(first)
    images = bench.client.list_image_pipeline_images(imagePipelineArn=pipeline)
    said = {
        entry["arn"]: json.loads(bench.steps(entry["arn"])["Show"]["outputs"])["output"]
        for entry in images["imageSummaryList"]
    }
    assert list(said.values()) == [
        ["for nobody\n1"],
        ["for bob\n1"],
        ["for alice\n40"],
    ]
    ids = {entry["outputResources"]["amis"][0]["image"] for entry in images["imageSummaryList"]}
    assert len(ids) == 3
    found = bench.client.get_image_pipeline(imagePipelineArn=pipeline)["imagePipeline"]
    assert (found["lastRunStatus"], found["consecutiveFailures"]) == ("AVAILABLE", 0)
