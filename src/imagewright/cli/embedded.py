"""A server within a command, for as long as the command runs. Loads everything serving needs."""

import logging
import socket
import threading

import uvicorn

from imagewright.app import open_application
from imagewright.cli.exits import ExitCode, fail
from imagewright.errors import ServiceError
from imagewright.logs.operator import log_to_stderr
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store.schema import SchemaTooNew


def start_server(
    state: StateDirectory, settings: Settings, listener: socket.socket, *, builds: bool
) -> None:
    """Answer on a socket from a thread of its own; connections made already are kept waiting.

    ``builds``: also work on builds, those included that the last server left.
    """
    log_to_stderr(level=logging.ERROR)
    try:
        application = open_application(state, settings)
    except (SchemaTooNew, ServiceError) as error:
        fail(ExitCode.STATE, f"the state {state.root} cannot be served: {error}")
    config = uvicorn.Config(
        application.asgi,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    application.builder.start(builds=builds)
    server = uvicorn.Server(config)
    threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True
    ).start()
