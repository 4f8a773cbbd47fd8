"""The server that a command works with: the one that runs on the state, or one of its own."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from imagewright.access.keys import AccessKeys, KeyFileError
from imagewright.cli.client import Client, Refused, Unreachable
from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import load_settings, open_state
from imagewright.state import ServerAddress, StateDirectory, StateError

Region = Annotated[
    str | None,
    typer.Option(help="The region to look in. By default the server's.", show_default=False),
]

SLOW_SECONDS = 2.0
"""Whatever takes longer shows that it goes on."""

Result = TypeVar("Result")


class Session:
    """A connection to a server, and whether this process is the server."""

    def __init__(self, client: Client, *, is_embedded: bool) -> None:
        self.client = client
        self.is_embedded = is_embedded


@contextmanager
def session(
    state: Path | None, region: str | None = None, *, builds: bool = False
) -> Iterator[Session]:
    """Connect to the server of a state, or start one within this process for the while.

    ``builds``: that one shall work on builds. A refusal, and a server that goes away, end the
    command with what the server said.
    """
    directory = open_state(state)
    with ExitStack() as stack:
        try:
            running = directory.running_server()
            address = running or _embed(directory, stack, builds=builds)
            yield Session(client_of(directory, address, region), is_embedded=running is None)
        except Refused as error:
            fail(ExitCode.REFUSED, error.message)
        except Unreachable as error:
            fail(ExitCode.NO_SERVER, str(error), help="start one with: imagewright serve")
        except (StateError, KeyFileError) as error:
            fail(ExitCode.STATE, str(error))


def waiting_for(what: str, work: Callable[[], Result]) -> Result:
    """Do something that may take a while; on a terminal, show what and for how long."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return work()
    started = time.monotonic()
    over = threading.Event()

    def show() -> None:
        if over.wait(SLOW_SECONDS / 2):
            return
        with console.status(what) as status:
            while not over.wait(0.2):
                status.update(f"{what} [dim]{time.monotonic() - started:.0f} s[/]")

    shower = threading.Thread(target=show, daemon=True)
    shower.start()
    try:
        return work()
    finally:
        over.set()
        shower.join()


def client_of(directory: StateDirectory, server: ServerAddress, region: str | None) -> Client:
    """Return a client of a server that runs on a state. Raises KeyFileError."""
    key = AccessKeys(directory.access_keys).first_of(server.account)
    return Client(
        server.url,
        key.access_key_id,
        key.secret_access_key,
        server.account,
        region or server.region,
    )


def _embed(directory: StateDirectory, stack: ExitStack, *, builds: bool) -> ServerAddress:
    """Start a server in this process; its threads end with it (``exits.leave``)."""
    settings = load_settings(directory)
    stack.enter_context(directory.lock())
    from imagewright.cli.embedded import start_server

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        url = "http://{}:{}".format(*listener.getsockname()[:2])
        start_server(directory, settings, listener.dup(), builds=builds)
    directory.announce(url, settings.account, settings.region)
    return ServerAddress(url, os.getpid(), settings.account, settings.region)
