"""The log of a build: all that was said, or a word that it is not all."""

from pathlib import Path
from typing import Any

import pytest

from imagewright.clock import SystemClock
from imagewright.logs.builds import OPEN_MAX, TEXT_MAX, BuildLogs, StepLog

ARN = "arn:aws:imagebuilder:us-east-1:000000000000:image/web/1.0.0/1"


@pytest.fixture
def logs(tmp_path: Path) -> BuildLogs:
    return BuildLogs(tmp_path, SystemClock(), bytes_max=100_000)


def entries(logs: BuildLogs) -> list[dict[str, Any]]:
    return logs.read(ARN)[0]


@pytest.mark.parametrize("size", [0, 1, TEXT_MAX, TEXT_MAX + 1, 3 * TEXT_MAX, 50_000])
def test_a_line_of_any_length_is_written_whole(logs: BuildLogs, size: int) -> None:
    text = ("é漢🎉\x00x" * size)[:size]

    StepLog(logs, ARN, step="One").line("stdout", text)

    pieces = entries(logs)
    assert "".join(piece["text"] for piece in pieces) == text
    assert [piece.get("continues") for piece in pieces] == ["yes"] * (len(pieces) - 1) + [None]
    assert {(piece["step"], piece["stream"]) for piece in pieces} == {("One", "stdout")}


def test_a_piece_of_a_longer_line_is_marked(logs: BuildLogs) -> None:
    log = StepLog(logs, ARN)

    log.line("stdout", "a" * (TEXT_MAX + 1), continues=True)
    log.line("stdout", "b")

    assert [(e["text"][0], e.get("continues")) for e in entries(logs)] == [
        ("a", "yes"),
        ("a", "yes"),
        ("b", None),
    ]


def test_a_log_that_is_full_says_so_once_and_takes_notes_only(logs: BuildLogs) -> None:
    log = StepLog(logs, ARN)

    for _ in range(100):
        log.line("stdout", "x" * 10_000)
    log.note("Step S failed: exit status 1")

    *lines, full, note = entries(logs)
    assert {entry["kind"] for entry in lines} == {"line"}
    assert 9 <= len(lines) <= 11
    assert full["text"].startswith("The log has 100,000 bytes, as many as it may: output from here")
    assert note["text"] == "Step S failed: exit status 1"


def test_more_builds_may_write_at_once_than_logs_are_kept_open(logs: BuildLogs) -> None:
    builds = [ARN.replace("/1.0.0/1", f"/1.0.0/{number}") for number in range(1, OPEN_MAX + 3)]

    for text in ("first", "second"):
        for arn in builds:
            StepLog(logs, arn).note(text)

    for arn in builds:
        assert [entry["text"] for entry in logs.read(arn)[0]] == ["first", "second"]


def test_what_is_written_after_a_log_was_deleted_begins_a_new_one(logs: BuildLogs) -> None:
    StepLog(logs, ARN).note("old")

    logs.delete(ARN)
    StepLog(logs, ARN).note("new")

    assert [entry["text"] for entry in entries(logs)] == ["new"]
