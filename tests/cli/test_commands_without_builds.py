"""Commands on a state where nothing was built: with a server, and without one."""

import json
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run, run_program
from tests.conftest import Server, StartServer

from imagewright import examples
from imagewright.state import StateDirectory

EMPTY = [
    (["runs", "list"], "no builds yet\n"),
    (["images", "list"], "no images yet\n"),
    (["machines", "list"], "no machines\n"),
    (["keys", "list"], "no keys yet; `serve` makes the first\n"),
    (["keyring", "list"], "no key was used yet\n"),
]

SMALL = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Say, action: ExecuteBash, inputs: {commands: [echo hi]}}
"""


@pytest.mark.parametrize(("command", "told"), EMPTY)
def test_lists_say_that_they_are_empty(
    run: Run, tmp_path: Path, command: list[str], told: str
) -> None:
    state = tmp_path / "state"

    text = run(*command, "--state", state)
    shown = run(*command, "--state", state, "--output", "json")

    assert (text.returncode, text.stdout, text.stderr) == (0, told, "")
    assert json.loads(shown.stdout) == []


@pytest.mark.parametrize("command", [each[0] for each in EMPTY])
def test_a_running_server_is_asked(run: Run, server: Server, command: list[str]) -> None:
    done = run(*command, "--state", server.state)

    assert done.returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ["runs", "show", "nothing"],
        ["runs", "follow", "nothing"],
        ["runs", "logs", "nothing"],
        ["runs", "cancel", "nothing"],
        ["runs", "approve", "nothing"],
        ["images", "show"],
        ["images", "export", "nothing", "--to", "nowhere"],
        ["machines", "terminate", "i-0"],
    ],
)
def test_what_is_not_there_is_said_with_its_own_exit_code(
    run: Run, server: Server, command: list[str], tmp_path: Path
) -> None:
    done = run(*command, "--state", server.state)

    assert done.returncode == 4
    assert "cannot be found" in done.stderr
    assert f"help: imagewright {command[0]} list" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_commands_own_server_ends_with_it(run: Run, tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")

    run("runs", "list", "--state", state.root)

    assert state.running_server() is None
    assert not state.server.exists()


def test_pruning_says_what_there_is(run: Run, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("layers need Linux")
    done = run("prune", "--dry-run", "--state", tmp_path / "state", "--output", "json")

    answer = json.loads(done.stdout)
    assert (answer["dryRun"], answer["layers"], answer["usage"]["count"]) == (True, [], 0)


def test_the_doctor_makes_no_state(run: Run, tmp_path: Path) -> None:
    state = tmp_path / "state"

    done = run("doctor", "--state", state, "--output", "json")

    answer = json.loads(done.stdout)
    assert answer["server"] is None
    assert answer["findings"][0]["what"] == "platform"
    missing = [each for each in answer["findings"] if each["grade"] == "missing"]
    assert done.returncode == (1 if missing else 0)
    assert not state.exists()


def test_the_doctor_asks_a_running_server(run: Run, server: Server) -> None:
    done = run("doctor", "--state", server.state)

    assert f"({server.url})" in done.stdout
    assert "left over" in done.stdout


RECIPE = "name: web\nparentImage: debian-12\n"
TREE = Path(examples.__file__).with_name("tree.yaml")


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (None, 2, "No such file"),
        ("parentImge: debian-12\n", 1, "did you mean `parentImage`?"),
        (f"{RECIPE}components: [gone.yaml]\n", 2, "gone.yaml: No such file"),
        (f"{RECIPE}components: [gone.yaml]\n", 2, "recipe.yaml:3:14"),
        (f"{RECIPE}components: ['']\n", 2, "this is a folder, not a file"),
        (f"{RECIPE}components: [recipe.yaml]\n", 1, "neither a workflow document nor"),
        (f"{RECIPE}workflows: [{TREE}]\n", 1, "a component document, not a workflow document"),
    ],
)
def test_a_recipe_file_is_checked_before_anything_starts(
    run: Run, tmp_path: Path, content: str | None, code: int, told: str
) -> None:
    file = tmp_path / "recipe.yaml"
    if content is not None:
        file.write_text(content)

    done = run("build", file, "--state", tmp_path / "state")

    assert done.returncode == code
    assert told in done.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "command", ["build", "images", "runs", "machines", "prune", "doctor", "demo"]
)
def test_help_teaches_with_an_example(run: Run, command: str) -> None:
    done = run(command, "--help")

    assert done.returncode == 0
    assert "imagewright" in done.stdout


def test_a_name_cannot_act_upon_the_terminal(run: Run, server: Server) -> None:
    done = run("runs", "show", "a\x1b[31mb", "--state", server.state)

    assert done.returncode == 4
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("command", [["runs", "list"], ["env"], ["doctor"], ["keys", "list"]])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_trouble(
    run: Run, server: Server, command: list[str], closed: str, tmp_path: Path
) -> None:
    line = f'exec "$@" {closed}'

    done = run_program(
        ["sh", "-c", line, "sh", sys.executable, "-m", "imagewright", *command],
        tmp_path,
        folder=tmp_path,
        environment={"IMAGEWRIGHT_STATE": str(server.state)},
    )

    assert done.returncode == run(*command, "--state", server.state).returncode
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", [["runs", "list"], ["env"], ["doctor"]])
def test_output_that_cannot_be_written_is_told(
    server: Server, command: list[str], tmp_path: Path
) -> None:
    done = run_program(
        ["sh", "-c", 'exec "$@" > /dev/full', "sh", sys.executable, "-m", "imagewright", *command],
        tmp_path,
        folder=tmp_path,
        environment={"IMAGEWRIGHT_STATE": str(server.state)},
    )

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no ulimit here")
@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param(
            ["component", "run", "-d", "{}"],
            '"failureMessage": "The database cannot be written',
            id="component run, as JSON",
        ),
        pytest.param(
            ["component", "test", "{}"],
            "error: The database cannot be written",
            id="component test",
        ),
    ],
)
def test_a_state_without_room_is_told_by_what_runs_components(
    command: list[str], told: str, tmp_path: Path
) -> None:
    """No file may grow beyond 128 blocks here, which is as on a full disk."""
    (tmp_path / "any.yaml").write_text(SMALL)
    given = [each.format("any.yaml") for each in command]
    limited = 'ulimit -f 128; exec "$@"'

    done = run_program(
        ["sh", "-c", limited, "sh", sys.executable, "-m", "imagewright", *given],
        tmp_path,
        folder=tmp_path,
        environment={"IMAGEWRIGHT_STATE": str(tmp_path / "state")},
    )

    assert done.returncode == 1
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_waits_where_it_asks_too_often(run: Run, serve: StartServer) -> None:
    """ERR-10: as the SDKs do."""
    state = serve(environment={"IMAGEWRIGHT_REQUESTS_PER_SECOND": "0.2"}).state

    told = [run("runs", "list", "--state", state) for _ in range(2)]

    assert [each.stderr for each in told] == ["", ""]
    assert [each.stdout for each in told] == ["no builds yet\n"] * 2
