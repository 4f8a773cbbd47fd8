"""Talking to a server: AWS's operations and the second door's, over one signed connection each."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from imagewright.wire.authentication import SERVICE
from imagewright.wire.messages import HttpRequest
from imagewright.wire.sigv4 import sign, timestamp_of

DOOR = "/imagewright/v1"

_ANSWER_SECONDS = 900.0
"""Packing an image for export takes its time before the first byte comes."""

_THROTTLED_SECONDS = 30.0
"""How long a request is made again that came too soon after others (``requests_per_second``)."""
_THROTTLED_TICK_SECONDS = 0.25


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class Unreachable(Exception):
    """No server answers, or it went away in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Client:
    """Signs requests and reads answers. Each request has a connection of its own."""

    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    account: str
    region: str

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of the API as the service model has it; a token is made up for it.

        Raises Refused, Unreachable.
        """
        from imagewright.wire.model import service

        found = service().operations[operation]
        shape = service().shapes[found.input]
        body: dict[str, Any] = {}
        query: dict[str, str] = {}
        path = found.uri
        for member in shape.members:
            value = members.get(member.name, str(uuid4()) if member.is_token else None)
            if value is None:
                continue
            if member.location == "body":
                body[member.wire_name] = value
            elif member.location == "querystring":
                query[member.wire_name] = str(value)
            else:
                path = path.replace(f"{{{member.wire_name}}}", quote(str(value), safe=""))
        with self._ask(found.method, path, query, body) as response:
            return _json(response)

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Ask the second door. Raises Refused, Unreachable."""
        with self._ask("GET", DOOR + path, query, None) as response:
            return _json(response)

    def post(self, path: str, body: Mapping[str, Any], **query: str | int) -> dict[str, Any]:
        """Have the second door do something. Raises Refused, Unreachable."""
        with self._ask("POST", DOOR + path, query, body) as response:
            return _json(response)

    def events(self, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Yield what the second door tells, line by line, while it does. Raises as above."""
        with self._ask("GET", DOOR + path, query, None) as response:
            yield from map(json.loads, _lines(response))

    @contextmanager
    def download(self, path: str, **query: str | int) -> Iterator[HTTPResponse]:
        """Open an answer that is a file. Raises as above; reading it may raise Unreachable."""
        with self._ask("GET", DOOR + path, query, None) as response, _connection_kept():
            yield response

    @contextmanager
    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        body: Mapping[str, Any] | None,
    ) -> Iterator[HTTPResponse]:
        where = urlsplit(self.url)
        content = b"" if body is None else json.dumps(body).encode()
        request = HttpRequest(
            method=method,
            path=path.encode("ascii"),
            query=urlencode(query, quote_via=quote).encode("ascii"),
            headers=(
                (b"host", where.netloc.encode("ascii")),
                (b"x-amz-date", timestamp_of(datetime.now(UTC)).encode("ascii")),
            ),
            body=content,
        )
        headers = {name.decode(): value.decode() for name, value in request.headers}
        headers["authorization"] = sign(
            request,
            access_key_id=self.access_key_id,
            secret=self.secret_access_key,
            region=self.region,
            service=SERVICE,
        )
        headers["content-type"] = "application/json"
        target = path + (f"?{request.query.decode()}" if query else "")
        until = time.monotonic() + _THROTTLED_SECONDS
        while True:
            connection = HTTPConnection(where.netloc, timeout=_ANSWER_SECONDS)
            try:
                with _connection_kept():
                    connection.request(method, target, body=content, headers=headers)
                    response = connection.getresponse()
                    is_throttled = response.status == HTTPStatus.TOO_MANY_REQUESTS
                    if response.status >= 400 and not (is_throttled and time.monotonic() < until):
                        raise _refusal(response)
                if not is_throttled:
                    yield response
                    return
            finally:
                connection.close()
            time.sleep(_THROTTLED_TICK_SECONDS)


@contextmanager
def _connection_kept() -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        raise Unreachable(f"the server went away: {error!r}") from error


def _refusal(response: HTTPResponse) -> Refused:
    code = (response.getheader("x-amzn-errortype") or str(response.status)).partition(":")[0]
    try:
        message = json.loads(response.read())["message"]
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {response.status} {response.reason}"
    return Refused(code, str(message))


def _json(response: HTTPResponse) -> dict[str, Any]:
    with _connection_kept():
        answer: dict[str, Any] = json.loads(response.read())
        return answer


def _lines(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        with _connection_kept():
            line = response.readline()
        if not line:
            return
        yield line
