"""A server within a command, for as long as the command runs. Loads everything serving needs."""

import logging
import socket
import threading
from collections.abc import Callable

import uvicorn

from imagewright.app import open_application
from imagewright.cli.exits import ExitCode, fail
from imagewright.errors import ServiceError
from imagewright.logs.operator import log_to_stderr
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store.schema import SchemaTooNew
from imagewright.wire.connection import GuardedConnection

_STOP_SECONDS = 2
_TELL_SECONDS = 20
"""How long a command stays for events to be told: there may be no other for days."""


def start_server(
    state: StateDirectory, settings: Settings, listener: socket.socket, *, builds: bool
) -> Callable[[], None]:
    """Answer on a socket from a thread of its own; return what ends that, requests and all.

    ``builds``: also work on builds, those included that the last server left.
    """
    log_to_stderr(level=logging.ERROR)
    stopping = threading.Event()
    try:
        application = open_application(state, settings, draining=stopping.is_set)
    except (SchemaTooNew, ServiceError) as error:
        fail(ExitCode.STATE, f"the state {state.root} cannot be served: {error}")
    config = uvicorn.Config(
        application.asgi,
        http=GuardedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    application.builder.start(builds=builds)
    server = _Server(config, stopping)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True
    )
    thread.start()

    def stop() -> None:
        if builds:
            application.builder.wait_until_told(_TELL_SECONDS)
        server.should_exit = True
        thread.join(2 * _STOP_SECONDS)

    return stop


class _Server(uvicorn.Server):
    """At its end it listens no more, and tells those that follow a build to look elsewhere."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close up. What other commands still fetch after a while is cut off, on purpose."""
        self._stopping.set()
        logging.getLogger("uvicorn.error").disabled = True
        await super().shutdown(sockets)
