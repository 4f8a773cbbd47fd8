"""The second door over HTTP: who gets in, what is refused, and how."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.conftest import REGION, Server
from tests.door.conftest import OTHER

from imagewright.cli.client import Client, Refused

Door = Callable[..., Client]
NOBODYS = "arn:aws:imagebuilder:us-east-1:000000000000:image/nobodys/1.0.0/1"


def ask(url: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["x-amzn-errortype"]


def test_a_signature_made_by_botocore_opens_it(server: Server) -> None:
    url = f"{server.url}/imagewright/v1/builds?count=1"
    key = server.key()
    request = AWSRequest("GET", url)
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    SigV4Auth(credentials, "imagebuilder", REGION).add_auth(request)

    status, answer = ask(url, dict(request.headers))

    assert status == 200
    assert isinstance(answer["builds"], list)


def test_without_a_signature_it_stays_shut_even_for_what_is_not_there(server: Server) -> None:
    assert ask(f"{server.url}/imagewright/v1/builds") == (
        403,
        "MissingAuthenticationTokenException",
    )
    assert ask(f"{server.url}/imagewright/v1/nothing")[0] == 403


@pytest.mark.parametrize("path", ["/nothing", "/builds/", "/../CreateImage", ""])
def test_what_is_not_there_is_an_unknown_operation(door: Door, path: str) -> None:
    with pytest.raises(Refused) as refused:
        door().get(path)

    assert refused.value.code == "UnknownOperationException"


def test_a_known_path_with_another_method_is_an_unknown_operation(door: Door) -> None:
    with pytest.raises(Refused) as refused:
        door().post("/machines", {})

    assert refused.value.code == "UnknownOperationException"


@pytest.mark.parametrize(
    "path", ["/builds/detail", "/builds/log", "/builds/events", "/images/contents"]
)
def test_an_image_that_is_not_there_is_not_found(door: Door, path: str) -> None:
    with pytest.raises(Refused, match="cannot be found") as refused:
        list(door().events(path, image=NOBODYS))

    assert refused.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/builds/log", {}, "InvalidRequestException"),
        ("/builds/log", {"image": "a/b/c/d"}, "InvalidParameterValueException"),
        ("/builds/log", {"image": "web", "after": "-1"}, "InvalidParameterValueException"),
        ("/builds/log", {"image": "web", "after": "9" * 30}, "InvalidParameterValueException"),
        ("/builds", {"count": "1001"}, "InvalidParameterValueException"),
        ("/images/export", {"image": "web", "format": "iso"}, "InvalidParameterValueException"),
        ("/images/export", {"image": "web"}, "InvalidRequestException"),
    ],
)
def test_parameters_are_checked(door: Door, path: str, query: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        door().get(path, **query)

    assert refused.value.code == code


@pytest.mark.parametrize("body", [[], "text", {"dryRun": "yes"}])
def test_a_body_that_makes_no_sense_is_refused(door: Door, body: Any) -> None:
    with pytest.raises(Refused) as refused:
        door().post("/layers/prune", body)

    assert refused.value.code == "InvalidRequestException"


@pytest.mark.parametrize("path", ["/layers", "/doctor"])
def test_what_concerns_the_installation_is_for_its_operator_alone(door: Door, path: str) -> None:
    with pytest.raises(Refused, match="is not authorized") as refused:
        door(OTHER).get(path)

    assert refused.value.code == "AccessDeniedException"
    with pytest.raises(Refused, match="imagewright:PruneLayers"):
        door(OTHER).post("/layers/prune", {})


def test_the_server_examines_itself(door: Door) -> None:
    answer = door().get("/doctor")

    assert answer["worst"] in {"ok", "warning", "missing"}
    assert {"platform", "isolation", "left over"} <= {each["what"] for each in answer["findings"]}


def test_a_build_without_reuse_is_checked_as_create_image_is(door: Door) -> None:
    with pytest.raises(Refused, match="infrastructureConfigurationArn"):
        door().post("/builds", {"imageRecipeArn": "x"}, reuse="no")


def test_a_machine_that_is_not_there_cannot_be_terminated(door: Door) -> None:
    assert door().get("/machines") == {"machines": []}
    with pytest.raises(Refused) as refused:
        door().post("/machines/terminate", {"instanceId": "i-0"})

    assert refused.value.code == "ResourceNotFoundException"


def test_a_stopping_server_closes_it_too(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(state=tmp_path / "state")
    key = server.key()
    client = Client(server.url, key.access_key_id, key.secret_access_key, "0" * 12, REGION)
    client.get("/builds")

    assert server.stop() == 0
    assert not (server.state / "server.json").exists()
