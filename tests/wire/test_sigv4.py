from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import BaseSigner, SigV4QueryAuth
from botocore.credentials import Credentials

from imagewright.access.keys import AccessKey, AccessKeys
from imagewright.call import Principal
from imagewright.clock import SystemClock
from imagewright.errors import (
    FrontEndError,
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    RequestExpired,
    UnrecognizedClient,
)
from imagewright.wire.authentication import AnyRequest, SignedRequests
from imagewright.wire.messages import HttpRequest

Signed = Callable[..., HttpRequest]

TAGS_PATH = (
    "/tags/arn%3Aaws%3Aimagebuilder%3Aeu-west-1%3A123456789012%3Aworkflow%2Fbuild%2Fw%2F1.0.0%2F1"
)


@dataclass
class HandClock:
    moment: datetime

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime.now(UTC))


@pytest.fixture
def door(keys: AccessKeys, clock: HandClock) -> SignedRequests:
    return SignedRequests(keys, clock)


def presigner(expires: int) -> Callable[[Credentials, str, str], BaseSigner]:
    return lambda credentials, service, region: SigV4QueryAuth(
        credentials, service, region, expires
    )


def with_header(request: HttpRequest, name: bytes, value: bytes | None) -> HttpRequest:
    others = tuple(pair for pair in request.headers if pair[0] != name)
    return replace(request, headers=others if value is None else (*others, (name, value)))


def rewritten(request: HttpRequest, old: str, new: str) -> HttpRequest:
    """Change something within the Authorization header."""
    authorization = request.header(b"authorization")
    assert authorization is not None
    assert old.encode() in authorization
    return with_header(request, b"authorization", authorization.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PUT", "/CreateWorkflow", b'{"name": "w"}'),
        ("PUT", "/CreateWorkflow", '{"name": "größe"}'.encode()),
        ("GET", "/GetWorkflow?workflowBuildVersionArn=arn%3Aaws%3Ax%2Fy", b""),
        ("POST", "/ListWorkflows", b"{}"),
        ("GET", TAGS_PATH, b""),
        ("GET", "/tags/arn:aws:imagebuilder:eu-west-1:123456789012:image/a/1.0.0/1", b""),
        ("DELETE", TAGS_PATH + "?tagKeys=a%20b&tagKeys=k&tagKeys=A", b""),
        ("GET", "/GetWorkflow?b=2&a=~-_.&a=&a=1%2B1&A", b""),
        ("GET", "/a/../GetWorkflow/./x//y/", b""),
        ("GET", "/", b""),
    ],
)
def test_what_botocore_signs_is_accepted(
    door: SignedRequests, signed: Signed, key: AccessKey, method: str, target: str, body: bytes
) -> None:
    """WIRE-03, WIRE-04, WIRE-05: raw paths, encoded slashes, repeated query keys."""
    request = signed(method, target, body, headers={"Content-Type": "application/json"})

    caller = door.authenticate(request)

    assert caller.principal == Principal(key.account, key.arn, key.access_key_id)
    assert caller.region == "eu-west-1"


@pytest.mark.parametrize("target", [TAGS_PATH, "/GetWorkflow?b=2&a=1%2B1"])
def test_a_presigned_request_is_accepted(door: SignedRequests, signed: Signed, target: str) -> None:
    request = signed("GET", target, signer=presigner(60))

    assert door.authenticate(request).region == "eu-west-1"


def test_a_request_signed_with_a_date_header_is_accepted(
    door: SignedRequests, signed: Signed
) -> None:
    request = signed("GET", "/GetWorkflow", headers={"Date": "now"})

    assert request.header(b"x-amz-date") is None
    assert door.authenticate(request).region == "eu-west-1"


def test_spaces_within_a_signed_header_do_not_matter(door: SignedRequests, signed: Signed) -> None:
    request = signed("GET", "/GetWorkflow", headers={"x-amz-note": "two words"})

    spaced = with_header(request, b"x-amz-note", b"  two   words ")

    assert door.authenticate(spaced).region == "eu-west-1"


def test_one_changed_byte_anywhere_is_a_mismatch(door: SignedRequests, signed: Signed) -> None:
    request = signed(
        "PUT", "/CreateWorkflow?a=1", b"{}", headers={"x-amz-note": "1", "content-type": "a/b"}
    )
    tampered = [
        replace(request, body=b"{ }"),
        replace(request, method="POST"),
        replace(request, path=b"/CreateComponent"),
        replace(request, path=b"/Create%57orkflow"),
        replace(request, query=b"a=2"),
        replace(request, query=b"a=1&b"),
        with_header(request, b"x-amz-note", b"2"),
        with_header(request, b"x-amz-note", None),
        with_header(request, b"host", b"elsewhere:8080"),
        rewritten(request, "Signature=", "Signature=0"),
        rewritten(request, "eu-west-1", "eu-west-2"),
    ]

    door.authenticate(request)
    for other in tampered:
        with pytest.raises(InvalidSignature, match="The request signature we calculated"):
            door.authenticate(other)


def test_an_unsigned_payload_never_matches(door: SignedRequests, signed: Signed) -> None:
    request = signed(
        "PUT", "/CreateWorkflow", b"{}", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    )

    with pytest.raises(InvalidSignature):
        door.authenticate(request)


def test_a_mismatch_shows_what_was_hashed(door: SignedRequests, signed: Signed) -> None:
    request = signed("GET", "/GetWorkflow?a=1", secret="another")

    with pytest.raises(InvalidSignature) as caught:
        door.authenticate(request)

    assert "The Canonical String for this request should have been\n'GET\n/GetWorkflow\na=1\n" in (
        caught.value.message
    )


def test_no_signature_at_all_is_said_so(door: SignedRequests) -> None:
    """ERR-40."""
    with pytest.raises(MissingAuthenticationToken, match="Missing Authentication Token"):
        door.authenticate(HttpRequest("GET", b"/GetWorkflow", b"", ((b"host", b"x"),), b""))


def test_an_unknown_key_and_a_session_token_are_unrecognised(
    door: SignedRequests, signed: Signed, keys: AccessKeys, key: AccessKey
) -> None:
    """ERR-40: our keys have no sessions, so no token is one of ours."""
    with_token = signed("GET", "/GetWorkflow", token="left over in a shell")
    presigned = signed("GET", "/GetWorkflow", token="left over", signer=presigner(60))
    forgotten = signed("GET", "/GetWorkflow")

    for request in (with_token, presigned):
        with pytest.raises(UnrecognizedClient):
            door.authenticate(request)
    keys.delete(key.access_key_id)
    with pytest.raises(UnrecognizedClient):
        door.authenticate(forgotten)


@pytest.mark.parametrize(
    ("minutes", "message"),
    [(6, "Signature expired: .* is now earlier than"), (-6, "Signature not yet current: ")],
)
def test_a_clock_too_far_off_is_refused(
    door: SignedRequests, clock: HandClock, signed: Signed, minutes: int, message: str
) -> None:
    """ERR-42."""
    request = signed("GET", "/GetWorkflow")

    clock.moment += timedelta(minutes=minutes)

    with pytest.raises(InvalidSignature, match=message):
        door.authenticate(request)


@pytest.mark.parametrize("minutes", [4.9, -4.9])
def test_a_clock_slightly_off_is_accepted(
    door: SignedRequests, clock: HandClock, signed: Signed, minutes: float
) -> None:
    """ERR-42."""
    request = signed("GET", "/GetWorkflow")

    clock.moment += timedelta(minutes=minutes)

    assert door.authenticate(request).region == "eu-west-1"


def test_a_presigned_request_lasts_as_long_as_it_says(
    door: SignedRequests, clock: HandClock, signed: Signed
) -> None:
    request = signed("GET", "/GetWorkflow", signer=presigner(3600))

    clock.moment += timedelta(minutes=59)
    assert door.authenticate(request).region == "eu-west-1"

    clock.moment += timedelta(minutes=2)
    with pytest.raises(RequestExpired, match="Signature expired"):
        door.authenticate(request)


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", IncompleteSignature, "Unsupported AWS"),
        ("AWS4-HMAC-SHA256", "Bearer", IncompleteSignature, "Unsupported AWS"),
        ("Signature=", "Other=", IncompleteSignature, "requires 'Signature' parameter"),
        ("SignedHeaders=", "X=", IncompleteSignature, "requires 'SignedHeaders' parameter"),
        ("Credential=", "X=", IncompleteSignature, "requires 'Credential' parameter"),
        ("Signature=", "Signature", IncompleteSignature, "missing equal-sign"),
        ("/aws4_request", "", IncompleteSignature, "exactly 5 slash-delimited elements"),
        ("aws4_request", "aws5_request", InvalidSignature, "valid terminator"),
        ("/imagebuilder/", "/s3/", InvalidSignature, "correct service: 'imagebuilder'"),
        ("/eu-west-1/", "/local/", InvalidSignature, "valid region, not 'local'"),
        ("SignedHeaders=host;", "SignedHeaders=", InvalidSignature, "'Host' must be"),
    ],
)
def test_a_malformed_authorization_says_what_is_wrong(
    door: SignedRequests,
    signed: Signed,
    old: str,
    new: str,
    error: type[FrontEndError],
    message: str,
) -> None:
    """ERR-40."""
    with pytest.raises(error, match=message):
        door.authenticate(rewritten(signed("GET", "/GetWorkflow"), old, new))


@pytest.mark.parametrize(
    ("date", "error", "message"),
    [
        (None, IncompleteSignature, "either a 'X-Amz-Date' or a 'Date' header"),
        (b"yesterday", IncompleteSignature, "basic format'. Got 'yesterday'"),
        (b"20261399T000000Z", IncompleteSignature, "basic format"),
        (b"2026\xb2101T000000Z", IncompleteSignature, "basic format"),
        (b"00010101T000000Z", InvalidSignature, "does not match YYYYMMDD"),
        (b"99991231T235959Z", InvalidSignature, "does not match YYYYMMDD"),
    ],
)
def test_a_bad_date_is_refused(
    door: SignedRequests,
    signed: Signed,
    date: bytes | None,
    error: type[FrontEndError],
    message: str,
) -> None:
    request = with_header(signed("GET", "/GetWorkflow"), b"x-amz-date", date)

    with pytest.raises(error, match=message):
        door.authenticate(request)


@pytest.mark.parametrize("day", ["00010101", "99991231"])
def test_the_first_and_last_days_of_time_are_only_wrong(
    door: SignedRequests, signed: Signed, day: str
) -> None:
    request = signed("GET", "/GetWorkflow")
    timestamp = request.header(b"x-amz-date")
    assert timestamp is not None

    dated = rewritten(request, timestamp[:8].decode(), day)
    dated = with_header(dated, b"x-amz-date", f"{day}T000000Z".encode())

    with pytest.raises(InvalidSignature, match=r"Signature (expired|not yet current)"):
        door.authenticate(dated)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"X-Amz-Expires=60", b"X-Amz-Expires=604801", "X-Amz-Expires must be"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires=0", "X-Amz-Expires must be"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires=-1", "X-Amz-Expires must be"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires=%C2%B2", "X-Amz-Expires must be"),
        (b"X-Amz-Expires=60", b"", "must include 'X-Amz-Expires'"),
        (b"X-Amz-SignedHeaders=host", b"", "must include 'X-Amz-SignedHeaders'"),
        (b"AWS4-HMAC-SHA256", b"none", "Unsupported AWS"),
    ],
)
def test_a_malformed_presigned_request_says_what_is_wrong(
    door: SignedRequests, signed: Signed, old: bytes, new: bytes, message: str
) -> None:
    request = signed("GET", "/GetWorkflow", signer=presigner(60))
    assert old in request.query

    with pytest.raises(IncompleteSignature, match=message):
        door.authenticate(replace(request, query=request.query.replace(old, new)))


def test_header_and_query_together_are_refused(door: SignedRequests, signed: Signed) -> None:
    presigned = signed("GET", "/GetWorkflow", signer=presigner(60))
    both = replace(signed("GET", "/GetWorkflow"), query=presigned.query)

    with pytest.raises(IncompleteSignature, match="not in both"):
        door.authenticate(both)


def test_without_authentication_the_region_is_still_the_signatures(signed: Signed) -> None:
    """O-29."""
    anyone = Principal("000000000000", "arn:aws:iam::000000000000:root", "none")
    door = AnyRequest(anyone, "us-east-1")
    unsigned = HttpRequest("GET", b"/GetWorkflow", b"", (), b"")
    garbage = HttpRequest("GET", b"/GetWorkflow", b"", ((b"authorization", b"x"),), b"")

    callers = [
        door.authenticate(request)
        for request in (
            unsigned,
            garbage,
            signed("GET", "/GetWorkflow", secret="wrong"),
            signed("GET", "/GetWorkflow", region="nowhere"),
        )
    ]

    assert [caller.region for caller in callers] == [
        "us-east-1",
        "us-east-1",
        "eu-west-1",
        "us-east-1",
    ]
    assert {caller.principal for caller in callers} == {anyone}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_the_region(
    keys: AccessKeys, signed: Signed, region: str, partition: str
) -> None:
    """ARN-03."""
    caller = SignedRequests(keys, SystemClock()).authenticate(
        signed("GET", "/GetWorkflow", region=region)
    )

    assert caller.partition == partition
