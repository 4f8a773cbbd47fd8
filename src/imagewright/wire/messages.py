"""Requests and answers as plain values, and reading a body that may be hostile."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from imagewright.errors import MalformedHttpRequest, RequestEntityTooLarge

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
"""As Starlette spells them; spelt again so that the wire starts without it."""


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, byte for byte where a signature depends on it."""

    method: str
    path: bytes
    """As it was sent, percent-encoding and all."""
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case, in the order of the request; a name may come more than once."""
    body: bytes

    @classmethod
    def from_scope(cls, scope: Scope, body: bytes) -> "HttpRequest":
        """Take what matters from an ASGI scope."""
        return cls(
            method=scope["method"],
            path=scope["raw_path"],
            query=scope["query_string"],
            headers=tuple((name, value) for name, value in scope["headers"]),
            body=body,
        )

    def header(self, name: bytes) -> bytes | None:
        """Return the value of a header given once; several values are joined by commas."""
        values = [value for key, value in self.headers if key == name]
        return b",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back, whole."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    async def send(self, send: Send) -> None:
        """Write it to the connection."""
        length = (b"content-length", b"%d" % len(self.body))
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [*self.headers, length],
            }
        )
        await send({"type": "http.response.body", "body": self.body})


async def read_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """Read a request's body, never more of it than allowed.

    Raises RequestEntityTooLarge as soon as that is known, MalformedHttpRequest for a length that
    is no number, ClientGone when the rest will never come.
    """
    if _declared_length(scope) > limit_bytes:
        raise RequestEntityTooLarge(limit_bytes)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > limit_bytes:
            raise RequestEntityTooLarge(limit_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise MalformedHttpRequest("The header Content-Length is not a number.")
            return int(value)
    return 0
