"""Following a build to its end, and telling what came of it."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from imagewright.cli.client import Client, Unreachable
from imagewright.cli.exits import ExitCode, complain, fail, note
from imagewright.cli.options import OutputForm
from imagewright.cli.progress import Progress, showing
from imagewright.cli.session import Session
from imagewright.cli.text import BAR, CROSS, TICK, seconds, short, sign, visible

RECONNECT_SECONDS = 30.0
"""How long a server that went away may take to come back."""
RECONNECT_TICK_SECONDS = 0.1

Json = Mapping[str, Any]


def follow_build(
    session: Session, image_arn: str, output: OutputForm, *, log: bool, after: int = 0
) -> Json:
    """Show a build until it is over and return its last event; of its log what is after a place.

    From the keyboard one stops the showing, never the build.
    """
    try:
        if output is OutputForm.JSON:
            return _print_events(session.client, image_arn, after)
        with showing(Console(), with_lines=log) as progress:
            progress.place = after
            take_events(session, image_arn, progress)
    except KeyboardInterrupt:
        _say_it_goes_on(session, image_arn)
    if progress.end is None:
        fail(
            ExitCode.NO_SERVER,
            f"the server stopped; the build {short(image_arn)} goes on when one runs again",
            help="imagewright serve",
        )
    return {**progress.end, "lastLines": progress.last_lines}


def tell_outcome(end: Json, image_arn: str, took_seconds: float, output: OutputForm) -> None:
    """End the command with 1 unless a build went well; to a person, say how it ended.

    A script has read it in the last event.
    """
    status = str(end["status"])
    if output is OutputForm.TEXT:
        _tell_person(end, status, image_arn, took_seconds)
    if status != "AVAILABLE":
        raise typer.Exit(ExitCode.FAILED)


def _tell_person(end: Json, status: str, image_arn: str, took_seconds: float) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if status == "AVAILABLE":
        console.print(f"[green]{sign(TICK)} AVAILABLE[/] in {seconds(took_seconds)}")
        console.print(f"  {escape(image_arn)}")
        return
    console.print(f"[red]{sign(CROSS)} {status}[/] after {seconds(took_seconds)}")
    if status == "FAILED":
        _tell_cause(end)


def await_end(session: Session, image_arn: str) -> Json | None:
    """Wait until a build is over, showing nothing; return its last event."""
    with showing(Console(quiet=True), with_lines=False) as progress:
        take_events(session, image_arn, progress)
    return progress.end


def take_events(session: Session, image_arn: str, progress: Progress) -> None:
    """Take in a build's events to its end, over as many connections as that needs.

    Ends early where a lasting server says that it stops; one of a command is followed by another.
    Raises Refused; Unreachable if no server answers for a while.
    """
    lost_at: float | None = None
    while True:
        progress.is_closing = False
        try:
            if lost_at is not None:
                session.reconnect()
            place = progress.place
            for event in session.client.events("/builds/events", image=image_arn, after=place):
                progress.take(event)
                lost_at = None
        except Unreachable:
            if lost_at is not None and time.monotonic() > lost_at + RECONNECT_SECONDS:
                raise
        if progress.end is not None or (progress.is_closing and session.is_lasting):
            return
        lost_at = lost_at or time.monotonic()
        time.sleep(RECONNECT_TICK_SECONDS)


def _print_events(client: Client, image_arn: str, after: int) -> Json:
    end: Json = {"status": "UNKNOWN"}
    for event in client.events("/builds/events", image=image_arn, after=after):
        typer.echo(json.dumps(event))
        end = event
    if end.get("event") != "end":
        raise Unreachable("the server stopped before the build was over")
    return end


def _say_it_goes_on(session: Session, image_arn: str) -> NoReturn:
    name = short(image_arn)
    if session.is_own:
        note(
            f"the build {name} stands still now; it goes on with `imagewright runs follow {name}` "
            "or `imagewright serve`"
        )
    else:
        note(
            f"the build {name} goes on; see it with `imagewright runs follow {name}`, end it with "
            f"`imagewright runs cancel {name}`"
        )
    raise typer.Exit(ExitCode.INTERRUPTED)


def _tell_cause(end: Json) -> None:
    """Name the component, phase and step that failed, and show what was said last."""
    component = end.get("failureContext", {}).get("componentFailure")
    if component is None:
        complain(str(end.get("reason", "the build failed")))
    else:
        complain(which_component_failed(component))
        _quote(component["errorMessage"])
    if lines := end.get("lastLines"):
        _quote("\n".join(lines))


def which_component_failed(failure: Json) -> str:
    """Say in one sentence where a component failed: ``componentFailure`` of the API."""
    return (
        f"the component {short(failure['componentArn'])} failed in the phase "
        f"{failure['phaseName']}, step {failure['stepName']} ({failure['action']})"
    )


def quoted(text: str) -> list[str]:
    """Put a bar before each line of what was said."""
    return [f"  {sign(BAR)} {visible(line)}" for line in text.splitlines()]


def _quote(text: str) -> None:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in quoted(text):
        with suppress(OSError):
            console.print(Text(line, style="dim"))
