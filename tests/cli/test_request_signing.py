"""The command line signs as every AWS client does."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from imagewright.wire.messages import HttpRequest
from imagewright.wire.sigv4 import read_claim, sign, verify


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/imagewright/v1/builds", "", b""),
        ("GET", "/imagewright/v1/builds/log", "image=web%2F1.0.0&after=0", b""),
        ("PUT", "/CreateImage", "", b'{"a": 1}'),
    ],
)
def test_a_signature_is_botocores_own(method: str, path: str, query: str, body: bytes) -> None:
    url = f"http://127.0.0.1:1{path}" + (f"?{query}" if query else "")
    reference = AWSRequest(method, url, data=body, headers={"Host": "127.0.0.1:1"})
    SigV4Auth(Credentials("AKIA", "secret"), "imagebuilder", "us-east-1").add_auth(reference)
    stamp = reference.headers["X-Amz-Date"]
    request = HttpRequest(
        method,
        path.encode(),
        query.encode(),
        ((b"host", b"127.0.0.1:1"), (b"x-amz-date", stamp.encode())),
        body,
    )

    ours = sign(
        request, access_key_id="AKIA", secret="secret", region="us-east-1", service="imagebuilder"
    )

    assert ours == reference.headers["Authorization"]
    signed = HttpRequest(
        method, request.path, request.query,
        (*request.headers, (b"authorization", ours.encode())), body,
    )  # fmt: skip
    claim = read_claim(signed)
    assert claim is not None
    verify(claim, signed, "secret", datetime.now(UTC))
