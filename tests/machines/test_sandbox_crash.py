"""SIGKILL: nothing goes on running, nothing stays mounted, and the reaper frees the rest."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import wait_until
from tests.machines.lab import Lab, sh

from imagewright.machines.ledger import end_process, identity_of
from imagewright.machines.machine import MachineError
from imagewright.process import descendants
from imagewright.store import layers

_ROOT = Path(__file__).parents[2]


@contextmanager
def crashing(state: Path, what: str) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.machines.crashing", str(state), what],
        stdout=subprocess.PIPE, text=True, cwd=_ROOT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    assert any(word in line for line in process.stdout), f"ended before it said {word!r}"


def mounts_of(state: Path) -> list[str]:
    text = Path("/proc/self/mountinfo").read_text()
    return [line for line in text.splitlines() if str(state) in line]


def running(word: str) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in text:
            found.append(text)
    return found


def is_alive(pid: int) -> bool:
    try:
        identity_of(pid)
    except ProcessLookupError:
        return False
    return True


def test_everything_ends_with_the_process_that_held_the_machine(state: Path) -> None:
    with crashing(state, "machine") as process:
        read_until(process, "ready")
        pids = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()

    wait_until(lambda: not running("sleep 1234") and not running("sleep 4321"))
    assert len(pids) >= 4
    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    assert mounts_of(state) == []


def test_the_reaper_frees_what_a_crash_left_and_the_layers_stay(state: Path) -> None:
    with crashing(state, "machine") as process:
        read_until(process, "ready")
        process.send_signal(signal.SIGKILL)
        process.wait()
    lab = Lab(state)
    left = lab.ledger.entries()

    freed = lab.reap()

    assert {entry.kind for entry in left} == {"process", "directory"}
    assert len(freed) == len(left)
    assert lab.ledger.entries() == []
    with lab.database.connect() as connection:
        rows = layers.everything(connection)
    assert lab.directories() == {row.directory for row in rows}
    assert sh(lab.launch(rows[-1].id), "ls /half-written")[0] == 1
    lab.close()


def test_the_reaper_leaves_alone_what_is_in_use(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)

    assert lab.reap() == []
    assert sh(machine, "echo fine") == (0, "fine")
    machine.terminate()


def test_a_base_that_died_half_way_is_swept_away_and_made_again(state: Path) -> None:
    with crashing(state, "base") as process:
        read_until(process, "downloading packages")
        pids = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))

    lab = Lab(state)
    freed = lab.reap()

    assert any("base slow" in name for name in freed)
    assert lab.ledger.entries() == []
    assert lab.bases.layer("tiny")
    lab.close()


def test_a_killed_keeper_is_an_error_and_not_a_hang(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)
    end_process(identity_of(machine.pid))

    with pytest.raises(MachineError, match="ended"):
        sh(machine, "true")
    machine.terminate()

    assert [e for e in lab.ledger.entries() if e.owner == machine.id] == []
