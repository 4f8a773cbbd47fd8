"""``imagewright serve``: starting, refusing to start, stopping."""

import os
import signal
import socket
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.conftest import StartServer


def test_the_one_line_says_where_it_answers(serve: StartServer) -> None:
    server = serve()

    assert server.url.startswith("http://127.0.0.1:")
    assert server.client().list_workflows(owner="Self")["workflowVersionList"] == []


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_ends_well_and_leaves_no_address(
    serve: StartServer, stop: signal.Signals
) -> None:
    server = serve()

    assert server.stop(stop) == 0
    assert not (server.state / "server.json").exists()


def test_a_state_serves_one_server_at_a_time(serve: StartServer, run: Run) -> None:
    server = serve()

    done = run("serve", "--state", server.state, "--port", "0")

    assert done.returncode == 5
    assert f"already runs on the state {server.state} at {server.url}" in done.stderr


def test_a_killed_server_is_followed_by_another(serve: StartServer) -> None:
    killed = serve()
    created = killed.client().create_workflow(
        name="kept", semanticVersion="1.0.0", type="TEST", data=DOCUMENT, clientToken="t-kept"
    )
    killed.stop(signal.SIGKILL)

    server = serve(state=killed.state)

    arn = created["workflowBuildVersionArn"]
    found = server.client().get_workflow(workflowBuildVersionArn=arn)
    assert found["workflow"]["data"] == DOCUMENT


def test_a_full_disk_under_its_log_fails_no_request(serve: StartServer, tmp_path: Path) -> None:
    (tmp_path / "state.log").symlink_to("/dev/full")
    client = serve("--verbose").client()

    for _ in range(3):
        assert client.list_workflows(owner="Self")["workflowVersionList"] == []


def test_a_taken_port_is_told_with_a_way_out(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--state", tmp_path / "state", "--port", str(port))

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr
    assert "--port 0" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104
def test_without_signatures_it_listens_on_loopback_alone(
    run: Run, tmp_path: Path, host: str
) -> None:
    done = run("serve", "--state", tmp_path / "state", "--auth", "none", "--host", host)

    assert done.returncode == 2
    assert f"--auth none is refused on {host}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("--auth", "maybe"), {}, "auth: "),
        (("--account", "12"), {}, "account: "),
        (("--region", "Mars"), {}, "a region looks like"),
        ((), {"IMAGEWRIGHT_HANDLER_THREADS": "many"}, "handler_threads: "),
        ((), {"IMAGEWRIGHT_QUOTAS_WORKFLOWS": "-1"}, "quotas.workflows: "),
    ],
)
def test_a_wrong_setting_is_named(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    done = run("serve", "--state", tmp_path / "state", *arguments, environment=environment)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "message"), [("auth = [", "cannot be read"), ("colour = 'red'\n", "colour: ")]
)
def test_a_wrong_file_of_settings_is_named(
    run: Run, tmp_path: Path, content: str, message: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "settings.toml").write_text(content)

    done = run("serve", "--state", state)

    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ("access-keys.json", "access-keys.json cannot be read"),
        ("VERSION", "VERSION does not hold a version number"),
        ("imagewright.db", "The database cannot be read: file is not a database"),
    ],
)
def test_a_damaged_state_is_refused_by_name(
    run: Run, tmp_path: Path, damaged: str, message: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / damaged).write_text("no such thing " * 100)

    done = run("serve", "--state", state, "--port", "0")

    assert done.returncode == 5
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_one_may_not_write_is_refused_by_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)

    done = run("serve", "--state", tmp_path / "locked" / "state")

    assert done.returncode == 5
    assert "cannot be used: Permission denied" in done.stderr


DOCUMENT = """\
schemaVersion: 1.0
steps:
  - name: Wait
    action: WaitForAction
"""
