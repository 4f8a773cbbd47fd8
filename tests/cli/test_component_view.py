"""What a terminal shows of a run while it goes on."""

from io import StringIO
from threading import Thread

from rich.console import Console

from imagewright.cli.component_view import RunView


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
