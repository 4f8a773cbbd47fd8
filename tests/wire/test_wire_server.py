"""A real client over a real connection; the handlers are the tests' own."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from imagewright import errors
from imagewright.access.keys import AccessKey, AccessKeys
from imagewright.call import Call
from imagewright.clock import SystemClock
from imagewright.wire.authentication import SignedRequests
from imagewright.wire.chain import Handler, wire_app
from imagewright.wire.messages import ASGIApp, HttpRequest
from imagewright.wire.model import service

if TYPE_CHECKING:
    from mypy_boto3_imagebuilder import ImagebuilderClient

Serve = Callable[[ASGIApp], str]
Start = Callable[..., str]

ARN = "arn:aws:imagebuilder:eu-west-1:123456789012:workflow/build/w/1.0.0/1"
WORKFLOW: dict[str, Any] = {"name": "workflow", "semanticVersion": "1.0.0", "type": "BUILD"}


@pytest.fixture
def start(serve: Serve, keys: AccessKeys) -> Start:
    def begin(handlers: Mapping[str, Handler], **options: Any) -> str:
        clock = SystemClock()
        return serve(
            wire_app(handlers, authenticator=SignedRequests(keys, clock), clock=clock, **options)
        )

    return begin


def client_of(address: str, key: AccessKey, service_name: str = "imagebuilder") -> Any:
    return boto3.client(
        service_name,  # type: ignore[call-overload]  # one of two names
        endpoint_url=address,
        region_name="eu-west-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def caught(act: Callable[..., object], **parameters: Any) -> ClientError:
    with pytest.raises(ClientError) as info:
        act(**parameters)
    return info.value


def test_a_client_calls_a_handler(start: Start, key: AccessKey) -> None:
    """WIRE-02, WIRE-06, WIRE-09."""
    seen: list[tuple[Any, Call]] = []

    def create(request: Any, call: Call) -> Mapping[str, Any]:
        seen.append((request, call))
        return {"clientToken": request["clientToken"], "workflowBuildVersionArn": ARN}

    client: ImagebuilderClient = client_of(start({"CreateWorkflow": create}), key)
    answer = client.create_workflow(**WORKFLOW, data="größe: \N{GRINNING FACE}", tags={"a": "b"})

    request, call = seen[0]
    assert request == WORKFLOW | {
        "data": "größe: \N{GRINNING FACE}",
        "tags": {"a": "b"},
        "clientToken": answer["clientToken"],
    }
    assert (call.operation, call.account, call.region) == (
        "CreateWorkflow",
        "123456789012",
        "eu-west-1",
    )
    assert call.principal.arn == "arn:aws:iam::123456789012:user/alice"
    assert answer["workflowBuildVersionArn"] == ARN
    assert answer["ResponseMetadata"]["RequestId"] == call.request_id
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"


def test_tags_travel_with_their_arn_in_the_path(start: Start, key: AccessKey) -> None:
    """WIRE-03, WIRE-05."""
    seen: list[Any] = []

    def remember(request: Any, call: Call) -> Mapping[str, Any]:
        seen.append(request)
        return {}

    client = client_of(start({"TagResource": remember, "UntagResource": remember}), key)
    client.tag_resource(resourceArn=ARN, tags={"a b": "c/d"})
    client.untag_resource(resourceArn=ARN, tagKeys=["a b", "k"])

    assert seen == [
        {"resourceArn": ARN, "tags": {"a b": "c/d"}},
        {"resourceArn": ARN, "tagKeys": ["a b", "k"]},
    ]


def test_the_client_raises_every_error_by_its_name(start: Start, key: AccessKey) -> None:
    """ERR-01, ERR-03, ERR-10."""
    kinds = {code: type(code, (errors.ApiError,), {"code": code}) for code in service().statuses}

    def fail(request: Any, call: Call) -> Mapping[str, Any]:
        raise kinds[request["description"]]("It is so.")

    client = client_of(start({"CreateWorkflow": fail}), key)
    for code, status in service().statuses.items():
        error = caught(client.create_workflow, **WORKFLOW, description=code)

        assert isinstance(error, client.exceptions.from_code(code))
        assert type(error).__name__ == code
        assert error.response["Error"] == {"Code": code, "Message": "It is so."}
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_operation_without_a_handler_says_so(start: Start, key: AccessKey) -> None:
    client = client_of(start({}), key)

    error = caught(client.create_workflow, **WORKFLOW)

    assert error.response["Error"] == {
        "Code": "NotImplemented",
        "Message": "imagewright does not serve the operation CreateWorkflow yet. "
        "Nothing was changed.",
    }
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_guard_stands_before_the_parameters(start: Start, key: AccessKey) -> None:
    """ERR-30, ERR-41."""

    def refuse(call: Call) -> None:
        raise errors.AccessDenied(call.principal.arn, f"imagebuilder:{call.operation}", "*")

    def never(request: Any, call: Call) -> Mapping[str, Any]:
        raise AssertionError(request)

    client = client_of(start({"CreateWorkflow": never}, guards=[refuse]), key)
    error = caught(client.create_workflow, **WORKFLOW | {"type": "NOPE"})

    assert error.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
        "imagebuilder:CreateWorkflow on resource: *",
    }
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_stopping_server_serves_nothing_new(start: Start, key: AccessKey) -> None:
    """§4.6: ServiceUnavailableException."""
    stopping = threading.Event()
    handlers: dict[str, Handler] = {"ListWorkflows": lambda request, call: {}}
    address = start(handlers, draining=stopping.is_set)
    client, sts = client_of(address, key), client_of(address, key, "sts")
    client.list_workflows()

    stopping.set()

    for act in (client.list_workflows, sts.get_caller_identity):
        error = caught(act)
        assert error.response["Error"]["Code"] == "ServiceUnavailableException"
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_handlers_run_side_by_side(start: Start, key: AccessKey) -> None:
    together = threading.Barrier(4, timeout=60)

    def meet(request: Any, call: Call) -> Mapping[str, Any]:
        together.wait()
        return {}

    client = client_of(start({"ListWorkflows": meet}, handler_threads=4), key)
    callers = [threading.Thread(target=client.list_workflows) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert not together.broken


def test_who_am_i(start: Start, key: AccessKey) -> None:
    """``sts:GetCallerIdentity`` at the same address."""
    sts = client_of(start({}), key, "sts")

    identity = sts.get_caller_identity()

    assert identity["Account"] == "123456789012"
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/alice"
    assert identity["UserId"].startswith("AIDA")
    assert identity["ResponseMetadata"]["RequestId"]


def test_sts_errors_come_as_sts_sends_them(start: Start, key: AccessKey, keys: AccessKeys) -> None:
    sts = client_of(start({}), key, "sts")

    other = caught(sts.get_session_token)
    keys.delete(key.access_key_id)
    unknown = caught(sts.get_caller_identity)

    assert other.response["Error"]["Code"] == "InvalidAction"
    assert "GetSessionToken" in other.response["Error"]["Message"]
    assert other.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert unknown.response["Error"]["Code"] == "InvalidClientTokenId"
    assert unknown.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def connection_to(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30)


def test_a_huge_body_is_refused_and_never_kept(start: Start, key: AccessKey) -> None:
    """ERR-40: 100 MiB, announced or chunk by chunk; the server goes on."""
    address = start({"ListWorkflows": lambda request, call: {}}, body_bytes_max=1 << 16)
    piece = b"x" * (1 << 20)

    def pieces() -> Any:
        for _ in range(100):
            yield piece

    announced = {"Content-Length": str(100 << 20)}
    for headers, chunked in ((announced, False), ({"Transfer-Encoding": "chunked"}, True)):
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        connection.request(
            "PUT", "/CreateWorkflow", pieces(), headers=headers, encode_chunked=chunked
        )
        answer = connection.getresponse()

        assert answer.status == 413
        assert answer.getheader("x-amzn-errortype") == "RequestEntityTooLargeException"
        assert "65536 bytes" in json.loads(answer.read())["message"]
        connection.close()
    client_of(address, key).list_workflows()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /tags/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /GetWorkflow HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PUT /CreateWorkflow HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"PUT /CreateWorkflow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{}",
        b"GET /GetWorkflow HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n" * 1000,
    ],
    ids=lambda value: repr(value[:40]),
)
def test_nonsense_is_a_clients_error_and_the_server_goes_on(
    start: Start, key: AccessKey, sent: bytes
) -> None:
    """ERR-40."""
    address = start({"ListWorkflows": lambda request, call: {}})

    with connection_to(address) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = connection.makefile("rb").readline()

    assert received == b"" or received.split()[1].startswith(b"4")
    client_of(address, key).list_workflows()


def test_a_client_that_leaves_half_way_does_no_harm(start: Start, key: AccessKey) -> None:
    address = start({"ListWorkflows": lambda request, call: {}})

    for _ in range(20):
        with connection_to(address) as connection:
            connection.sendall(
                b"PUT /CreateWorkflow HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
            )

    client_of(address, key).list_workflows()


def test_a_request_signed_for_another_host_is_refused(
    start: Start, signed: Callable[..., HttpRequest], key: AccessKey
) -> None:
    address = start({"ListWorkflows": lambda request, call: {}})
    elsewhere = signed("POST", "/ListWorkflows", b"{}")
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)

    headers = {name.decode(): value.decode() for name, value in elsewhere.headers}
    connection.request("POST", "/ListWorkflows", b"{}", headers | {"host": parts.netloc})
    refused = connection.getresponse()
    refused.read()
    connection.request("POST", "/ListWorkflows", b"{}", headers)
    accepted = connection.getresponse()
    accepted.read()
    connection.close()

    assert (refused.status, accepted.status) == (403, 200)
