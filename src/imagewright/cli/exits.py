"""How commands end: one exit code per kind of failure."""

import os
import sys
from contextlib import suppress
from enum import IntEnum
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from imagewright.cli.text import visible


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    """What was asked for was tried and did not work out: a broken document, a failed build."""
    USAGE = 2
    """The command was called wrongly, a file cannot be read, or a setting is wrong."""
    NO_SERVER = 3
    """It needs a running server, and none runs on this state."""
    REFUSED = 4
    """The server refused the request: not found, not permitted, not valid."""
    STATE = 5
    """The state directory cannot be used."""
    INTERRUPTED = 130
    """Stopped from the keyboard."""


def fail(code: ExitCode, message: str, *, help: str = "") -> NoReturn:  # noqa: A002 - as shown
    """Say what happened and what to do next, on standard error, and end."""
    complain(message, help=help)
    raise typer.Exit(code)


def leave(code: int) -> NoReturn:
    """End the process at once, whatever its threads are at.

    A build under way is cut off as by a loss of power, which is the one way to stop that every
    build survives: the next process on the state clears up after it and takes it up again.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it is where the caller closed it
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


def complain(message: str, *, help: str = "") -> None:  # noqa: A002 - as shown
    """Say what went wrong on standard error, and go on."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with suppress(OSError):  # whoever reads it went away
        console.print(f"[bold red]error:[/] {escape(_harmless(message))}")
        if help:
            console.print(f"[bold]help:[/] {escape(_harmless(help))}")


def note(message: str) -> None:
    """Tell something worth knowing on standard error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with suppress(OSError):
        console.print(f"[bold]note:[/] {escape(_harmless(message))}")


def _harmless(message: str) -> str:
    """What the user or a server wrote may not act upon the terminal."""
    return "\n".join(map(visible, message.split("\n")))
