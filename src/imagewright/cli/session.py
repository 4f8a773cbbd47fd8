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

SHOW_SECONDS = 1.0
"""Whatever takes longer shows that it goes on."""
_ANNOUNCE_SECONDS = 60.0
"""How long a server that holds the state may take until it says where it answers."""

Result = TypeVar("Result")


class Session:
    """A connection to a server, which may be this process."""

    def __init__(self, directory: StateDirectory, region: str | None, *, builds: bool) -> None:
        self._directory = directory
        self._region = region
        self._builds = builds
        self._stack = ExitStack()
        self._address = self._find()
        self.client = client_of(directory, self._address, region)

    @property
    def is_lasting(self) -> bool:
        """Whether the server is one that stays, not that of a command."""
        return self._address.is_lasting

    @property
    def is_own(self) -> bool:
        """Whether this process is the server."""
        return self._address.pid == os.getpid()

    def reconnect(self) -> None:
        """After the server went away: connect to the one that came after it.

        Where it was another command's own, which ended with that command, be the next one.
        Raises Unreachable while there is none.
        """
        running = self._directory.running_server()
        if running is None and self._address.is_lasting:
            raise Unreachable("the server went away, and none has come after it")
        self._address = running or self._find()
        self.client = client_of(self._directory, self._address, self._region)

    def close(self) -> None:
        """Let go of the state, if this process is its server."""
        self._stack.close()

    def _find(self) -> ServerAddress:
        """Return a server's address. Of two commands that would be it at once, one is."""
        deadline = time.monotonic() + _ANNOUNCE_SECONDS
        while (running := self._directory.running_server()) is None:
            try:
                return self._serve()
            except StateError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        return running

    def _serve(self) -> ServerAddress:
        """Start a server in this process; its threads end with it (``exits.leave``).

        Raises StateError if another has the state.
        """
        settings = load_settings(self._directory)
        self._stack.enter_context(self._directory.lock())
        from imagewright.cli.embedded import start_server

        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            url = "http://{}:{}".format(*listener.getsockname()[:2])
            stop = start_server(self._directory, settings, listener.dup(), builds=self._builds)
        self._stack.callback(stop)
        return self._directory.announce(url, settings.account, settings.region, is_lasting=False)


@contextmanager
def session(
    state: Path | None, region: str | None = None, *, builds: bool = False, listing: str = ""
) -> Iterator[Session]:
    """Connect to the server of a state, or start one within this process for the while.

    ``builds``: that one shall work on builds. A refusal, and a server that goes away, end the
    command with what the server said. ``listing``: the command that shows what there is to name.
    """
    directory = open_state(state)
    with ExitStack() as stack:
        try:
            running = Session(directory, region, builds=builds)
            stack.callback(running.close)
            yield running
        except Refused as error:
            is_unknown = error.code == "ResourceNotFoundException"
            fail(ExitCode.REFUSED, error.message, help=listing if is_unknown else "")
        except Unreachable as error:
            fail(ExitCode.NO_SERVER, str(error), help="start one with: imagewright serve")
        except (StateError, KeyFileError) as error:
            fail(ExitCode.STATE, str(error))


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


def waiting_for(what: str, work: Callable[[], Result]) -> Result:
    """Do something that may take a while; on a terminal, show what and for how long."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return work()
    over = threading.Event()
    shower = threading.Thread(target=_show_time, args=[console, what, over], daemon=True)
    shower.start()
    try:
        return work()
    finally:
        over.set()
        shower.join()


def _show_time(console: Console, what: str, over: threading.Event) -> None:
    started = time.monotonic()
    if over.wait(SHOW_SECONDS):
        return
    with console.status(what) as status:
        while not over.wait(0.2):
            status.update(f"{what} [dim]{time.monotonic() - started:.0f} s[/]")
