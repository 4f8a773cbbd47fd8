"""Parameters of one run: as tags on the wire, and without their limits at the second door."""

from typing import Any
from uuid import uuid4

import pytest
from tests.api.asking import COMBINATION, VALUE, component_document, make_component, refusal
from tests.api.test_image_pipelines import PARENT, sized, workflow
from tests.api.test_pipeline_runs import cancel, read, run
from tests.conftest import Server

from imagewright.cli.client import Client, Refused

ACCOUNT = "777777777777"
"""Of nobody else: there may be 75 pipelines."""
WORKFLOW, COMPONENT = "imagewright:parameter:", "imagewright:component-parameter:"
COLOURED = """\
parameters:
  - Colour: {type: string, default: red, allowedValues: [red, blue]}
  - Text: {type: string, default: hello}
"""
NAMED_FREELY = """\
schemaVersion: 1.0
parameters:
  - {name: "what? ä", type: string, default: a}
  - {name: loud, type: boolean, default: false}
steps:
  - {name: Ask, action: WaitForAction}
"""


@pytest.fixture
def client(server: Server) -> Any:
    return server.client(ACCOUNT, parameter_validation=False)  # the server is to check


@pytest.fixture
def door(server: Server) -> Client:
    key = server.key(ACCOUNT)
    return Client(server.url, key.access_key_id, key.secret_access_key, ACCOUNT, "us-east-1")


@pytest.fixture
def pipeline(client: Any, name: str) -> str:
    """Return a pipeline of two workflows and two components that declare parameters."""
    document = component_document("echo {{ Colour }} {{ Text }}", parameters=COLOURED)
    components = [
        {
            "componentArn": make_component(client, f"{name}-1", data=document),
            "parameters": [{"name": "Text", "value": ["mine"]}],
        },
        {"componentArn": make_component(client, f"{name}-2")},
    ]
    recipe = client.create_image_recipe(
        name=name, semanticVersion="1.0.0", parentImage=PARENT, components=components
    )
    infrastructure = client.create_infrastructure_configuration(
        name=name, instanceProfileName="builder"
    )
    arn: str = client.create_image_pipeline(
        name=name,
        imageRecipeArn=recipe["imageRecipeArn"],
        infrastructureConfigurationArn=infrastructure["infrastructureConfigurationArn"],
        workflows=[
            sized(workflow(client, f"{name}-1")),
            {"workflowArn": workflow(client, f"{name}-2", NAMED_FREELY)},
        ],
        executionRole="builder",
    )["imagePipelineArn"]
    return arn


def parameters(image: dict[str, Any]) -> list[dict[str, list[str]]]:
    """Return what each workflow of an image was given."""
    return [
        {entry["name"]: entry["value"] for entry in each.get("parameters", [])}
        for each in image["workflows"]
    ]


def of_components(image: dict[str, Any]) -> list[dict[str, list[str]]]:
    return [
        {entry["name"]: entry["value"] for entry in each.get("parameters", [])}
        for each in image["imageRecipe"]["components"]
    ]


def test_without_parameters_a_run_has_those_of_the_pipeline(client: Any, pipeline: str) -> None:
    image = read(client, run(client, pipeline))

    assert parameters(image) == [{"size": ["7"]}, {}]
    assert of_components(image) == [{"Text": ["mine"]}, {}]
    cancel(client, image["arn"])


def test_tags_of_a_run_give_parameters_to_whatever_declares_them(
    client: Any, pipeline: str
) -> None:
    tags = {
        f"{WORKFLOW}size": "40",
        f"{WORKFLOW}loud": "TRUE",
        f"{COMPONENT}Colour": "blue",
        "team": "images",
    }

    image = read(client, run(client, pipeline, tags=tags))
    plain = read(client, run(client, pipeline))

    assert parameters(image) == [{"size": ["40"]}, {"loud": ["TRUE"]}]
    assert of_components(image) == [{"Text": ["mine"], "Colour": ["blue"]}, {}]
    assert image["tags"] == tags
    assert parameters(plain) == [{"size": ["7"]}, {}]
    cancel(client, image["arn"], plain["arn"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [("b", ["b"]), ('["b", "c"]', ["b", "c"]), ("[]", []), ('["[b"]', ["[b"])],
)
def test_a_list_in_a_tag_is_one_text_or_json(
    client: Any, pipeline: str, value: str, expected: list[str]
) -> None:
    image = read(client, run(client, pipeline, tags={f"{WORKFLOW}hosts": value}))

    assert parameters(image)[0] == {"size": ["7"], "hosts": expected}
    cancel(client, image["arn"])


BAD_TAGS = [
    ({f"{WORKFLOW}sise": "1"}, COMBINATION, "sise. Defined are: hosts, loud, size, what? ä. Did"),
    ({f"{WORKFLOW}sise": "1"}, COMBINATION, "Did you mean 'size'?"),
    ({f"{WORKFLOW}Colour": "blue"}, COMBINATION, "any of the workflows of this run: Colour"),
    ({f"{COMPONENT}size": "1"}, COMBINATION, "any of the components of this run: size"),
    ({f"{COMPONENT}Color": "blue"}, COMBINATION, "Defined are: Colour, Text. Did you mean"),
    ({f"{COMPONENT}Colour": "green"}, VALUE, "must be one of: red, blue"),
    ({f"{WORKFLOW}size": "many"}, VALUE, "'size' must be a whole number"),
    ({f"{WORKFLOW}size": '["1"]'}, VALUE, "'size' must be a whole number"),
    ({f"{WORKFLOW}loud": "maybe"}, VALUE, "'loud' must be true or false"),
    ({f"{WORKFLOW}hosts": "[b"}, VALUE, "must be one text, or a JSON list of texts"),
    ({f"{WORKFLOW}hosts": "[1]"}, VALUE, "must be one text, or a JSON list of texts"),
    ({WORKFLOW: "1"}, VALUE, "A parameter's name must follow 'imagewright:parameter:'"),
    # The limits of tags themselves: the second door has none of them.
    ({f"{WORKFLOW}{'s' * 107}": "1"}, VALUE, "tags"),
    ({f"{WORKFLOW}size": "1" * 257}, VALUE, "tags"),
    ({f"{WORKFLOW}what? ä": "b"}, VALUE, "tags"),
]


@pytest.mark.parametrize(("tags", "code", "words"), BAD_TAGS, ids=str)
def test_a_parameter_that_cannot_be_is_refused_before_anything_starts(
    client: Any, pipeline: str, tags: dict[str, str], code: str, words: str
) -> None:
    found, status, message = refusal(
        client.start_image_pipeline_execution, imagePipelineArn=pipeline, tags=tags
    )

    assert (found, status) == (code, 400)
    assert words in message
    listed = client.list_image_pipeline_images(imagePipelineArn=pipeline)
    assert listed["imageSummaryList"] == []


def ask(door: Client, pipeline: str, **more: Any) -> str:
    request = {"imagePipelineArn": pipeline, "clientToken": str(uuid4()), **more}
    image: str = door.post("/pipelines/runs", request)["imageBuildVersionArn"]
    return image


def test_the_second_door_takes_any_name_and_long_values(
    client: Any, door: Client, pipeline: str
) -> None:
    long = "x" * 1000

    image = read(
        client,
        ask(
            door,
            pipeline,
            parameters=[
                {"name": "what? ä", "value": [long]},
                {"name": "hosts", "value": ["b", "[c"]},
            ],
            componentParameters=[{"name": "Text", "value": [long]}],
            tags={f"{WORKFLOW}size": "9"},
        ),
    )

    assert parameters(image) == [{"size": ["9"], "hosts": ["b", "[c"]}, {"what? ä": [long]}]
    assert of_components(image) == [{"Text": [long]}, {}]
    cancel(client, image["arn"])


def test_the_second_door_starts_once_per_token_and_parameters(
    client: Any, door: Client, pipeline: str
) -> None:
    """IDM-02, IDM-03."""
    nine = [{"name": "size", "value": ["9"]}]
    first = ask(door, pipeline, clientToken=pipeline[-20:], parameters=nine)

    assert ask(door, pipeline, clientToken=pipeline[-20:], parameters=nine) == first
    with pytest.raises(Refused) as caught:
        ask(door, pipeline, clientToken=pipeline[-20:])
    assert caught.value.code == "IdempotentParameterMismatchException"
    cancel(client, first)


BAD_MEMBERS: list[tuple[dict[str, Any], str]] = [
    ({"parameters": "size=1"}, "'parameters' must be a list"),
    ({"parameters": ["size=1"]}, "'parameters[0]' must be an object with a 'name'"),
    ({"parameters": [{"name": "size", "value": "1"}]}, "'parameters[0]' must be an object"),
    ({"parameters": [{"name": "size", "value": [1]}]}, "'parameters[0]' must be an object"),
    ({"parameters": [{"name": "size", "value": []}]}, "must be one value, not 0"),
    ({"parameters": [{"name": "size", "value": ["1", "2"]}]}, "must be one value, not 2"),
    ({"parameters": [{"name": "size", "value": ["1"]}] * 2}, "'size' is given twice"),
    (
        {
            "parameters": [{"name": "size", "value": ["1"]}],
            "tags": {f"{WORKFLOW}size": "1"},
        },
        "given twice, by a tag and beside it",
    ),
    ({"componentParameters": [{"name": "Text", "value": []}]}, "must be one value, not 0"),
    ({"parameters": [{"name": "no", "value": ["1"]}]}, "parameter 'parameters' is not valid"),
    ({"imagePipelineArn": "web"}, "imagePipelineArn"),
]


@pytest.mark.parametrize(("members", "words"), BAD_MEMBERS, ids=str)
def test_the_second_door_says_what_is_wrong(
    door: Client, pipeline: str, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=r".") as caught:
        ask(door, pipeline, **members)

    assert words in caught.value.message
