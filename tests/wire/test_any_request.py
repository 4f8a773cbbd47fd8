"""``--auth none``: every program may call, and no web page may."""

import pytest

from imagewright.call import Principal
from imagewright.errors import Forbidden
from imagewright.wire.authentication import AnyRequest
from imagewright.wire.messages import HttpRequest

ANYONE = Principal("000000000000", "arn:aws:iam::000000000000:root", "none")
DOOR = AnyRequest(ANYONE, "us-east-1")


def request(**headers: bytes) -> HttpRequest:
    pairs = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return HttpRequest("POST", b"/ListWorkflows", b"", tuple(pairs), b"")


@pytest.mark.parametrize(
    "host",
    [
        b"localhost", b"localhost:7437", b"LOCALHOST:7437", b"127.0.0.1", b"127.0.0.1:7437",
        b"127.1.2.3:1", b"[::1]:7437", b"[::1]",
    ],
)  # fmt: skip
def test_a_program_on_this_machine_passes(host: bytes) -> None:
    assert DOOR.authenticate(request(host=host)).principal == ANYONE


def test_a_program_that_names_no_host_passes() -> None:
    assert DOOR.authenticate(request()).principal == ANYONE


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example", b"evil.example:7437", b"127.0.0.1.evil.example", b"localhost.evil.example",
        b"192.168.0.7", b"0.0.0.0:7437", b"[::]:7437", b"[::1", b"", b":7437", b"\xff\xfe",
        b"evil.example@127.0.0.1@evil.example", b"localhost, evil.example",
    ],
)  # fmt: skip
def test_a_name_that_was_bound_to_this_address_is_refused(host: bytes) -> None:
    with pytest.raises(Forbidden, match="loopback"):
        DOOR.authenticate(request(host=host))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": b"https://evil.example"},
        {"origin": b"null"},
        {"origin": b"http://127.0.0.1:7437"},
        {"sec_fetch_site": b"cross-site"},
    ],
)
@pytest.mark.parametrize("service", ["imagebuilder", "sts"])
def test_what_a_web_page_sends_is_refused(headers: dict[str, bytes], service: str) -> None:
    with pytest.raises(Forbidden, match="web pages"):
        DOOR.authenticate(request(host=b"127.0.0.1:7437", **headers), service)
