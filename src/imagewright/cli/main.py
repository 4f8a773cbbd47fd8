"""The command line: ``imagewright COMMAND``."""

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

from imagewright import __version__
from imagewright.cli.exits import ExitCode, complain, leave
from imagewright.cli.loading import loading
from imagewright.errors import ServiceError

COMMANDS = (
    "serve",
    "env",
    "validate",
    "component",
    "explain",
    "schema",
    "build",
    "images",
    "runs",
    "machines",
    "prune",
    "doctor",
    "demo",
    "keys",
    "keyring",
)
"""In the order of ``--help``. Each is a module of its own, with a function of its name, or with
``commands`` where it has several."""


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Make the command line out of some of its commands; what the others need is not loaded."""
    application = typer.Typer(
        name="imagewright",
        help="EC2 Image Builder that runs anywhere: the same API, the same documents, real images.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_root,
    )
    for name in names:
        with loading():
            module = import_module(f"imagewright.cli.{name}")
        if hasattr(module, "commands"):
            application.add_typer(module.commands, name=name)
        else:
            application.command()(getattr(module, name))
    return application


def main() -> None:
    """Run the command line, and end the process with it."""
    _occupy_closed_streams()
    first = sys.argv[1:2]
    try:
        command_line(first if first and first[0] in COMMANDS else COMMANDS)()
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else ExitCode.OK)
    except (OSError, ServiceError) as error:
        # A full disk below standard output or the database, a folder one may not enter.
        complain(str(error))
        leave(ExitCode.FAILED)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imagewright {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def _occupy_closed_streams() -> None:
    """Let no file become descriptor 0, 1 or 2: what is written there would end in a database."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
