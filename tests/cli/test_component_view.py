"""What a terminal shows of a run while it goes on."""

from io import StringIO
from threading import Thread

import pytest
from rich.console import Console

from imagewright.cli.component_view import RunView
from imagewright.runner.reporting import InDocument, OutputLine, StepEnded, StepStarted
from imagewright.runner.status import StepStatus


def test_what_others_wrote_is_no_markup_and_does_not_act_upon_the_terminal() -> None:
    terminal = StringIO()
    console = Console(force_terminal=True, file=terminal)
    status = console.status("starting")
    view = RunView(console, status)

    view.wait("waiting for a change of [/x]")
    view.progress("pulling a[/b]", "[red]\x1b[2J")
    console.print(status.renderable)

    assert "pulling a[/b]: [red]" in terminal.getvalue()
    assert "\x1b[2J" not in terminal.getvalue()


def test_of_a_document_within_only_the_output_is_shown() -> None:
    """The step that executes it stays the one that is named, and the one that ends."""
    terminal = StringIO()
    console = Console(force_terminal=True, file=terminal, width=80)
    status = console.status("starting")
    view = RunView(console, status)
    ended = StepEnded("test", "Two", "ExecuteBash", StepStatus.SUCCESS, 0.1, "")

    view.take("a.yaml", StepStarted("build", "One", "ExecuteDocument", 1, 1))
    for inner in (OutputLine("test", "Two", "stdout", "inner"), ended):
        view.take("a.yaml", InDocument("build", "One", "/in.yaml", inner))
    console.print(status.renderable)

    assert "build One  " in terminal.getvalue()
    assert "inner" in terminal.getvalue()
    assert "Two" not in terminal.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_message_of_several_lines_is_shown_line_by_line_and_never_endless(
    is_terminal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = StringIO()
    console = Console(force_terminal=is_terminal, file=terminal, soft_wrap=True, color_system=None)
    view = RunView(console, console.status(""))
    message = "no match: one\r\ntwo\n" + "x" * 100_000

    view.take("a.yaml", StepEnded("test", "Is", "Assert", StepStatus.FAILED, 0.1, message))

    shown = terminal.getvalue() if is_terminal else capsys.readouterr().err
    first, second, third = shown.splitlines()
    assert first.endswith("no match: one")
    assert second.strip() == "two"
    assert len(third) < 3_000


def test_runs_that_end_at_once_are_all_counted() -> None:
    console = Console(file=StringIO())
    view = RunView(console, console.status("starting"))

    with view.counting(64) as count:
        threads = [Thread(target=count.one, args=(None,)) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert count.over == 64
