"""Requests that mean harm, against a running server: each is refused, and the server goes on."""

import contextlib
import http.client
import json
import resource
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.conftest import REGION, Server, StartServer, end_server, start_server

MEMORY_GROWTH_BYTES_MAX = 100 << 20
"""What all attacks of this module together may add to the server's peak."""

CONNECTIONS = 3000

DOCUMENT = "schemaVersion: 1.0\nsteps: [{name: Wait, action: WaitForAction}]\n"


class Answer(NamedTuple):
    status: int
    error: str
    message: str


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return the server that every attack is on, and see in the end that its memory is bounded."""
    server = start_server(tmp_path_factory.mktemp("hostile") / "state")
    before = peak_bytes(server)
    yield server
    grown = peak_bytes(server) - before
    end_server(server)
    assert grown < MEMORY_GROWTH_BYTES_MAX


@pytest.fixture(autouse=True)
def it_goes_on(target: Server) -> Iterator[None]:
    """Ask a proper question after each attack."""
    yield
    assert target.sts().get_caller_identity()["Account"] == "000000000000"


def peak_bytes(server: Server) -> int:
    """Return the most memory that a server ever held."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def signature(
    server: Server,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    secret: str | None = None,
    at: datetime | None = None,
) -> dict[str, str]:
    """Return the headers that prove a request, signed as botocore signs it."""
    key = server.key()
    request = AWSRequest(method=method, url=server.url + path, data=body)
    credentials = Credentials(key.access_key_id, secret or key.secret_access_key)
    with patch("botocore.auth.get_current_datetime", return_value=at or datetime.now(UTC)):
        SigV4Auth(credentials, "imagebuilder", REGION).add_auth(request)
    return dict(request.headers.items())


def send(
    server: Server, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """Send a request and return what comes back."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        message = json.loads(answer.read() or b"{}").get("message", "")
        return Answer(answer.status, answer.headers.get("x-amzn-errortype", ""), message)


def send_signed(server: Server, method: str, path: str, body: bytes = b"") -> Answer:
    return send(server, method, path, body, signature(server, method, path, body))


def create_workflow(data: str) -> bytes:
    request = {"name": "harm", "semanticVersion": "1.0.0", "type": "TEST", "data": data}
    return json.dumps(request | {"clientToken": str(uuid4())}).encode()


def test_no_signature(target: Server) -> None:
    """ERR-40."""
    assert send(target, "POST", "/ListWorkflows", b"{}")[:2] == (
        403,
        "MissingAuthenticationTokenException",
    )


def test_a_wrong_secret(target: Server) -> None:
    """ERR-40."""
    headers = signature(target, "POST", "/ListWorkflows", b"{}", secret="guessed")

    answer = send(target, "POST", "/ListWorkflows", b"{}", headers)

    assert answer[:2] == (403, "InvalidSignatureException")


def test_a_body_that_was_not_signed(target: Server) -> None:
    """ERR-40."""
    headers = signature(target, "PUT", "/CreateWorkflow", b"{}")

    answer = send(target, "PUT", "/CreateWorkflow", create_workflow(DOCUMENT), headers)

    assert answer[:2] == (403, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time(target: Server, minutes: int) -> None:
    """ERR-42."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    headers = signature(target, "POST", "/ListWorkflows", b"{}", at=at)

    answer = send(target, "POST", "/ListWorkflows", b"{}", headers)

    assert answer[:2] == (403, "InvalidSignatureException")
    assert "Signature expired" in answer.message or "not yet current" in answer.message


def test_another_accounts_resource_is_as_if_absent(target: Server) -> None:
    """ERR-26."""
    arn = target.client("111122223333").create_workflow(
        name="private",
        semanticVersion="1.0.0",
        type="TEST",
        data=DOCUMENT,
        clientToken=str(uuid4()),
    )["workflowBuildVersionArn"]

    query = urlencode({"workflowBuildVersionArn": arn})
    read = send_signed(target, "GET", f"/GetWorkflow?{query}")
    deleted = send_signed(target, "DELETE", f"/DeleteWorkflow?{query}")

    assert [read.error, deleted.error] == ["ResourceNotFoundException"] * 2
    owner = target.client("111122223333")
    assert owner.get_workflow(workflowBuildVersionArn=arn)["workflow"]["name"] == "private"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_100_mib(target: Server, announced: bool) -> None:
    """ERR-40."""
    piece = b"x" * (1 << 20)
    length = {"Content-Length": str(100 << 20)} if announced else {"Transfer-Encoding": "chunked"}
    connection = http.client.HTTPConnection(urlsplit(target.url).netloc, timeout=60)

    with contextlib.closing(connection):
        connection.request(
            "PUT",
            "/CreateWorkflow",
            (piece for _ in range(100)),
            length,
            encode_chunked=not announced,
        )
        answer = connection.getresponse()

        assert answer.status == 413
        assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(
            "a0: &a0 [x]\n"
            + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 100))
            + "steps: *a99\n",
            "more than 20,000 values, aliases included",
            id="aliases that double",
        ),
        pytest.param("a: &a [*a]\n", "stands inside what it repeats", id="an alias inside itself"),
        pytest.param("steps: " + "[" * 5000, "more than 48 levels", id="deep lists"),
        pytest.param("{" * 5000, "more than 48 levels", id="deep maps"),
        pytest.param(
            "steps: !!python/object/apply:os.system [true]\n", "no meaning here", id="a tag"
        ),
        pytest.param(
            "steps:\n" + "- {name: a, name: a}\n" * 700, "comes twice", id="thousands of errors"
        ),
    ],
)
def test_a_document_that_would_blow_up(target: Server, document: str, said: str) -> None:
    """CRT-40."""
    answer = send_signed(target, "PUT", "/CreateWorkflow", create_workflow(document))

    assert answer[:2] == (400, "InvalidParameterValueException")
    assert said in answer.message
    assert len(answer.message) < 10_000


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", b"null", b"1" * 5000, b'{"name": NaN}', b"[" * 100_000, b"\xff\xfe{}",
        b'{"name": "a", "name": "b"' + b',"x": 1' * 5000 + b"}", b'{"name": ' + b"9" * 5000 + b"}",
        b'{"name": "\\ud800"}', b'{"tags": {"' + b"a" * 900_000 + b'": "b"}}',
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_a_body_that_is_no_request(target: Server, body: bytes) -> None:
    """ERR-30."""
    answer = send_signed(target, "PUT", "/CreateWorkflow", body)

    assert answer.status == 400
    assert answer.error in {"InvalidRequestException", "InvalidParameterValueException"} or (
        answer.error == "SerializationException"
    )


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_a_wrong_method(target: Server, method: str) -> None:
    """ERR-40."""
    answer = send_signed(target, method, "/CreateWorkflow")

    assert answer[:2] == (404, "UnknownOperationException")


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/CreateWorkflow/..%2f..%2f", "//", "/%00"])
def test_a_path_that_leads_elsewhere(target: Server, path: str) -> None:
    """ERR-40."""
    answer = send(target, "GET", path)

    assert answer[:2] == (403, "MissingAuthenticationTokenException")


def test_thousands_of_connections_that_stop_half_way(target: Server) -> None:
    for head in (
        b"",
        b"PUT /CreateWorkflow HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    ):
        with crowd(target, head):
            assert target.sts().get_caller_identity()["Account"] == "000000000000"


def test_bodies_that_trickle(target: Server) -> None:
    head = b"PUT /CreateWorkflow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    with crowd(target, head + b"{" * 1000, 200) as slow:
        for _ in range(5):
            for connection in slow:
                with contextlib.suppress(ConnectionError):  # its time was up
                    connection.sendall(b" ")

            assert target.sts().get_caller_identity()["Account"] == "000000000000"


@contextlib.contextmanager
def crowd(server: Server, head: bytes, count: int = CONNECTIONS) -> Iterator[list[socket.socket]]:
    """Open connections that each say the beginning of something, and hold them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < count + 200:
        pytest.skip(f"needs {count + 200} open files, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
    parts = urlsplit(server.url)
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = socket.create_connection((str(parts.hostname), parts.port or 0), 60)
            connections.append(stack.enter_context(connection))
            with contextlib.suppress(ConnectionError):  # the server made room for others
                connection.sendall(head)
        yield connections


def test_a_web_page_gets_nowhere_without_signatures(serve: StartServer) -> None:
    server = serve("--auth", "none")
    port = urlsplit(server.url).port

    page = send(server, "POST", "/ListWorkflows", b"{}", {"Origin": "https://evil.example"})
    rebound = send(server, "POST", "/ListWorkflows", b"{}", {"Host": f"evil.example:{port}"})
    program = send(server, "POST", "/ListWorkflows", b"{}")

    assert [page[:2], rebound[:2]] == [(403, "ForbiddenException")] * 2
    assert program.status == 200
