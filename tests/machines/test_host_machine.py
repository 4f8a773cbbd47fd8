"""The host as a machine: only with what stays in a folder of the test's own."""

import threading
import time
from pathlib import Path

import pytest
from tests.conftest import at_best_within
from tests.machines.lab import run, sh

from imagewright.machines.host import HostMachine, RestartDue
from imagewright.machines.machine import Line, MachineError, Scratch

TREE = "trap '' TERM; (sleep 162 &); sleep 163 & echo up; wait"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(["true"], 0, id="success"),
        pytest.param(["sh", "-c", "exit 41"], 41, id="failure"),
        pytest.param(["sh", "-c", "kill -9 $$"], 137, id="a signal"),
        pytest.param(["no-such-program"], 127, id="no such program"),
        pytest.param(["/etc/passwd"], 126, id="not executable"),
    ],
)
def test_the_exit_code_is_what_a_shell_would_give(argv: list[str], code: int) -> None:
    result = run(HostMachine(), argv)

    assert (result.code, result.reason) == (code, "exited")


def test_commands_inherit_the_environment_and_may_add_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "kept")

    said = sh(HostMachine(), "echo $MINE $MORE; pwd", env={"MORE": "x"}, cwd=str(tmp_path))

    assert said == (0, f"kept x\n{tmp_path}")


def test_output_arrives_as_lines_and_long_ones_in_pieces() -> None:
    lines: list[Line] = []

    run(HostMachine(), ["sh", "-c", "echo one >&2; yes x | tr -d '\\n' | head -c 100000"],
        on_line=lines.append)  # fmt: skip

    assert lines[0] == Line("stderr", "one")
    assert sum(len(line.text) for line in lines[1:]) == 100_000
    assert [line.continues for line in lines[1:]] == [True, False]


def test_a_command_whose_time_is_up_may_clear_up_behind_itself(tmp_path: Path) -> None:
    """component-documents.md §4.2."""
    script = "trap 'sleep 1; touch cleared; exit 3' TERM; while :; do sleep 0.05; done"

    result = run(HostMachine(), ["sh", "-c", script], timeout_seconds=2, cwd=str(tmp_path))

    assert result.reason == "timed out"
    assert (tmp_path / "cleared").exists()
    assert result.seconds - 2 < 9


def test_cancelling_ends_the_whole_process_tree_within_a_second() -> None:
    def seconds_after_it_was_asked() -> float:
        cancel = threading.Event()
        asked_at: list[float] = []

        def ask(_line: Line) -> None:
            asked_at.append(time.monotonic())
            cancel.set()

        result = run(HostMachine(), ["sh", "-c", TREE], cancel=cancel, on_line=ask)

        ended_at = time.monotonic()
        assert result.reason == "cancelled"
        left = sh(HostMachine(), "ps -e -o args")[1].splitlines()
        assert {"sleep 162", "sleep 163"}.isdisjoint(left)
        return ended_at - asked_at[0]

    at_best_within(1, seconds_after_it_was_asked)


def test_files_go_in_and_come_out(tmp_path: Path) -> None:
    file, machine = tmp_path / "new/file", HostMachine()

    machine.put_file(str(file), b"a long text", mode=0o640)
    machine.put_file(str(file), b"short", mode=0o640)

    assert machine.get_file(str(file)) == b"short"
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/nowhere/x", "No such file"), ("/etc", "not a regular"), ("etc", "absolute")],
)
def test_a_file_that_cannot_be_read_says_why(path: str, reason: str) -> None:
    with pytest.raises(MachineError, match=reason):
        HostMachine().get_file(path)


@pytest.mark.parametrize(
    ("script", "code", "note"),
    [
        ("true", 0, ""),
        ("echo why >note; exit 3", 3, "why\n"),
        ("touch x; mkdir d; false", 1, ""),
    ],
)
def test_a_scratch_folder_is_there_for_the_time_of_its_command(
    tmp_path: Path, script: str, code: int, note: str
) -> None:
    """As with the other drivers."""
    folder = tmp_path / "new/scratch"
    scratch = Scratch(folder=str(folder), files={"a": "one\ntwo\n"})
    said: list[str] = []

    ended = run(HostMachine(), ["sh", "-c", f"cd {folder}; stat -c %a .; cat a; {script}"],
        on_line=lambda line: said.append(line.text), scratch=scratch)  # fmt: skip

    assert said == ["700", "one", "two"]
    assert (ended.code, ended.note) == (code, note)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_scratch_folder_that_is_there_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    said: list[str] = []

    ended = run(HostMachine(), ["echo", "never"], on_line=lambda line: said.append(line.text),
        scratch=Scratch(folder=str(tmp_path), files={}))  # fmt: skip

    assert (ended.code, said) == (1, [f"{tmp_path}: File exists"])
    assert (tmp_path / "mine").exists()


def test_it_runs_nothing_as_another_user() -> None:
    with pytest.raises(MachineError, match="not as web: use a sandbox"):
        run(HostMachine(), ["true"], user="web")


def test_it_is_never_restarted_and_makes_no_layers() -> None:
    with pytest.raises(RestartDue):
        HostMachine().reboot()
    with pytest.raises(MachineError, match="makes no layers"):
        HostMachine().commit()
