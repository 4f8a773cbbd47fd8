"""Managed components: shipped ones, place holders, and stand-ins (component-documents.md §11)."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conftest import Server, StartServer, start_server
from tests.e2e.conftest import PARENT

from imagewright.managed.components import NOT_SHIPPED, SHIPPED

ARN = "arn:aws:imagebuilder:us-east-1:aws:component"
MISSING = "amazon-cloudwatch-agent-linux"
STAND_IN = """\
name: mine
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Say, action: ExecuteBash, inputs: {commands: [echo mine]}}
"""


def recipe(server: Server, component: str, name: str) -> str:
    """Make a recipe with a component, given by its ARN or a managed one's name."""
    client: Any = server.client()  # its stubs want a token, which it makes itself
    arn: str = client.create_image_recipe(
        name=name,
        semanticVersion="1.0.0",
        parentImage=PARENT,
        components=[
            {"componentArn": component if ":" in component else f"{ARN}/{component}/x.x.x"}
        ],
    )["imageRecipeArn"]
    return arn


def start(server: Server, component: str, name: str) -> str:
    client: Any = server.client()
    infrastructure = client.create_infrastructure_configuration(
        name=name, instanceProfileName="profile"
    )["infrastructureConfigurationArn"]
    arn: str = client.create_image(
        imageRecipeArn=recipe(server, component, name),
        infrastructureConfigurationArn=infrastructure,
    )["imageBuildVersionArn"]
    return arn


def test_every_known_name_is_listed_and_resolves(server: Server, name: str) -> None:
    """FLT-21."""
    client = server.client()
    listed = {
        each["name"]: each
        for page in client.get_paginator("list_components").paginate(owner="Amazon")
        for each in page["componentVersionList"]
    }

    assert set(listed) >= {*SHIPPED, *NOT_SHIPPED}
    shown = client.get_component(componentBuildVersionArn=f"{ARN}/update-linux/x.x.x")["component"]
    assert (shown["owner"], shown["platform"], shown["type"]) == ("Amazon", "Linux", "BUILD")
    assert "action: UpdateOS" in shown["data"]
    assert listed["reboot-test-linux"]["type"] == "TEST"
    assert listed["update-windows"]["platform"] == "Windows"
    stig = client.get_component(componentBuildVersionArn=f"{ARN}/stig-build-linux/x.x.x")
    assert [each["name"] for each in stig["component"]["parameters"]] == [
        "Level", "InstallPackages", "SetDoDConsentBanner",
    ]  # fmt: skip
    assert recipe(server, MISSING, name)


def test_a_build_with_one_that_is_not_shipped_is_refused_by_its_name(
    server: Server, name: str
) -> None:
    with pytest.raises(ClientError) as refused:
        start(server, MISSING, name)

    message = refused.value.response["Error"]["Message"]
    assert f"does not ship {MISSING}" in message
    assert f"{MISSING}.yaml, into the folder of the setting managed.stand_ins" in message


def test_stand_ins_take_the_place_of_what_they_are_named_after(
    tmp_path: Path, serve: StartServer, name: str
) -> None:
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    for each in (MISSING, "of-our-own"):
        (folder / f"{each}.yaml").write_text(STAND_IN)
    settings = {"IMAGEWRIGHT_MANAGED_STAND_INS": str(folder)}
    server = serve(environment=settings)

    for each in (MISSING, "of-our-own"):
        arn = f"{ARN}/{each}/x.x.x"
        assert server.client().get_component(componentBuildVersionArn=arn)["component"][
            "data"
        ] == STAND_IN  # fmt: skip
    server.stop()
    (folder / f"{MISSING}.yaml").write_text(STAND_IN.replace("echo mine", "echo changed"))
    server = serve(environment=settings)
    shown = server.client().get_component(componentBuildVersionArn=f"{ARN}/{MISSING}/x.x.x")
    assert "echo changed" in shown["component"]["data"]
    assert shown["component"]["arn"].endswith("/1.0.0/2")


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("update-linux.yaml", b"schemaVersion: 1.0\n", "line 1"),
        ("update-linux.yaml", b"\xff\xfe\x00", "cannot be read"),
        ("Up Date.yaml", b"", "is not named after a component"),
    ],
)
def test_a_stand_in_that_cannot_be_keeps_the_server_from_starting(
    tmp_path: Path, file: str, content: bytes, problem: str
) -> None:
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    (folder / file).write_bytes(content)
    settings = {"IMAGEWRIGHT_MANAGED_STAND_INS": str(folder)}

    with pytest.raises(pytest.fail.Exception) as ended:
        start_server(tmp_path / "state", environment=settings)

    assert problem in str(ended.value)
    assert file in str(ended.value)
    assert "Traceback" not in str(ended.value)


def test_missing_ones_may_be_skipped(tmp_path: Path, serve: StartServer) -> None:
    server = serve(environment={"IMAGEWRIGHT_MANAGED_MISSING": "skip"})

    shown = server.client().get_component(componentBuildVersionArn=f"{ARN}/{MISSING}/x.x.x")

    assert f"Skipped: this release does not ship {MISSING}" in shown["component"]["data"]


def test_a_component_that_reads_parameters_is_refused_where_none_can_be_read(
    server: Server, name: str
) -> None:
    """component-documents.md §3.5."""
    client: Any = server.client()
    text = STAND_IN.replace("echo mine", '"echo {{ aws:ssm:/app/name }}"')
    arn = client.create_component(name=name, semanticVersion="1.0.0", platform="Linux", data=text)[
        "componentBuildVersionArn"
    ]

    with pytest.raises(ClientError) as refused:
        start(server, arn, name)

    assert "the setting aws.ssm_endpoint or aws.access_key_id" in str(refused.value)
