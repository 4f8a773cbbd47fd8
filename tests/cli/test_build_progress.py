"""A build on the screen, as plain lines and on a terminal."""

import io
from typing import Any

from rich.console import Console

from imagewright.cli.progress import Progress, showing

WORKFLOW = "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.3/1"
COMPONENT = "arn:aws:imagebuilder:us-east-1:0:component/nginx/1.0.0/1"


def step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "event": "step",
        "stepExecutionId": f"step-{name}",
        "name": name,
        "status": status,
        "startTime": "2026-01-01T00:00:00.000Z",
        **more,
    }


def line(text: str, kind: str = "line", **more: Any) -> dict[str, Any]:
    return {"event": "log", "kind": kind, "text": text, "step_execution": "step-One", **more}


def shown(*events: dict[str, Any], terminal: bool = False, lines: bool = False) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, color_system=None)
    with showing(console, with_lines=lines) as progress:
        for event in events:
            progress.take(event)
    return [text.strip() for text in stream.getvalue().splitlines() if text.strip()]


def test_a_step_that_ends_at_once_has_one_line() -> None:
    assert shown(step("One", "RUNNING"), step("One", "COMPLETED", seconds=0.04)) == [
        "✔ One                                 0.0 s"
    ]


def test_a_step_that_says_something_is_announced_first() -> None:
    assert shown(
        {"event": "workflow", "workflowExecutionId": "wf", "status": "RUNNING", "type": "BUILD",
         "workflowBuildVersionArn": WORKFLOW},
        step("One", "RUNNING"),
        line("Phase build", "note", component=COMPONENT),
        line("hello"),
        line("Reused nginx: unchanged", "note", reused="yes"),
        line("Doing nginx: nothing was made yet", "note", reused="no"),
        step("One", "FAILED", seconds=61.0, message="it broke"),
    ) == [
        "BUILD  build-image/1.0.3/1",
        "▶ One",
        "nginx/1.0.0/1: Phase build",
        "│ hello",
        "↻ nginx: unchanged",
        "✘ One                              1 min 01 s",
        "it broke",
    ]  # fmt: skip


def test_a_step_that_takes_its_time_is_announced_by_a_sign_of_life() -> None:
    assert shown(step("One", "RUNNING"), {"event": "alive"}) == ["▶ One"]


def test_what_is_told_twice_is_shown_once() -> None:
    events = [step("One", "RUNNING"), step("One", "COMPLETED", seconds=1.0)]

    assert len(shown(*events, *events)) == 1


def test_a_waiting_step_says_how_to_answer_it() -> None:
    assert "imagewright runs approve" in shown(step("Ask", "WAITING"))[0]


def test_an_undone_step_is_named_and_one_that_cannot_be_is_not() -> None:
    failed = step("One", "FAILED", seconds=1.0)

    assert shown(failed, {**failed, "rollbackStatus": "SKIPPED"})[1:] == []
    assert shown(failed, {**failed, "rollbackStatus": "COMPLETED"})[1:] == ["One is undone"]


def test_a_hostile_line_cannot_act_upon_the_terminal() -> None:
    [_, seen] = shown(step("One", "RUNNING"), line("10%\r20%\x1b[2J[bold]done[/]"))

    assert seen == "│ 20%\ufffd[2J[bold]done[/]"


def test_a_terminal_keeps_what_ended_and_drops_what_moved() -> None:
    events = [
        step("One", "RUNNING"), line("hello"), step("One", "COMPLETED", seconds=1.0),
    ]  # fmt: skip

    quiet = "\n".join(shown(*events, terminal=True))
    loud = "\n".join(shown(*events, terminal=True, lines=True))

    assert "✔ One" in quiet
    assert "│ hello" not in quiet
    assert "│ hello" in loud


def test_the_last_lines_are_kept_for_a_failure() -> None:
    with showing(Console(file=io.StringIO()), with_lines=False) as progress:
        for number in range(100):
            progress.take(line(str(number)))

    assert progress.last_lines == [str(number) for number in range(80, 100)]


def test_progress_remembers_how_far_the_log_was_told_and_how_it_ended() -> None:
    with showing(Console(file=io.StringIO()), with_lines=False) as progress:
        progress.take({"event": "mark", "next": 17})
        progress.take({"event": "end", "status": "AVAILABLE"})

    assert isinstance(progress, Progress)
    assert progress.place == 17
    assert progress.end == {"event": "end", "status": "AVAILABLE"}


def test_a_piece_of_a_long_line_is_marked() -> None:
    assert shown(line("a" * 9, continues="yes"), line("b")) == ["│ aaaaaaaaa ↩", "│ b"]
