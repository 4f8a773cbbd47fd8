"""``imagewright keyring``: the local keys that seal documents, while a server runs."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.cli.conftest import Run
from tests.conftest import StartServer

DOCUMENT = "schemaVersion: 1.0\nsteps: [{name: Wait, action: WaitForAction}]\n"


def test_a_disabled_key_opens_nothing_until_it_is_enabled(serve: StartServer, run: Run) -> None:
    """CRT-07, CRT-08."""
    server = serve()
    client = server.client()
    arn = client.create_workflow(
        name="sealed",
        semanticVersion="1.0.0",
        type="TEST",
        data=DOCUMENT,
        kmsKeyId="alias/mine",
        clientToken="t-sealed",
    )["workflowBuildVersionArn"]

    assert run("keyring", "disable", "alias/mine", "--state", server.state).returncode == 0
    with pytest.raises(ClientError, match="'alias/mine' is disabled"):
        client.get_workflow(workflowBuildVersionArn=arn)
    listed = run("keyring", "list", "--state", server.state)
    assert listed.stdout == "STATE     KEY\ndisabled  alias/mine\n"

    assert run("keyring", "enable", "alias/mine", "--state", server.state).returncode == 0
    found = client.get_workflow(workflowBuildVersionArn=arn)["workflow"]
    assert found["data"] == DOCUMENT
    listed = run("keyring", "list", "--output", "json", "--state", server.state)
    assert json.loads(listed.stdout) == [{"kmsKeyId": "alias/mine", "enabled": True}]


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_an_unknown_key_is_refused(run: Run, tmp_path: Path, command: str) -> None:
    done = run("keyring", command, "alias/none", "--state", tmp_path / "state")

    assert done.returncode == 4
    assert "the keyring has no key alias/none" in done.stderr


@pytest.mark.parametrize("command", [("list",), ("disable", "alias/mine")])
def test_a_damaged_keyring_is_named(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "keyring.json").write_text("{")

    done = run("keyring", *command, "--state", state)

    assert done.returncode == 5
    assert "keyring.json cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
