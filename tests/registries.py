"""A registry of container images, as a process: that of Debian's package docker-registry."""

import json
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import wait_until

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")


@dataclass
class Running:
    """A registry that runs."""

    host: str
    storage: Path

    def get(self, path: str, **headers: str) -> bytes:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", headers=headers)
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content

    def passed_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask the registry what somebody asked another, and return what it answers."""
        kept = {name: text for name, text in headers.items() if name in {"Content-Type", "Accept"}}
        connection = HTTPConnection(self.host)
        connection.request(method, path, body=body or None, headers=kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.headers), content

    def manifest(self, tag: str, repository: str = "images/web") -> Any:
        return json.loads(self.get(f"{repository}/manifests/{tag}", Accept=MANIFEST))

    def tags(self, repository: str) -> set[str]:
        return set(json.loads(self.get(f"{repository}/tags/list"))["tags"])

    def config(self, tag: str, repository: str) -> Any:
        """Return the configuration of an image: how containers of it are run, and more."""
        digest = self.manifest(tag, repository)["config"]["digest"]
        return json.loads(self.get(f"{repository}/blobs/{digest}"))


@contextmanager
def running(place: Path, **config: Any) -> Iterator[Running]:
    """Run a registry for a while."""
    if shutil.which("docker-registry") is None:
        pytest.skip("needs the registry of Debian's package docker-registry")
    tries = (_started(place, config) for _ in range(5))
    host, process = next(each for each in tries if each[1].poll() is None)
    with process:
        try:
            yield Running(host, place / "storage")
        finally:
            process.terminate()


def _started(place: Path, config: Mapping[str, Any]) -> tuple[str, "subprocess.Popen[bytes]"]:
    """Start a registry on a port that was free just now; it ends if the port no longer is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    everything = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(place / "storage")}},
        **config,
        "http": {"addr": host, **config.get("http", {})},
    }
    (place / "config.yml").write_text(json.dumps(everything))
    process = subprocess.Popen(
        ["docker-registry", "serve", place / "config.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def has_answered_or_ended() -> bool:
        name, _, port = host.partition(":")
        with suppress(OSError), socket.create_connection((name, int(port))):
            return True
        return process.poll() is not None

    wait_until(has_answered_or_ended)
    return host, process


class PassingOn(BaseHTTPRequestHandler):
    """Stands before a registry, and passes on what it is asked."""

    registry: Running

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, content = self.registry.passed_on(
            self.command, self.path, dict(self.headers), body
        )
        if "Location" in headers:
            headers["Location"] = headers["Location"].replace(
                self.registry.host, self.headers["Host"]
            )
        self.say(status, headers, content)

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - as they are called

    def say(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "connection", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
        """Say nothing."""


@contextmanager
def standing_before(registry: Running, kind: type[PassingOn]) -> Iterator[str]:
    """Pass on to a registry for a while; yield host and port."""
    handler = type("Handler", (kind,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
