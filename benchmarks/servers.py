"""The servers that are measured, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from imagewright.access.keys import AccessKeys
from imagewright.state import StateDirectory

ACCOUNT = "000000000000"
REGION = "us-east-1"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    pid: int
    access_key_id: str = "key"
    secret_access_key: str = "secret"

    def client(self, service: str) -> Any:
        """Return a boto3 client of one of its services."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # any service
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
        )

    @property
    def resident_bytes(self) -> int:
        """The memory that the process holds just now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) << 10


@contextmanager
def imagewright(state: Path, settings: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run ``imagewright serve`` on a state; the settings are environment variables."""
    key = new_state(state)
    process = subprocess.Popen(
        serve_command(state, 0), env=environment(settings), stdout=subprocess.PIPE, text=True
    )
    with _ended(process):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        yield Running(url, process.pid, key.access_key_id, key.secret_access_key)


@contextmanager
def moto() -> Iterator[Running]:
    """Run moto's server."""
    port = free_port()
    process = subprocess.Popen(
        moto_command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with _ended(process):
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        yield Running(url, process.pid)


@contextmanager
def at_once() -> Iterator[Running]:
    """Run a server that answers every request with ``{}`` and does nothing: the client's share."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer_all, args=(listener,), daemon=True).start()
        yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", os.getpid())


def new_state(state: Path) -> Any:
    """Make a state directory that has a key and nothing else; return the key."""
    directory = StateDirectory(state)
    directory.prepare()
    return AccessKeys(directory.access_keys).first_of(ACCOUNT)


def serve_command(state: Path, port: int) -> list[str]:
    """Return the command that serves a state."""
    return [
        sys.executable, "-m", "imagewright", "serve", "--state", str(state), "--port", str(port)
    ]  # fmt: skip


def moto_command(port: int) -> list[str]:
    """Return the command that runs moto's server."""
    return [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of its own."""
    foreign = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "IMAGEWRIGHT_"))
    }
    return {**foreign, **(settings or {})}


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(url: str) -> None:
    """Ask again and again until something answers, whatever it says."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url).close()  # noqa: S310 - our own server
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)
        else:
            return


@contextmanager
def _ended(process: "subprocess.Popen[Any]") -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _answer_all(listener: socket.socket) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while _read_request(connection):
                connection.sendall(answer)


def _read_request(connection: socket.socket) -> bool:
    """Read to the end of a request; tell whether there was one."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (piece := connection.recv(65536)):
            return False
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    announced = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0].strip()
    missing = int(announced or 0) - len(body)
    while missing > 0 and (piece := connection.recv(65536)):
        missing -= len(piece)
    return True
