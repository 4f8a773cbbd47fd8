"""Other services that workflows may lean on: S3 and KMS, served over HTTP by moto."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class OtherServices:
    """A moto server."""

    url: str

    @property
    def s3(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    @property
    def kms(self) -> "KMSClient":
        return boto3.client(
            "kms",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    def put(self, bucket: str, key: str, content: bytes) -> str:
        """Store an object and return its URI."""
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    @contextmanager
    def strangers_refused(self) -> Iterator[None]:
        """Have every access key refused that IAM does not know: all of ours."""
        self._let_pass(b"0")
        yield
        self._let_pass(b"inf")

    def _let_pass(self, count: bytes) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/moto-api/reset-auth", data=count, headers={"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request).close()  # noqa: S310


@pytest.fixture(scope="session")
def others() -> Iterator[OtherServices]:
    served = ThreadedMotoServer(port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield OtherServices(f"http://{host}:{port}")
    served.stop()


class SlowEndpoint:
    """A port that takes a request and answers nothing until it is told to hang up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.asked = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def hang_up(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._taken:
            connection.close()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._taken.append(connection)
            self.asked.set()


@pytest.fixture
def slow_endpoint() -> Iterator[SlowEndpoint]:
    endpoint = SlowEndpoint()
    yield endpoint
    if endpoint._listener.fileno() != -1:
        endpoint.hang_up()
