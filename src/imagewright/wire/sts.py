"""``sts:GetCallerIdentity``, which clients ask before anything else, in STS's own protocol.

A query as a form (POST) or in the address (GET) at ``/``; XML comes back. It is the only action
of STS that is served; the others are refused by name.
"""

import base64
import hashlib
import html
from urllib.parse import parse_qsl

from imagewright.call import Principal
from imagewright.errors import (
    ApiError,
    FrontEndError,
    InvalidSignature,
    MissingAuthenticationToken,
    UnrecognizedClient,
)
from imagewright.wire.answers import status_of
from imagewright.wire.messages import HttpAnswer, HttpRequest

SERVICE = "sts"

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_QUERY_CODES = {
    MissingAuthenticationToken.code: "MissingAuthenticationToken",
    UnrecognizedClient.code: "InvalidClientTokenId",
    InvalidSignature.code: "SignatureDoesNotMatch",
}
"""AWS's services that answer in XML spell these codes differently."""


class InvalidAction(FrontEndError):
    """An action of STS that is not served."""

    code = "InvalidAction"
    status = 400

    def __init__(self, action: str) -> None:
        super().__init__(f"Could not find operation {action[:100]} for version 2011-06-15")


def is_for_sts(request: HttpRequest) -> bool:
    """Tell whether a request is meant for STS: no operation of ours lives at ``/``."""
    if request.path != b"/":
        return False
    form = request.header(b"content-type") or b""
    return (request.method == "GET" and b"Action=" in request.query) or (
        request.method == "POST" and form.startswith(b"application/x-www-form-urlencoded")
    )


def answer_action(request: HttpRequest, principal: Principal, request_id: str) -> HttpAnswer:
    """Answer an authenticated request. Raises InvalidAction."""
    fields = request.body if request.method == "POST" else request.query
    action = _action(fields)
    if action != "GetCallerIdentity":
        raise InvalidAction(action)
    return _xml(
        200,
        f'<GetCallerIdentityResponse xmlns="{_NAMESPACE}"><GetCallerIdentityResult>'
        f"<Arn>{_text(principal.arn)}</Arn><UserId>{_user_id(principal)}</UserId>"
        f"<Account>{_text(principal.account)}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>",
        request_id,
    )


def failure(error: ApiError, request_id: str) -> HttpAnswer:
    """Answer with an error as STS sends it."""
    status = status_of(error)
    code = _QUERY_CODES.get(error.code, error.code)
    at_fault = "Sender" if status < 500 else "Receiver"
    return _xml(
        status,
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{at_fault}</Type><Code>{code}</Code>'
        f"<Message>{_text(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>",
        request_id,
    )


def _action(fields: bytes) -> str:
    pairs = dict(parse_qsl(fields.decode("latin-1"), errors="replace"))
    return pairs.get("Action", "")


def _user_id(principal: Principal) -> str:
    """Return an id of a user's form, always the same for one ARN; the account's for its root."""
    if principal.arn.endswith(":root"):
        return principal.account
    digest = hashlib.sha256(principal.arn.encode()).digest()
    return "AIDA" + base64.b32encode(digest).decode("ascii")[:17]


def _xml(status: int, body: str, request_id: str) -> HttpAnswer:
    headers = (
        (b"content-type", b"text/xml"),
        (b"x-amzn-requestid", request_id.encode("ascii")),
    )
    return HttpAnswer(status, headers, body.encode("utf-8"))


def _text(value: str) -> str:
    """Escape a value, without the characters that XML cannot hold."""
    return html.escape("".join(c if c.isprintable() or c == "\n" else "?" for c in value))
