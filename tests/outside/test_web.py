"""Fetching over HTTP and HTTPS: what is followed, refused and tried again."""

import hashlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import at_best_within
from tests.outside.web_server import (
    CONTENT,
    WebServer,
    authority,
    content,
    cut_off,
    redirect,
    serving,
    status,
)

from imagewright.outside.connections import read_url
from imagewright.outside.web import Web, file_name
from imagewright.outside.work import Stopped, TransferFailed, Work
from imagewright.settings import Downloads


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as served:
        yield served


def web(server: WebServer | None = None, **options: Any) -> Web:
    own = {name: options.pop(name) for name in ("ca_bundle", "proxies") if name in options}
    allowed = () if server is None else (server.host,)
    settings = Downloads(allowed_hosts=allowed, timeout_seconds=30, **options)
    return Web(settings, pause_seconds=0.01, **own)


def fetched(by: Web, url: str, **options: Any) -> bytes:
    into = io.BytesIO()
    by.fetch(url, into, Work(), **options)
    return into.getvalue()


def refused(by: Web, url: str, **options: Any) -> str:
    with pytest.raises(TransferFailed) as caught:
        fetched(by, url, **options)
    return str(caught.value)


def test_a_file_comes_whole_with_its_digest(server: WebServer) -> None:
    into, work = io.BytesIO(), Work()

    digest = web(server).fetch(server.url("/file.bin"), into, work, algorithm="sha1")

    assert into.getvalue() == CONTENT
    assert digest == hashlib.sha1(CONTENT).hexdigest()  # noqa: S324 - the author may choose it
    assert work.done_bytes == work.total_bytes == len(CONTENT)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(code: int, server: WebServer) -> None:
    server.answers["/a/old"] = redirect("../file.bin", code)

    assert fetched(web(server), server.url("/a/old")) == CONTENT


def test_a_redirect_without_end_ends(server: WebServer) -> None:
    server.answers["/round"] = redirect("/round")

    assert "redirects more than 10 times" in refused(web(server), server.url("/round"))
    assert server.asked["/round"] == 11


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "is a link-local address"),
        ("http://localhost:1/", "localhost is a loopback address (127.0.0.1)"),
        ("http://[::ffff:127.0.0.1]/", "is a loopback address"),
        ("file:///etc/passwd", "no URL to fetch from"),
        ("ftp://example.com/", "no URL to fetch from"),
        ("", "without saying where to"),
    ],
)
def test_a_redirect_gains_nothing(to: str, why: str, server: WebServer) -> None:
    server.answers["/a"] = redirect(to)

    assert why in refused(web(server), server.url("/a")).replace("(::1)", "(127.0.0.1)")
    assert server.asked["/a"] == 1


def test_this_host_is_refused_unless_a_setting_names_it(server: WebServer) -> None:
    message = refused(web(), server.url("/file.bin"))

    assert "127.0.0.1 is a loopback address" in message
    assert "downloads.allowed_hosts" in message
    assert "loopback" in refused(web(), f"http://2130706433:{server.port}/file.bin")
    assert not server.asked
    other = Web(Downloads(allowed_hosts=("127.0.0.1",)))
    assert fetched(other, server.url("/file.bin")) == CONTENT


def test_the_connection_goes_to_the_address_that_was_looked_at(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is another address the second time it is asked for gains nothing."""
    real, answers = socket.getaddrinfo, iter(["192.0.2.1", "127.0.0.1", "127.0.0.1"])
    reached = []

    def rebinding(host: Any, *rest: Any, **names: Any) -> Any:
        if host == "rebinding.example":
            return real(next(answers), *rest, **names)
        reached.append(host)
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    message = refused(web(), f"http://rebinding.example:{server.port}/file.bin")

    assert reached == ["192.0.2.1"]
    assert "127.0.0.1" in message
    assert not server.asked


@pytest.mark.parametrize("answer", [status(500), status(503), status(429), cut_off])
def test_what_may_go_better_is_tried_again(answer: Any, server: WebServer) -> None:
    def second(handler: BaseHTTPRequestHandler) -> None:
        (content if server.asked["/flaky"] == 3 else answer)(handler)

    server.answers["/flaky"] = second
    into, work = io.BytesIO(), Work()

    web(server).fetch(server.url("/flaky"), into, work)

    assert into.getvalue() == CONTENT
    assert len(work.remarks) == 2
    assert "try 1 of 5 failed" in work.remarks[0]


def test_after_five_tries_it_fails(server: WebServer) -> None:
    server.answers["/down"] = status(503)

    assert "answers 503 Service Unavailable (try 5 of 5)" in refused(
        web(server), server.url("/down")
    )
    assert server.asked["/down"] == 5


@pytest.mark.parametrize("code", [204, 206, 304, 403, 404, 410])
def test_any_other_answer_fails_at_once(code: int, server: WebServer) -> None:
    server.answers["/a"] = status(code)

    assert f"answers {code}" in refused(web(server), server.url("/a"))
    assert server.asked["/a"] == 1


def test_nobody_there_is_told_after_five_tries() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        by = Web(Downloads(allowed_hosts=(host,)), pause_seconds=0.01)

        assert "Connection refused (try 5 of 5)" in refused(by, f"http://{host}/a")


def test_a_file_that_is_too_large_is_not_fetched(server: WebServer) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT)

    server.answers["/endless"] = endless
    small = web(server, size_bytes_max=1000)

    for path in ("/file.bin", "/endless"):
        assert "downloads.size_bytes_max" in refused(small, server.url(path))
        assert server.asked[path] == 1


def test_names_and_passwords_go_to_their_own_server_and_into_no_message(server: WebServer) -> None:
    with serving() as other:
        server.answers["/a"] = redirect("/b?token=hidden")
        server.answers["/b"] = redirect(other.url("/gone?token=hidden"))
        by = Web(Downloads(allowed_hosts=("127.0.0.1",)))

        message = refused(by, f"http://me:s%65cret@{server.host}/a")

        assert [h.get("Authorization") for h in server.headers] == ["Basic bWU6c2VjcmV0"] * 2
        assert "Authorization" not in other.headers[0]
        assert "hidden" not in message
        assert "secret" not in message


def test_certificates_are_checked(tmp_path: Path) -> None:
    certificate = authority(tmp_path)
    with serving(certificate) as server:
        message = refused(web(server), server.url("/file.bin"))
        trusting = web(server, ca_bundle=certificate[0])

        assert "the certificate of 127.0.0.1" in message
        assert "sandbox.ca_bundle" in message
        assert not server.asked
        assert fetched(trusting, server.url("/file.bin")) == CONTENT
        careless = fetched(web(server), server.url("/file.bin"), checks_certificates=False)
        assert careless == CONTENT


def test_from_https_to_http_only_what_is_pinned_is_followed(tmp_path: Path) -> None:
    certificate = authority(tmp_path)
    with serving() as plain, serving(certificate) as secure:
        secure.answers["/a"] = redirect(plain.url("/file.bin"))
        by = Web(Downloads(allowed_hosts=("127.0.0.1",)), ca_bundle=certificate[0])

        assert "not encrypted" in refused(by, secure.url("/a"))
        assert fetched(by, secure.url("/a"), algorithm="sha256") == CONTENT


def test_a_proxy_is_asked_in_full_and_its_exceptions_are_not(server: WebServer) -> None:
    """The proxy may be on this host, and may know names that the host does not."""
    with serving() as proxy:
        url = "http://no-such-name.invalid/far.bin"
        proxy.answers[url] = content
        proxies = {"http_proxy": f"http://me:pw@{proxy.host}", "no_proxy": "127.0.0.1,.example"}

        assert fetched(web(server, proxies=proxies), url) == CONTENT
        assert proxy.headers[0]["Host"] == "no-such-name.invalid"
        assert proxy.headers[0]["Proxy-Authorization"] == "Basic bWU6cHc="
        assert fetched(web(server, proxies=proxies), server.url("/file.bin")) == CONTENT
        assert "link-local" in refused(web(proxies=proxies), "http://169.254.169.254/latest")
        assert len(proxy.headers) == 1


@contextmanager
def tunnel(to: int) -> Iterator[tuple[int, list[bytes]]]:
    """Run a proxy that connects whoever asks for it to one port; yield its own, and the asking."""
    asked: list[bytes] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        inward, _ = listener.accept()
        with inward, socket.create_connection(("127.0.0.1", to)) as outward:
            asked.append(inward.recv(65536))
            inward.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(outward, inward))
            back.start()
            pump(inward, outward)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving_it = threading.Thread(target=serve, daemon=True)
        serving_it.start()
        yield listener.getsockname()[1], asked
        serving_it.join(10)


def test_https_goes_through_a_proxy_and_the_far_certificate_is_checked(tmp_path: Path) -> None:
    certificate = authority(tmp_path)
    with serving(certificate) as server, tunnel(server.port) as (port, asked):
        proxies = {"https_proxy": f"http://me:pw@127.0.0.1:{port}"}
        by = web(server, proxies=proxies, ca_bundle=certificate[0])

        assert fetched(by, server.url("/file.bin")) == CONTENT

    assert asked[0].startswith(f"CONNECT {server.host} HTTP/1".encode())
    assert b"Proxy-Authorization: Basic bWU6cHc=" in asked[0]
    assert "Proxy-Authorization" not in server.headers[0]


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_read_that_blocks_ends_when_it_is_stopped(is_secure: bool, tmp_path: Path) -> None:
    certificate = authority(tmp_path) if is_secure else None

    def seconds_to_the_end() -> float:
        with serving(certificate) as server:
            work, into = Work(), io.BytesIO()

            def stuck(handler: BaseHTTPRequestHandler) -> None:
                handler.send_response(200)
                handler.send_header("Content-Length", "1000")
                handler.end_headers()
                handler.wfile.write(b"x")
                threading.Timer(0.1, work.stop).start()
                server.released.wait(30)

            server.answers["/stuck"] = stuck
            by = Web(
                Downloads(allowed_hosts=(server.host,), timeout_seconds=60),
                ca_bundle=certificate[0] if certificate else None,
            )
            started = time.monotonic()
            with pytest.raises(Stopped):
                by.fetch(server.url("/stuck"), into, work)
            return time.monotonic() - started

    at_best_within(3, seconds_to_the_end)


def test_a_name_that_does_not_exist_is_told_at_once() -> None:
    started = time.monotonic()

    message = refused(Web(Downloads()), "http://no-such-name.invalid/a")

    assert "the name no-such-name.invalid cannot be resolved" in message or "try 5" in message
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/a/b.tar.gz", "b.tar.gz"),
        ("https://example.com/a%20b?x=/c#d/e", "a b"),
        ("https://example.com/é.txt", "é.txt"),
    ],
)
def test_the_last_segment_names_the_file(url: str, name: str) -> None:
    assert file_name(url) == name


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://example.com/a/", "https://e.com/..", "https://e.com/a%2Fb"],
)
def test_a_url_that_names_no_file_needs_one_in_the_destination(url: str) -> None:
    with pytest.raises(TransferFailed, match="names no file"):
        file_name(url)


@pytest.mark.parametrize(
    "url", ["http://", "http:///a", "http://a:99999/", "http://[::1/", "http://a/b\r\nX: y", "a"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(TransferFailed):
        read_url(url)
