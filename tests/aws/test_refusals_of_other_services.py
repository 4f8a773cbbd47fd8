"""What S3 and KMS may answer that moto never does, over HTTP all the same."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imagewright.aws.clients import AwsClients
from imagewright.aws.kms import KmsKeys
from imagewright.aws.objects import ObjectReader
from imagewright.errors import ApiError
from imagewright.settings import Aws

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@contextmanager
def answering(status: int, body: bytes = b"", *, announced: int | None = None) -> Iterator[str]:
    """Serve a port that answers any request alike and hangs up; yield its URL.

    ``announced`` is the length that the head tells, where it is not the body's.
    """
    length = len(body) if announced is None else announced
    head = f"HTTP/1.1 {status} So\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    answer = head.encode() + body

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().lower()) not in (b"", b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.rfile.read(length)
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            {"status": 200, "body": b"schemaVersion: 1.0", "announced": 2000},
            "ServiceUnavailableException",
            id="a transfer that breaks off",
        ),
        pytest.param({"status": 301}, "ClientException", id="a bucket that is elsewhere"),
        pytest.param({"status": 400}, "ClientException", id="a request that S3 rejects"),
        pytest.param({"status": 500}, "ServiceUnavailableException", id="a failure of S3"),
    ],
)
def test_what_s3_does_not_deliver_whole_is_no_document(
    answer: dict[str, Any], expected: str
) -> None:
    """CRT-05."""
    with answering(**answer) as url:
        reader = ObjectReader(AwsClients(Aws(s3_endpoint=url)))

        with pytest.raises(ApiError, match="S3") as caught:
            reader.read_text(
                "s3://documents/key", member="uri", region="us-east-1", size_bytes_max=1000
            )

    assert caught.value.code == expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "DisabledException", "InvalidParameterValueException"),
        (400, "KMSInvalidStateException", "InvalidParameterValueException"),
        (400, "AccessDeniedException", "ForbiddenException"),
        (400, "InvalidKeyUsageException", "ClientException"),
        (500, "KMSInternalException", "ServiceUnavailableException"),
    ],
)
def test_each_refusal_of_a_kms_has_its_error(status: int, code: str, expected: str) -> None:
    """CRT-07."""
    body = b'{"__type": "%s", "message": "no"}' % code.encode()
    with answering(status, body) as url:
        keys = KmsKeys(AwsClients(Aws(kms_endpoint=url)), "us-east-1")

        with pytest.raises(ApiError) as caught:
            keys.new_data_key(KEY)

    assert caught.value.code == expected
