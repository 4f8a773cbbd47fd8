"""``imagewright serve``: the command. What it runs is in ``server``, which is slow to load."""

import logging
from typing import Annotated

import typer

from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.loading import loading
from imagewright.cli.options import State, load_settings, open_state
from imagewright.state import StateError
from imagewright.wire.loopback import is_loopback

DEFAULT_PORT = 7437


def serve(
    state: State = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 picks a free one.")
    ] = DEFAULT_PORT,
    auth: Annotated[
        str | None,
        typer.Option(
            help="sigv4: every request is signed with a known key. none: every request passes; "
            "only on a loopback address.",
            metavar="[sigv4|none]",
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The default region.")] = None,
    account: Annotated[str | None, typer.Option(help="The account of the first key.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log every request.")] = False,
) -> None:
    """Serve the API on a state directory, until stopped.

    Prints one line with the address once it answers. In another shell,
    eval "$(imagewright env)" makes boto3 and the AWS CLI talk to it.
    """
    from imagewright.logs.operator import log_to_stderr

    log_to_stderr(level=logging.DEBUG if verbose else logging.INFO)
    directory = open_state(state)
    settings = load_settings(directory, auth=auth, region=region, account=account)
    if settings.auth == "none" and not is_loopback(host):
        fail(
            ExitCode.USAGE,
            f"--auth none is refused on {host}: whoever reaches it could do anything",
            help="listen on 127.0.0.1, or leave --auth at sigv4",
        )
    try:
        with directory.lock():
            with loading():
                from imagewright.cli.server import run_server

            run_server(directory, settings, host, port)
    except StateError as error:
        fail(ExitCode.STATE, str(error))
