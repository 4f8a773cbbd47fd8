"""The one door to other programs."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.conftest import at_best_within, wait_until

from imagewright.process import (
    Cancelled,
    CommandFailed,
    LineSplitter,
    ProgramMissing,
    TimedOut,
    run,
)


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_output_and_exit_code_come_back() -> None:
    script = "echo out; echo err >&2; cat; exit 3"
    done = run(sh(script), timeout_seconds=60, stdin=b"in", check=False)

    assert (done.code, done.stdout, done.stderr) == (3, b"out\nin", b"err\n")


def test_the_environment_is_only_what_was_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "yes")

    done = run(["/usr/bin/env"], timeout_seconds=60, env={"GIVEN": "1"})

    assert done.stdout == b"GIVEN=1\n"


def test_lines_are_handed_over_while_the_program_runs(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    def take(stream: str, line: str, _continues: bool) -> None:
        seen.append((stream, line))
        (tmp_path / line).touch()

    script = "echo first; until [ -e first ]; do sleep 0.01; done; echo last >&2"
    run(sh(script), timeout_seconds=30, cwd=tmp_path, on_line=take)

    assert seen == [("stdout", "first"), ("stderr", "last")]


def test_a_failure_keeps_the_last_lines_and_a_command_to_paste() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(sh("seq 100; echo 'it broke' >&2; exit 2"), timeout_seconds=60)

    message = str(caught.value)
    assert message.startswith("sh exited 2 after 0.")
    assert "\n  it broke\n" in message
    assert message.count("\n") == 21  # twenty lines, and the replay
    assert message.endswith("\n  replay: sh -c 'seq 100; echo '\"'\"'it broke'\"'\"' >&2; exit 2'")


def test_a_program_ended_by_a_signal_gives_128_and_its_number() -> None:
    assert run(sh("kill -9 $$"), timeout_seconds=60, check=False).code == 137


def test_a_missing_program_is_told_apart_from_a_failing_one(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="no-such-program is not installed"):
        run(["no-such-program"], timeout_seconds=60)
    with pytest.raises(CommandFailed, match="no such directory"):
        run(["true"], timeout_seconds=60, cwd=tmp_path / "absent")
    with pytest.raises(CommandFailed, match="Permission denied"):
        run([str(tmp_path)], timeout_seconds=60)


def sleepers() -> list[str]:
    """Name what sleeps for as long as these tests alone ask for: others of the host may sleep."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_bytes()
        except OSError:
            continue
        if re.fullmatch(rb"sleep\x005[0-9]\.0625\x00", text):
            found.append(text.decode())
    return found


def test_running_out_of_time_ends_the_whole_tree() -> None:
    def seconds_to_the_end() -> float:
        started = time.monotonic()
        with pytest.raises(TimedOut, match=r"took longer than 0\.3 s"):
            run(
                sh("trap '' TERM; sleep 52.0625 & sleep 53.0625 & echo up; wait; wait"),
                timeout_seconds=0.3,
            )
        return time.monotonic() - started

    at_best_within(2, seconds_to_the_end)
    wait_until(lambda: not sleepers())


def test_cancelling_ends_the_whole_tree() -> None:
    cancel = threading.Event()

    with pytest.raises(Cancelled, match="was cancelled"):
        run(
            sh("setsid sleep 51.0625 & sleep 53.0625 & echo up; wait"),
            timeout_seconds=30, cancel=cancel,
            on_line=lambda _stream, _line, _continues: cancel.set(),
        )  # fmt: skip

    wait_until(lambda: not sleepers())


def test_a_reader_that_fails_ends_the_program() -> None:
    def fail(_stream: str, _line: str, _continues: bool) -> None:
        raise RuntimeError("no room in the log")

    with pytest.raises(RuntimeError, match="no room"):
        run(sh("echo x; sleep 54.0625"), timeout_seconds=30, on_line=fail)

    wait_until(lambda: not sleepers())


def test_a_child_left_with_the_output_open_is_not_waited_for() -> None:
    def seconds_to_the_end() -> float:
        started = time.monotonic()
        done = run(sh("sleep 60 & echo $!"), timeout_seconds=30)
        ended = time.monotonic()
        os.kill(int(done.stdout), signal.SIGKILL)
        return ended - started

    at_best_within(2, seconds_to_the_end)


def test_a_flood_is_cut_to_its_end_and_a_large_input_is_no_deadlock() -> None:
    flood = run(
        [sys.executable, "-c", "import sys; sys.stdout.write('x' * 20_000_000 + 'end')"],
        timeout_seconds=30,
    )
    echoed = run(["cat"], timeout_seconds=30, stdin=b"y" * 3_000_000)

    assert len(flood.stdout) < 9_000_000
    assert flood.stdout.endswith(b"xend")
    assert echoed.stdout == b"y" * 3_000_000


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b"one\ntwo\n"], ["one\n", "two\n"]),
        ([b"on", b"e\nt", b"wo"], ["one\n", "two\n"]),
        ([b"\n\n"], ["\n", "\n"]),
        ([b"caf\xc3", b"\xa9\n"], ["café\n"]),
        ([b"\xff\n"], ["\ufffd\n"]),
        ([b"a\r\nb\r"], ["a\r\n", "b\r\n"]),
        ([b"x" * 65_536, b"\n"], ["x" * 65_536 + "\n"]),
        ([b"x" * 65_536 + b"y"], ["x" * 65_536, "y\n"]),
        ([b"x" * 65_537 + b"\ny\n"], ["x" * 65_536, "x\n", "y\n"]),
        ([b"x" * 65_535 + "é\n".encode()], ["x" * 65_535, "é\n"]),
        ([b"\x80" * 65_537], ["\ufffd" * 65_536, "\ufffd\n"]),
    ],
)
def test_bytes_become_lines_and_a_long_one_pieces(chunks: list[bytes], lines: list[str]) -> None:
    found: list[str] = []
    splitter = LineSplitter(lambda text, continues: found.append(text + "\n" * (not continues)))

    for chunk in chunks:
        splitter.feed(chunk)
    splitter.finish()

    assert found == lines
