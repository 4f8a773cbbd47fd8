"""``imagewright env``: what it prints works, and the user's own AWS settings stay as they were."""

import subprocess
from pathlib import Path

import boto3
import pytest
from tests.cli.conftest import Run
from tests.conftest import Server, StartServer

OURS = b"# >>> imagewright"


@pytest.fixture
def config(home: Path) -> Path:
    """Return the user's AWS configuration, which is not there yet."""
    return home / ".aws" / "config"


def test_the_shell_form_lets_boto3_in(run: Run, server: Server) -> None:
    done = run("env", "--state", server.state)

    shell = subprocess.run(
        ["bash", "-c", f"{done.stdout}\nenv -0"],
        env={"AWS_SESSION_TOKEN": "of another day"},
        capture_output=True,
        check=True,
    )
    shown = dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if line)
    assert "AWS_SESSION_TOKEN" not in shown
    assert shown["AWS_ENDPOINT_URL_IMAGEBUILDER"] == server.url
    assert shown["AWS_REGION"] == shown["AWS_DEFAULT_REGION"] == "us-east-1"
    identity = boto3.client(
        "sts",
        endpoint_url=shown["AWS_ENDPOINT_URL_STS"],
        region_name=shown["AWS_REGION"],
        aws_access_key_id=shown["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=shown["AWS_SECRET_ACCESS_KEY"],
    ).get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:user/imagewright"


def test_the_account_and_region_are_those_of_the_server(serve: StartServer, run: Run) -> None:
    server = serve("--account", "123456789012", "--region", "eu-west-1")

    done = run("env", "--state", server.state)

    assert "export AWS_REGION=eu-west-1" in done.stdout
    assert f"AWS_ACCESS_KEY_ID={server.key('123456789012').access_key_id}" in done.stdout


def test_the_profile_lets_boto3_in(
    run: Run, server: Server, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("env", "--format", "profile", "--state", server.state)

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "export AWS_PROFILE=imagewright\n",
        "",
    )
    assert config.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    session = boto3.session.Session(profile_name="imagewright")
    assert session.client("sts").get_caller_identity()["Account"] == "000000000000"
    assert session.client("imagebuilder").list_workflows(owner="Amazon")["workflowVersionList"]


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param(b"[default]\r\nregion = eu-north-1\r\n", id="lines of Windows"),
        pytest.param(b"# caf\xe9\n[profile work]\nrole_arn=x\n", id="not UTF-8"),
        pytest.param(b"\n\n[default]\nregion=x\n\n\n", id="empty lines"),
        pytest.param(b"", id="empty"),
    ],
)
def test_not_a_byte_of_the_users_configuration_changes(
    run: Run, server: Server, config: Path, theirs: bytes
) -> None:
    config.parent.mkdir()
    config.write_bytes(theirs)

    run("env", "--format", "profile", "--state", server.state)
    once = config.read_bytes()
    config.write_bytes(once + b"[profile later]\n")
    run("env", "--format", "profile", "--state", server.state)

    assert once.startswith(theirs + OURS)
    assert once.count(OURS) == 1
    assert config.read_bytes() == once + b"[profile later]\n"
    assert not (config.parent / "credentials").exists()


def test_a_last_line_without_an_end_gets_one(run: Run, server: Server, config: Path) -> None:
    config.parent.mkdir()
    config.write_bytes(b"[default]\nregion = x")

    run("env", "--format", "profile", "--state", server.state)

    assert config.read_bytes().startswith(b"[default]\nregion = x\n" + OURS)


def test_a_link_to_the_configuration_stays_a_link(
    run: Run, server: Server, config: Path, home: Path
) -> None:
    config.parent.mkdir()
    (home / "dotfiles").touch()
    config.symlink_to(home / "dotfiles")

    run("env", "--format", "profile", "--state", server.state)

    assert config.is_symlink()
    assert OURS in (home / "dotfiles").read_bytes()


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (b"[profile imagewright]\nregion = x\n", "[profile imagewright] of your own"),
        (b"[services imagewright]\n", "[services imagewright] of your own"),
        (OURS + b": written by `imagewright env --format profile` >>>\n", "but not its last"),
    ],
)
def test_what_is_in_the_way_is_told_and_left_alone(
    run: Run, server: Server, config: Path, theirs: bytes, message: str
) -> None:
    config.parent.mkdir()
    config.write_bytes(theirs)

    done = run("env", "--format", "profile", "--state", server.state)

    assert done.returncode == 4
    assert message in done.stderr
    assert config.read_bytes() == theirs


def test_a_folder_in_the_way_is_told(run: Run, server: Server, config: Path) -> None:
    config.mkdir(parents=True)

    done = run("env", "--format", "profile", "--state", server.state)

    assert (done.returncode, "Is a directory" in done.stderr) == (1, True)


def test_a_key_in_the_shell_would_win_and_is_named(run: Run, server: Server) -> None:
    done = run(
        "env", "--format", "profile", "--state", server.state,
        environment={"AWS_ACCESS_KEY_ID": "AKIAOTHER"},
    )  # fmt: skip

    assert done.returncode == 0
    assert "AWS_ACCESS_KEY_ID is set in this shell" in done.stderr


def test_terraform_gets_a_provider_block(run: Run, server: Server) -> None:
    done = run("env", "--format", "terraform", "--state", server.state)

    assert done.stdout.startswith('provider "aws" {\n')
    assert done.stdout.count(f'= "{server.url}"') == 2
    assert f'access_key                  = "{server.key().access_key_id}"' in done.stdout


def test_without_a_server_there_is_nothing_to_talk_to(run: Run, tmp_path: Path) -> None:
    done = run("env", "--state", tmp_path / "state")

    assert (done.returncode, done.stdout) == (3, "")
    assert "start one with: imagewright serve" in done.stderr
