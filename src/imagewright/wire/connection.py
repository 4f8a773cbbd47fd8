"""The connection as uvicorn serves it, with the limits that uvicorn leaves out.

A request has to arrive within a time, its head within a size; and where there are too many
connections, the one whose request has been awaited longest makes room. So neither silence, nor a
trickle, nor a flood keeps others out or fills the memory.
"""

import asyncio
import socket
from enum import Enum, auto
from http import HTTPStatus
from itertools import count
from operator import attrgetter
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from imagewright.errors import ApiError, HeadTooLarge, MalformedHttpRequest, RequestTimeout
from imagewright.wire import answers

RECEIVE_SECONDS = 30.0
"""From the first byte of a request, or from the connection's beginning, to its last byte."""

HEAD_BYTES_MAX = 1 << 16
"""Of a request's first line and headers; a signature in a query is far shorter."""

CONNECTIONS_MAX = 1024

_turns = count()


class _Stage(Enum):
    """How far a connection is with its request."""

    WAITING = auto()
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()


class GuardedConnection(HttpToolsProtocol):
    """One connection. The numbers are attributes, so that a test can make them small."""

    receive_seconds = RECEIVE_SECONDS
    head_bytes_max = HEAD_BYTES_MAX
    connections_max = CONNECTIONS_MAX

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._stage = _Stage.WAITING
        self._turn = next(_turns)
        """The lower, the longer ago the connection began to wait for its request."""
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        """Begin to wait for a request, and make room if there are too many who do."""
        super().connection_made(transport)
        # asyncio does so only for sockets that name their protocol, which listeners seldom do; an
        # answer is written in two parts, and the second would wait for the client's next packet.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._restart_deadline()
        if len(self.connections) > self.connections_max:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, up to the limit of a head."""
        began_earlier = self._stage is _Stage.HEAD
        super().data_received(data)
        if began_earlier and self._stage is _Stage.HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_bytes_max:
                self._refuse(HeadTooLarge(self.head_bytes_max))

    def on_message_begin(self) -> None:
        """Start the clock of a request."""
        super().on_message_begin()
        self._stage = _Stage.HEAD
        self._head_bytes = 0
        self._restart_deadline()

    def on_headers_complete(self) -> None:
        """Leave the limit of the body to the application."""
        self._stage = _Stage.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: the whole request is there."""
        self._stage = _Stage.ANSWER
        self._stop_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if self._stage is _Stage.ANSWER:  # an early answer leaves the rest of a request to come
            self._stage = _Stage.WAITING
        self._turn = next(_turns)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered (ERR-40)."""
        self._refuse(MalformedHttpRequest("The request is not well-formed HTTP."))

    def _restart_deadline(self) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(self.receive_seconds, self._too_slow)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self._stage is _Stage.WAITING:
            self.transport.close()
        else:
            self._refuse(RequestTimeout(self.receive_seconds))

    def _make_room(self) -> None:
        unfinished = [
            other
            for other in self.connections
            if isinstance(other, GuardedConnection) and other._stage is not _Stage.ANSWER
        ]
        longest = min(unfinished, key=attrgetter("_turn"))  # there is one: this connection
        self.connections.discard(longest)
        longest.transport.abort()

    def _refuse(self, error: ApiError) -> None:
        """Close the connection, with an answer unless one has begun already."""
        if self.transport.is_closing():
            return
        if self._may_answer():
            self.transport.write(_raw(error))
        self.transport.close()

    def _may_answer(self) -> bool:
        """Tell whether the client expects an answer now, and none has begun."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn says it is always there
        if cycle is None:
            return True
        if self._stage is _Stage.BODY:
            return not cycle.response_started and not self.pipeline
        return cycle.response_complete


def _raw(error: ApiError) -> bytes:
    """Spell an answer without an application behind it."""
    answer = answers.failure(error, str(uuid4()))
    lines = [b"HTTP/1.1 %d %s" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
    lines += [b": ".join(header) for header in answer.headers]
    lines += [b"content-length: %d" % len(answer.body), b"connection: close", b"", answer.body]
    return b"\r\n".join(lines)
