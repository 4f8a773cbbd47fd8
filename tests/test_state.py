import fcntl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from imagewright import files
from imagewright.state import StateDirectory, StateError


def test_a_state_is_private_to_its_owner(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "a" / "state")

    state.prepare()
    state.own_secret()

    assert state.root.stat().st_mode & 0o777 == 0o700
    assert state.secret.stat().st_mode & 0o777 == 0o600


def test_the_secret_of_a_state_stays_the_same(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)

    assert state.own_secret() == state.own_secret()
    assert len(state.own_secret()) == 32


def test_who_asks_while_another_makes_the_secret_gets_that_one(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)

    with ThreadPoolExecutor(1) as pool:
        with files.exclusive(state.secret):
            asked = pool.submit(state.own_secret)
            wait({asked}, timeout=0.5)
            files.write_private(state.secret, b"first")

        assert asked.result() == b"first"


def test_a_state_from_a_newer_release_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("99\n")

    with pytest.raises(StateError, match=r"newer release.*layout 99"):
        StateDirectory(tmp_path).prepare()


@pytest.mark.parametrize("stamp", ["", "one", "1.5"])
def test_a_directory_that_is_no_state_is_left_alone(tmp_path: Path, stamp: str) -> None:
    (tmp_path / "VERSION").write_text(stamp)

    with pytest.raises(StateError, match=r"is .* a state directory"):
        StateDirectory(tmp_path).prepare()


def test_a_file_in_the_way_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(StateError, match="--state"):
        StateDirectory(tmp_path / "state").prepare()


def test_one_server_at_a_time_holds_a_state(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    state.prepare()

    with state.lock():
        state.announce("http://127.0.0.1:1234", "123456789012", "eu-west-1")
        with pytest.raises(StateError, match=r"http://127\.0\.0\.1:1234"), state.lock():
            pytest.fail("two servers on one state")
        running = state.running_server()

    assert running is not None
    assert (running.url, running.account, running.region) == (
        "http://127.0.0.1:1234",
        "123456789012",
        "eu-west-1",
    )
    assert state.running_server() is None


def test_two_who_ask_at_once_whether_a_server_runs_are_none(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    state.prepare()
    with state.lock():
        pass
    (tmp_path / "server.json").write_text(
        '{"url": "http://127.0.0.1:1", "pid": 1, "account": "1", "region": "r", "is_lasting": true}'
    )

    with (tmp_path / "server.lock").open("a") as other:  # left by a server that was killed
        fcntl.flock(other.fileno(), fcntl.LOCK_SH)
        found = state.running_server()

    assert found is None


def test_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    state.prepare()
    script = (
        "import sys, pathlib; from imagewright.state import StateDirectory\n"
        "with StateDirectory(pathlib.Path(sys.argv[1])).lock():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        state.announce("http://127.0.0.1:1234", "123456789012", "eu-west-1")
        with pytest.raises(StateError), state.lock():
            pytest.fail("two servers on one state")
        holder.kill()

    with state.lock():
        assert state.running_server() is None
