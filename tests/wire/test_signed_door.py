import http.client
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from imagewright.access.keys import AccessKey, AccessKeys
from imagewright.clock import SystemClock
from imagewright.wire.authentication import Caller, SignedRequests
from imagewright.wire.door import CALLER, signed_door
from imagewright.wire.messages import ASGIApp, HttpAnswer, HttpRequest, Receive, Scope, Send

Serve = Callable[[ASGIApp], str]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell who asked and what the body was."""
    caller: Caller = scope[CALLER]
    message = await receive()
    body = {"arn": caller.principal.arn, "region": caller.region, "body": message["body"].decode()}
    await HttpAnswer(200, (), json.dumps(body).encode()).send(send)


def test_the_app_behind_the_door_learns_who_asks(
    serve: Serve, keys: AccessKeys, key: AccessKey, signed: Callable[..., HttpRequest]
) -> None:
    address = serve(signed_door(echo, SignedRequests(keys, SystemClock()), body_bytes_max=1000))
    request = signed("POST", "/imagewright/v1/echo?a=1", b"hello")
    headers = {name.decode(): value.decode() for name, value in request.headers}
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)

    connection.request("POST", "/imagewright/v1/echo?a=1", b"hello", headers)
    answer = connection.getresponse()

    assert answer.status == 200
    assert json.loads(answer.read()) == {
        "arn": key.arn,
        "region": "eu-west-1",
        "body": "hello",
    }
    connection.close()


def test_the_door_stays_shut_without_a_signature_or_with_too_much(
    serve: Serve, keys: AccessKeys
) -> None:
    address = serve(signed_door(echo, SignedRequests(keys, SystemClock()), body_bytes_max=1000))
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)

    connection.request("POST", "/imagewright/v1/echo", b"hello")
    unsigned = connection.getresponse()
    unsigned.read()
    connection.request("POST", "/imagewright/v1/echo", b"x" * 1001)
    large = connection.getresponse()
    large.read()
    connection.close()

    assert (unsigned.status, unsigned.getheader("x-amzn-errortype")) == (
        403,
        "MissingAuthenticationTokenException",
    )
    assert large.status == 413


def test_keys_that_cannot_be_read_are_our_failure(
    serve: Serve, tmp_path: Path, signed: Callable[..., HttpRequest]
) -> None:
    (tmp_path / "broken.json").write_text("[{")
    keys = AccessKeys(tmp_path / "broken.json")
    address = serve(signed_door(echo, SignedRequests(keys, SystemClock()), body_bytes_max=1000))
    request = signed("GET", "/imagewright/v1/echo")
    headers = {name.decode(): value.decode() for name, value in request.headers}
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)

    connection.request("GET", "/imagewright/v1/echo", headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert (answer.status, answer.getheader("x-amzn-errortype")) == (500, "InternalFailure")
