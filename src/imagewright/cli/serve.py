"""``imagewright serve``: the server."""

import ipaddress
import socket
import threading
import time
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from imagewright.access.keys import KeyFileError
from imagewright.app import open_application
from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import State, load_settings, open_state
from imagewright.errors import ServiceError
from imagewright.logs.operator import log_to_stderr
from imagewright.settings import Settings
from imagewright.state import StateDirectory, StateError
from imagewright.store.schema import SchemaTooNew

DEFAULT_PORT = 7437
DRAIN_SECONDS = 30.0


class _Server(uvicorn.Server):
    """Asked to stop, it refuses new requests politely for as long as others are at work."""

    def __init__(self, config: uvicorn.Config, draining: threading.Event, greeting: str) -> None:
        super().__init__(config)
        self._draining = draining
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once it answers."""
        await super().startup(sockets)
        if self.started:
            print(self._greeting, flush=True)

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
    log_to_stderr(verbose=verbose)
    directory = open_state(state)
    settings = load_settings(directory, auth=auth, region=region, account=account)
    if settings.auth == "none" and not _is_loopback(host):
        fail(
            ExitCode.USAGE,
            f"--auth none is refused on {host}: whoever reaches it could do anything",
            help="listen on 127.0.0.1, or leave --auth at sigv4",
        )
    try:
        with directory.lock():
            _serve(directory, settings, host, port)
    except StateError as error:
        fail(ExitCode.STATE, str(error))


def _serve(state: StateDirectory, settings: Settings, host: str, port: int) -> None:
    draining = threading.Event()
    listener = _listen(host, port)
    url = _url(listener)
    try:
        application = open_application(state, settings, draining=draining.is_set)
    except (SchemaTooNew, ServiceError, KeyFileError) as error:
        listener.close()
        fail(ExitCode.STATE, str(error))
    config = uvicorn.Config(
        application.asgi,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
    )
    state.announce(url)
    try:
        _Server(config, draining, f"imagewright answers at {url}").run(sockets=[listener])
    finally:
        application.close()


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


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
