"""Servers whose builds reach other services; their workflows are of type TEST: no machine."""

import json
import socketserver
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import end_server, start_server
from tests.e2e.conftest import Bench
from tests.other_services import OtherServices

SERVICES = ("stepfunctions", "sns", "lambda", "events", "s3", "ssm", "ec2")


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """A port that notes every request; ``answer`` decides on status, headers and body."""

    answer: Callable[[Asked], tuple[int, dict[str, str], bytes]]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def endpoint(
    answer: Callable[[Asked], tuple[int, dict[str, str], bytes]] = lambda _: (200, {}, b""),
) -> Iterator[Endpoint]:
    """Serve an endpoint."""
    served = Endpoint(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, body)
            served.asked.append(asked)
            status, headers, content = served.answer(asked)
            self.close_connection = True
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            with suppress(BrokenPipeError):  # who asked has given up
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
            """Say nothing."""

    socketserver.TCPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield served
        server.shutdown()
        thread.join()


def passed_on(url: str, asked: Asked) -> tuple[int, dict[str, str], bytes]:
    """Ask another endpoint the same and return what it answers."""
    kept = {name: asked.headers[name] for name in ("content-type", "x-amz-target", "authorization")}
    request = urllib.request.Request(url + asked.path, data=asked.body, headers=kept)  # noqa: S310 - moto
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, {"Content-Type": error.headers["Content-Type"]}, error.read()


@contextmanager
def reaching(state: Path, url: str | None, **environment: str) -> Iterator[Bench]:
    """Run a server whose other services are all at one endpoint."""
    given = {"IMAGEWRIGHT_BUILDS_PARALLEL_MAX": "8", **environment}
    if url is not None:
        given.update({f"IMAGEWRIGHT_AWS_{each.upper()}_ENDPOINT": url for each in SERVICES})
    server = start_server(state, environment=given)
    try:
        yield Bench(server, server.client())
    finally:
        end_server(server)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, others: OtherServices) -> Iterator[Bench]:
    """Return a server that reaches moto, for the tests of a module."""
    with reaching(tmp_path_factory.mktemp("reaching") / "state", others.url) as running:
        yield running


def started(bench: Bench, *steps: dict[str, Any], **more: Any) -> str:
    """Start an image that is made by a test workflow alone; return its ARN."""
    run = {"workflowArn": bench.workflow(document(*steps, **more), kind="TEST")}
    return bench.start(bench.recipe(), workflows=[run])


def document(*steps: dict[str, Any], **more: Any) -> str:
    """Write a workflow."""
    text = {"schemaVersion": "1.0", "steps": list(steps), **more}
    return json.dumps(text, ensure_ascii=False)
