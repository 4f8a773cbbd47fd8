"""What a connection may not do: come slowly, have an endless head, or keep others out."""

import http.client
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
import uvicorn
from anyio import sleep
from tests.conftest import at_best_within

from imagewright.wire.connection import GuardedConnection
from imagewright.wire.messages import HttpAnswer, HttpRequest, Receive, Scope, Send, read_body

BODY_BYTES_MAX = 100_000


class Small(GuardedConnection):
    """The same with numbers that a test can reach."""

    receive_seconds = 0.5
    head_bytes_max = 2000
    connections_max = 5


class Patient(Small):
    """One whose deadline no pause of a busy machine reaches."""

    receive_seconds = 60.0


class Brief(Small):
    """One whose deadline a test can outlast, and a pause of a busy machine does not reach."""

    receive_seconds = 4.0


class Address(NamedTuple):
    host: str
    port: int


at_work = threading.Event()


async def length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the body, after a while if asked to wait."""
    request = HttpRequest.from_scope(scope, await read_body(scope, receive, BODY_BYTES_MAX))
    if request.path == b"/slow":
        at_work.set()
        await sleep(2 * Small.receive_seconds)
    await HttpAnswer(200, (), str(len(request.body)).encode()).send(send)


@contextmanager
def serving(connection: type[GuardedConnection]) -> Iterator[Address]:
    config = uvicorn.Config(length, http=connection, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Address(*listener.getsockname())
        server.should_exit = True
        thread.join()


@pytest.fixture
def address() -> Iterator[Address]:
    """Of a server that waits half a second for a request."""
    with serving(Small) as address:
        yield address


@pytest.fixture
def patient() -> Iterator[Address]:
    """Of a server that waits for a request as long as need be."""
    with serving(Patient) as address:
        yield address


def ask(address: Address, path: str = "/", body: bytes = b"") -> bytes:
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request("POST", path, body)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def answer_to(address: Address, send: Callable[[socket.socket], None]) -> tuple[bytes, float]:
    """Return everything that comes back, and after how many seconds the connection is closed."""
    began = time.monotonic()
    with socket.create_connection(address, timeout=60) as connection:
        send(connection)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return received, time.monotonic() - began


def trickle(*parts: bytes) -> Callable[[socket.socket], None]:
    """Send parts with pauses that are shorter than the deadline, until nobody listens."""

    def send(connection: socket.socket) -> None:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(Small.receive_seconds / 5)
        except (BrokenPipeError, ConnectionResetError):
            pass

    return send


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((b"POST / HTTP/1.1\r\n", *[b"a: b\r\n"] * 20), id="head"),
        pytest.param(
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 20), id="body"
        ),
        pytest.param(
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nPOST /", *[b"x"] * 20),
            id="second request",
        ),
    ],
)
def test_a_request_that_comes_too_slowly_is_refused(
    address: Address, parts: tuple[bytes, ...]
) -> None:
    received, seconds = answer_to(address, trickle(*parts))

    head, _, body = received[received.rindex(b"HTTP/1.1") :].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"x-amzn-errortype: RequestTimeout" in head
    assert "0.5 seconds" in json.loads(body)["message"]
    assert seconds < 60


def test_a_connection_that_says_nothing_is_closed(address: Address) -> None:
    received, seconds = answer_to(address, lambda connection: None)

    assert received == b""
    assert Small.receive_seconds * 0.9 <= seconds < 60


def test_after_an_early_answer_a_slow_rest_gets_no_second_one(address: Address) -> None:
    too_large = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"

    received, _ = answer_to(address, trickle(too_large, *[b"x"] * 20))

    assert received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "piece", [b"a: b\r\n", b"a", b"POST / HTTP/1.1\r\nx:" + b"y" * 3000], ids=["many", "one", "big"]
)
def test_an_endless_head_is_refused(patient: Address, piece: bytes) -> None:
    def send(connection: socket.socket) -> None:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nlong: ")
        try:
            for _ in range(5000):
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass

    received, seconds = answer_to(patient, send)

    # A client that goes on sending may be reset before it reads the answer.
    assert received == b"" or received.startswith(b"HTTP/1.1 431 ")
    assert seconds < Patient.receive_seconds
    assert ask(patient) == b"0"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=lambda sent: repr(sent[:24]),
)
def test_what_is_no_http_is_answered_like_any_other_error(patient: Address, sent: bytes) -> None:
    """ERR-40."""
    received, _ = answer_to(patient, lambda connection: connection.sendall(sent))

    head, _, body = received[received.rindex(b"HTTP/1.1") :].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"x-amzn-errortype: MalformedHttpRequestException" in head
    assert b"x-amzn-requestid: " in head
    assert json.loads(body) == {"message": "The request is not well-formed HTTP."}


def test_what_is_no_http_is_answered_behind_an_answered_request_too(patient: Address) -> None:
    """ERR-40."""

    def send(connection: socket.socket) -> None:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"\x00\x01")

    received, _ = answer_to(patient, send)

    assert b"HTTP/1.1 400 Bad Request\r\n" in received


@pytest.mark.parametrize(
    "behind",
    [b"\x00\x01", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=["head", "body"],
)
def test_what_is_no_http_is_not_answered_in_the_place_of_an_earlier_request(
    patient: Address, behind: bytes
) -> None:
    slow = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

    received, _ = answer_to(patient, lambda connection: connection.sendall(slow + behind))

    assert received == b""


def test_a_large_body_in_one_piece_is_no_large_head(patient: Address) -> None:
    assert ask(patient, body=b"x" * 50_000) == b"50000"


def test_many_connections_do_not_keep_others_out(patient: Address) -> None:
    silent = [socket.create_connection(patient) for _ in range(50)]

    answers = [ask(patient) for _ in range(5)]

    for connection in silent:
        connection.close()
    assert answers == [b"0"] * 5


def test_a_slow_answer_has_all_its_time_and_its_place(address: Address) -> None:
    answers: list[bytes] = []
    at_work.clear()
    waiting = threading.Thread(target=lambda: answers.append(ask(address, "/slow", b"abc")))
    waiting.start()
    assert at_work.wait(60)

    silent = [socket.create_connection(address) for _ in range(20)]
    waiting.join()

    for connection in silent:
        connection.close()
    assert answers == [b"3"]


def test_a_kept_connection_takes_one_request_after_another() -> None:
    with serving(Brief) as address:
        connection = http.client.HTTPConnection(*address, timeout=60)

        lengths = []
        for size in (0, 10, 3000):
            time.sleep(Brief.receive_seconds * 0.4)
            connection.request("POST", "/", b"x" * size)
            lengths.append(connection.getresponse().read())

        connection.close()
    assert lengths == [b"0", b"10", b"3000"]


def test_an_answer_is_sent_at_once(patient: Address) -> None:
    """Not after the 40 ms that a client's system waits before it confirms half an answer."""
    connection = http.client.HTTPConnection(*patient, timeout=60)

    def median() -> float:
        seconds = []
        for _ in range(20):
            began = time.monotonic()
            connection.request("POST", "/", b"x")
            connection.getresponse().read()
            seconds.append(time.monotonic() - began)
        return statistics.median(seconds)

    at_best_within(0.03, median)
    connection.close()
