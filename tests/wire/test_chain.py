import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from imagewright.access.keys import AccessKey, AccessKeys
from imagewright.call import Call, Principal
from imagewright.clock import SystemClock
from imagewright.wire.authentication import AnyRequest, Authenticator, SignedRequests
from imagewright.wire.chain import Chain, Handler
from imagewright.wire.messages import HttpAnswer, HttpRequest
from imagewright.wire.model import service

Signed = Callable[..., HttpRequest]

ANYONE = AnyRequest(
    Principal("000000000000", "arn:aws:iam::000000000000:root", "none"), "us-east-1"
)


def chain(handlers: Mapping[str, Handler], authenticator: Authenticator = ANYONE) -> Chain:
    return Chain(
        handlers,
        authenticator=authenticator,
        clock=SystemClock(),
        guards=(),
        draining=lambda: False,
        client_token_required=True,
    )


def header(answer: HttpAnswer, name: bytes) -> str:
    return dict(answer.headers)[name].decode()


def request(method: str, path: bytes, body: bytes = b"", query: bytes = b"") -> HttpRequest:
    return HttpRequest(method, path, query, (), body)


def test_a_defect_is_logged_with_its_trace_and_never_shown() -> None:
    """ERR-40: InternalFailure."""

    def broken(parameters: Any, call: Call) -> Mapping[str, Any]:
        raise ZeroDivisionError("secret detail")

    with capture_logs() as logs:
        answer = chain({"ListWorkflows": broken}).answer(request("POST", b"/ListWorkflows"))

    assert answer.status == 500
    assert header(answer, b"x-amzn-errortype") == "InternalFailure"
    assert b"secret" not in answer.body
    assert b"Zero" not in answer.body
    assert logs[0]["log_level"] == "error"
    assert logs[0]["exc_info"]


def test_a_response_outside_the_model_is_a_defect_too() -> None:
    handlers: dict[str, Handler] = {"ListWorkflows": lambda parameters, call: {"workflow": []}}

    with capture_logs() as logs:
        answer = chain(handlers).answer(request("POST", b"/ListWorkflows"))

    assert answer.status == 500
    assert logs[0]["exc_info"]


def test_a_request_is_one_line_in_the_log() -> None:
    with capture_logs() as logs:
        chain({}).answer(request("GET", b"/nowhere"))

    assert [(line["path"], line["status"], line["log_level"]) for line in logs] == [
        ("/nowhere", 404, "debug")
    ]


def test_the_checks_come_in_their_order(keys: AccessKeys, signed: Signed) -> None:
    """ERR-30: authentication, route, JSON and types, constraints."""
    door = chain(
        {"CreateWorkflow": lambda parameters, call: {}}, SignedRequests(keys, SystemClock())
    )
    bad_value = b'{"name": ".", "semanticVersion": "1", "type": "X", "clientToken": "t"}'
    bad_type = bad_value.replace(b'"t"', b"1")
    unsigned = request("PUT", b"/nowhere", b"{")

    codes = [
        header(door.answer(sent), b"x-amzn-errortype")
        for sent in (
            unsigned,
            signed("PUT", "/nowhere", b"{"),
            signed("PUT", "/CreateWorkflow", bad_type),
            signed("PUT", "/CreateWorkflow", bad_value),
        )
    ]

    assert codes == [
        "MissingAuthenticationTokenException",
        "UnknownOperationException",
        "InvalidRequestException",
        "InvalidParameterValueException",
    ]


def test_every_answer_has_a_request_id_of_its_own() -> None:
    """WIRE-09, IDS-02."""
    wire = chain({"ListWorkflows": lambda parameters, call: {}})

    ids = {
        header(wire.answer(request(method, path)), b"x-amzn-requestid")
        for method, path in [("POST", b"/ListWorkflows"), ("GET", b"/x"), ("POST", b"/CreateImage")]
        for _ in range(5)
    }

    assert len(ids) == 15
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in ids)


def test_sts_is_asked_in_the_address_too(keys: AccessKeys, signed: Signed, key: AccessKey) -> None:
    wire = chain({}, SignedRequests(keys, SystemClock()))
    asked = signed("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", service="sts")

    answer = wire.answer(asked)

    assert answer.status == 200
    assert f"<Arn>{key.arn}</Arn>".encode() in answer.body


@pytest.mark.parametrize(
    ("service_name", "query", "code"),
    [
        ("imagebuilder", "/?Action=GetCallerIdentity", b"SignatureDoesNotMatch"),
        ("sts", "/?Action=%3C%00%F0%9F%98%80", b"InvalidAction"),
        ("sts", "/?Action=", b"InvalidAction"),
    ],
)
def test_sts_refuses_in_its_own_words(
    keys: AccessKeys, signed: Signed, service_name: str, query: str, code: bytes
) -> None:
    wire = chain({}, SignedRequests(keys, SystemClock()))

    answer = wire.answer(signed("GET", query, service=service_name))

    assert b"<Code>" + code + b"</Code>" in answer.body
    assert answer.body.isascii() or answer.body.decode("utf-8")
    assert header(answer, b"content-type") == "text/xml"


def test_a_signature_for_sts_opens_no_other_door(keys: AccessKeys, signed: Signed) -> None:
    wire = chain({}, SignedRequests(keys, SystemClock()))

    answer = wire.answer(signed("POST", "/ListWorkflows", b"{}", service="sts"))

    assert header(answer, b"x-amzn-errortype") == "InvalidSignatureException"


PATHS = st.one_of(
    st.binary(max_size=60).map(lambda tail: b"/" + tail),
    st.sampled_from([operation.uri.encode() for operation in service().operations.values()]),
    st.binary(max_size=60).map(lambda tail: b"/tags/" + tail),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
thorough = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def accepting() -> Chain:
    return chain({name: lambda parameters, call: {} for name in service().operations})


@thorough
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    path=PATHS,
    query=st.binary(max_size=80),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [b"authorization", b"x-amz-date", b"host", b"date", b"content-type", b"x"]
            ),
            st.binary(max_size=80)
            | st.binary(max_size=60).map(lambda rest: b"AWS4-HMAC-SHA256 Credential=" + rest),
        ),
        max_size=5,
    ),
    body=st.binary(max_size=200),
)
def test_no_bytes_make_it_fail(
    method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    sent = HttpRequest(method, path, query, tuple(headers), body)
    signing = chain({}, SignedRequests(NO_KEYS, SystemClock()))

    for wire in (accepting(), signing):
        assert wire.answer(sent).status < 500


@thorough
@given(name=st.sampled_from(sorted(service().operations)), data=st.data())
def test_no_json_makes_it_fail(name: str, data: st.DataObject) -> None:
    operation = service().operations[name]
    members = [member.wire_name for member in service().shapes[operation.input].members]
    keys = st.sampled_from(members) | st.text(max_size=5)
    body = data.draw(st.dictionaries(keys, JSON, max_size=5))
    path = operation.uri.partition("{")[0].encode() + (b"x" if "{" in operation.uri else b"")

    sent = request(operation.method, path, json.dumps(body).encode())

    assert accepting().answer(sent).status < 500


@thorough
@given(authorization=st.text(max_size=200), date=st.text("0123456789TZ", max_size=17))
def test_no_signature_makes_it_fail(authorization: str, date: str) -> None:
    headers = (
        (b"authorization", b"AWS4-HMAC-SHA256 " + authorization.encode()),
        (b"x-amz-date", date.encode()),
    )
    wire = chain({}, SignedRequests(NO_KEYS, SystemClock()))

    answer = wire.answer(replace(request("GET", b"/GetWorkflow"), headers=headers))

    assert answer.status == 403


class _NoKeys:
    def find(self, access_key_id: str, /) -> None:
        return None


NO_KEYS = _NoKeys()
