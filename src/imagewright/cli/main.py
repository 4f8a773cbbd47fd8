"""The command line: ``imagewright COMMAND``."""

from typing import Annotated

import typer

from imagewright import __version__
from imagewright.cli import (
    build,
    demo,
    doctor,
    env,
    images,
    keyring,
    keys,
    machines,
    prune,
    runs,
    serve,
    validate,
)
from imagewright.cli.exits import ExitCode, leave

application = typer.Typer(
    name="imagewright",
    help="EC2 Image Builder that runs anywhere: the same API, the same documents, real images.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imagewright {__version__}")
        raise typer.Exit


@application.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


application.command()(serve.serve)
application.command()(env.env)
application.command()(validate.validate)
application.command()(build.build)
application.add_typer(images.commands, name="images")
application.add_typer(runs.commands, name="runs")
application.add_typer(machines.commands, name="machines")
application.command()(prune.prune)
application.command()(doctor.doctor)
application.command()(demo.demo)
application.add_typer(keys.commands, name="keys")
application.add_typer(keyring.commands, name="keyring")


def main() -> None:
    """Run the command line, and end the process with it."""
    try:
        application()
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else ExitCode.OK)
