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

_ANNOUNCE_SECONDS = 10.0
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
        self._address = running or self._embed()
        self.client = client_of(self._directory, self._address, self._region)

    def close(self) -> None:
        """Let go of the state, if this process is its server."""
        self._stack.close()

    def _find(self) -> ServerAddress:
        """Return a server's address. Of two commands that would be it at once, one is."""
        deadline = time.monotonic() + _ANNOUNCE_SECONDS
        while (running := self._directory.running_server()) is None:
            try:
                return self._embed()
            except StateError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        return running
