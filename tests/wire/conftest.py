import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from botocore.auth import BaseSigner, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from imagewright.access.keys import AccessKey, AccessKeys
from imagewright.wire.messages import ASGIApp, HttpRequest

ENDPOINT = "http://127.0.0.1:8080"


@pytest.fixture
def keys(tmp_path: Path) -> AccessKeys:
    return AccessKeys(tmp_path / "keys.json")


@pytest.fixture
def key(keys: AccessKeys) -> AccessKey:
    return keys.create("123456789012", "alice")


@pytest.fixture
def signed(key: AccessKey) -> Callable[..., HttpRequest]:
    """Sign as botocore does, and return the request as a server gets it."""

    def sign(
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        service: str = "imagebuilder",
        region: str = "eu-west-1",
        token: str | None = None,
        secret: str = key.secret_access_key,
        signer: Callable[[Credentials, str, str], BaseSigner] = SigV4Auth,
    ) -> HttpRequest:
        request = AWSRequest(method=method, url=ENDPOINT + target, data=body, headers=headers or {})
        credentials = Credentials(key.access_key_id, secret, token)
        signer(credentials, service, region).add_auth(request)
        return as_received(request)

    return sign


def as_received(request: AWSRequest) -> HttpRequest:
    prepared = request.prepare()
    path, _, query = prepared.url.removeprefix(ENDPOINT).partition("?")
    headers = [(b"host", b"127.0.0.1:8080")]
    headers += [
        (name.lower().encode(), as_bytes(value)) for name, value in prepared.headers.items()
    ]
    body = as_bytes(prepared.body or b"")
    return HttpRequest(prepared.method, path.encode(), query.encode(), tuple(headers), body)


def as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1")


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """Serve apps on free ports until the test ends; returns each one's address."""
    running: list[tuple[uvicorn.Server, threading.Thread, socket.socket]] = []

    def start(app: ASGIApp) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((server, thread, listener))
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread, listener in running:
        server.should_exit = True
        thread.join()
        listener.close()
