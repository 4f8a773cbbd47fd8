"""The running server: listening, answering, draining. Loads everything that serving needs."""

import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import uvicorn

from imagewright.access.keys import KeyFileError
from imagewright.app import open_application
from imagewright.cli.exits import ExitCode, fail, leave
from imagewright.errors import ServiceError
from imagewright.managed.components import BadStandIn
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store.schema import SchemaTooNew
from imagewright.wire.connection import CONNECTIONS_MAX, GuardedConnection

DRAIN_SECONDS = 30.0


def run_server(state: StateDirectory, settings: Settings, host: str, port: int) -> NoReturn:
    """Serve a locked state until stopped; say where on standard output once it answers.

    Does not come back: builds under way must not keep the process alive.
    """
    _allow_many_files()
    draining = threading.Event()
    listener = _listen(host, port)
    url = _url(listener)
    try:
        application = open_application(state, settings, draining=draining.is_set)
    except (SchemaTooNew, ServiceError, KeyFileError) as error:
        listener.close()
        fail(ExitCode.STATE, f"the state {state.root} cannot be served: {error}")
    except BadStandIn as error:
        listener.close()
        fail(ExitCode.USAGE, str(error))
    config = uvicorn.Config(
        application.asgi,
        http=GuardedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )
    state.announce(url, settings.account, settings.region)

    def on_answering() -> None:
        print(f"imagewright answers at {url}", flush=True)
        application.builder.start()  # loading it takes time from whatever runs beside it
        application.schedules.start()

    _Server(config, draining, on_answering).run(sockets=[listener])
    application.schedules.stop()
    state.server.unlink(missing_ok=True)
    leave(ExitCode.OK)


class _Server(uvicorn.Server):
    """Asked to stop, it refuses new requests politely for as long as others are at work."""

    def __init__(
        self, config: uvicorn.Config, draining: threading.Event, on_answering: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self._on_answering = on_answering

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once it answers."""
        await super().startup(sockets)
        if self.started:
            self._on_answering()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, stop at the second."""
        if self._draining.is_set():
            self.should_exit = self.force_exit = True
            return
        self._draining.set()
        threading.Thread(target=self._stop_when_done, daemon=True).start()

    def _stop_when_done(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.server_state.tasks and time.monotonic() < deadline:
            time.sleep(0.02)
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        fail(
            ExitCode.USAGE,
            f"cannot listen on {host} port {port}: {error.strerror}",
            help="choose another --port, or --port 0 for a free one",
        )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if sys.platform == "win32":

    def _allow_many_files() -> None:
        pass

else:
    import resource

    def _allow_many_files() -> None:
        """Raise the limit of open files, often 1024, as far as one may and the server needs."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = CONNECTIONS_MAX + 1024
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
