"""``imagewright keys``: who may sign requests, while a server runs."""

import json
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.cli.conftest import Run
from tests.conftest import REGION, Server


def test_a_key_works_at_once_and_is_refused_at_once(run: Run, server: Server) -> None:
    made = json.loads(
        run(
            "keys", "create", "--account", "111122223333", "--user", "bea", "--output", "json",
            "--state", server.state,
        ).stdout
    )  # fmt: skip
    sts = boto3.client(
        "sts",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=made["accessKeyId"],
        aws_secret_access_key=made["secretAccessKey"],
    )

    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/bea"
    done = run("keys", "delete", made["accessKeyId"], "--state", server.state)
    assert done.returncode == 0
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_keys_are_listed_without_their_secrets(run: Run, tmp_path: Path) -> None:
    state = tmp_path / "state"
    created = run("keys", "create", "--account", "111122223333", "--state", state)
    key, secret = (line.partition("=")[2] for line in created.stdout.splitlines())

    text = run("keys", "list", "--state", state)
    shown = run("keys", "list", "--output", "json", "--state", state)

    header, line = text.stdout.splitlines()
    assert header.split() == ["KEY", "ACCOUNT", "USER"]
    assert line.split() == [key, "111122223333", "imagewright"]
    assert json.loads(shown.stdout) == [
        {"accessKeyId": key, "account": "111122223333", "user": "imagewright"}
    ]
    assert secret
    assert secret not in text.stdout + shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("delete", "AKIANOBODY"), 4, "there is no access key AKIANOBODY"),
        (("create", "--account", "12"), 2, "twelve digits"),
        (("create", "--account", "111122223333", "--user", "a b"), 2, "not a user name"),
        (("create",), 2, "--account"),
    ],
)
def test_what_cannot_be_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = run("keys", *arguments, "--state", tmp_path / "state")

    assert done.returncode == code
    assert message in done.stderr


@pytest.mark.parametrize("command", [("list",), ("delete", "AKIANOBODY")])
def test_a_damaged_file_of_keys_is_named_by_the_command(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "access-keys.json").write_text("[{]")

    done = run("keys", *command, "--state", state)

    assert done.returncode == 5
    assert "access-keys.json" in done.stderr
    assert "Traceback" not in done.stderr
