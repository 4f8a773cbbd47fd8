"""Answers of the REST protocol: one way out for what went well, one for every error (ERR-01)."""

import json

from imagewright.errors import ApiError, FrontEndError
from imagewright.wire.messages import HttpAnswer
from imagewright.wire.model import service

JSON = (b"content-type", b"application/json")


def success(body: bytes, request_id: str) -> HttpAnswer:
    """Answer an operation with its response (WIRE-02, WIRE-09)."""
    return HttpAnswer(200, (JSON, _request_id(request_id)), body)


def failure(error: ApiError, request_id: str) -> HttpAnswer:
    """Answer with an error as the service sends it."""
    kind = (b"x-amzn-errortype", error.code.encode("ascii"))
    body = json.dumps({"message": error.message}).encode("ascii")
    return HttpAnswer(status_of(error), (JSON, _request_id(request_id), kind), body)


def status_of(error: ApiError) -> int:
    """Return the HTTP status: the error's own, or the one that the model has for its code."""
    if isinstance(error, FrontEndError):
        return error.status
    return service().statuses[error.code]


def _request_id(request_id: str) -> tuple[bytes, bytes]:
    return (b"x-amzn-requestid", request_id.encode("ascii"))
