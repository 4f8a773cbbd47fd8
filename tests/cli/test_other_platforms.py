"""On macOS and Windows the API, ``serve`` and ``validate`` work; a build names what it needs.

Neither is at hand, so this host plays them: see ``other_platform``.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.cli.conftest import Run, run_program
from tests.conftest import Server, end_server, start_server

from imagewright import examples

PLAYED = Path(__file__).with_name("other_platform.py")
EXAMPLES = Path(examples.__file__).parent
RECIPE = f"name: web\nparentImage: debian-12\ncomponents: [{EXAMPLES / 'tree.yaml'}]\n"


@pytest.fixture(scope="module", params=["darwin", "win32"])
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def elsewhere(platform: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp(platform) / "state"
    server = start_server(state, program=(PLAYED, platform))
    yield server
    end_server(server)


@pytest.fixture
def run_there(platform: str, home: Path, tmp_path: Path) -> Run:
    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, str(PLAYED), platform, *map(str, arguments)]
        return run_program(argv, home, folder=tmp_path)

    return run


def test_the_api_serves_documents(elsewhere: Server) -> None:
    client = elsewhere.client()

    created = client.create_workflow(
        name="stamped",
        semanticVersion="1.0.0",
        type="BUILD",
        data=examples.text("workflow.yaml"),
        kmsKeyId="alias/local",
        clientToken="t-stamped",
    )

    arn = created["workflowBuildVersionArn"]
    workflow = client.get_workflow(workflowBuildVersionArn=arn)["workflow"]
    assert workflow["data"] == examples.text("workflow.yaml")
    assert elsewhere.sts().get_caller_identity()["Account"] == "000000000000"


def test_a_build_names_the_driver_that_it_would_need(
    elsewhere: Server, run_there: Run, tmp_path: Path, platform: str
) -> None:
    (tmp_path / "web.yaml").write_text(RECIPE)

    done = run_there("build", "web.yaml", "--state", elsewhere.state)

    assert done.returncode == 4
    assert f"No driver on this host ({platform})" in done.stderr
    assert "the driver sandbox needs Linux" in done.stderr
    assert "Traceback" not in done.stderr + elsewhere.log.read_text()


def test_create_image_is_refused_before_anything_is_stored(elsewhere: Server) -> None:
    client = elsewhere.client()
    component = client.create_component(
        name="tree",
        semanticVersion="1.0.0",
        platform="Linux",
        data=examples.text("tree.yaml"),
        clientToken="t-tree",
    )
    recipe = client.create_image_recipe(
        name="base",
        semanticVersion="1.0.0",
        parentImage="arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x",
        components=[{"componentArn": component["componentBuildVersionArn"]}],
        clientToken="t-recipe",
    )
    infrastructure = client.create_infrastructure_configuration(
        name="here", instanceProfileName="x", clientToken="t-infrastructure"
    )

    with pytest.raises(ClientError, match="the driver sandbox needs Linux"):
        client.create_image(
            imageRecipeArn=recipe["imageRecipeArn"],
            infrastructureConfigurationArn=infrastructure["infrastructureConfigurationArn"],
            clientToken="t-image",
        )

    assert client.list_images(owner="Self")["imageVersionList"] == []


def test_documents_are_validated(run_there: Run) -> None:
    done = run_there("validate", EXAMPLES / "workflow.yaml", EXAMPLES / "tree.yaml")

    assert (done.returncode, done.stderr) == (0, "")
    assert "1 component, 1 workflow checked: nothing wrong" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("doctor",), 1, "the driver 'sandbox' needs Linux"),
        (("demo",), 1, "no image can be built here"),
        (("machines", "shell", "i-0"), 1, "the sandbox needs Linux"),
        (("machines", "list"), 0, "no machines"),
        (("runs", "list"), 0, "no builds yet"),
        (("images", "show"), 4, "cannot be found"),
        (("prune",), 4, "the driver sandbox needs Linux"),
        (("env",), 0, "AWS_ENDPOINT_URL_IMAGEBUILDER"),
        (("keys", "list"), 0, "AKIA"),
    ],
)
def test_every_command_ends_with_a_sentence(
    run_there: Run, elsewhere: Server, arguments: tuple[str, ...], code: int, told: str
) -> None:
    state = () if arguments == ("demo",) else ("--state", str(elsewhere.state))

    done = run_there(*arguments, *state)

    assert told in done.stdout + done.stderr
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_state_serves_one_server_at_a_time(run_there: Run, elsewhere: Server) -> None:
    done = run_there("serve", "--state", elsewhere.state, "--port", "0")

    assert done.returncode == 5
    assert f"at {elsewhere.url}" in done.stderr
