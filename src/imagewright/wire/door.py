"""The same signatures for what AWS has no operation for: a door in front of another app."""

from uuid import uuid4

import structlog
from anyio import to_thread

from imagewright.errors import ApiError, InternalFailure
from imagewright.wire import answers
from imagewright.wire.authentication import Authenticator
from imagewright.wire.messages import (
    ASGIApp,
    ClientGone,
    HttpRequest,
    Message,
    Receive,
    Scope,
    Send,
    read_body,
)

_log = structlog.get_logger()

CALLER = "imagewright.caller"
"""Where in the ASGI scope the app behind the door finds its ``Caller``."""


def signed_door(app: ASGIApp, authenticator: Authenticator, *, body_bytes_max: int) -> ASGIApp:
    """Put a door before an ASGI app that opens for authenticated HTTP requests only.

    The app sees the whole body at its first ``receive``; what it answers may be a stream.
    """

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} has no signature that could be checked")
        try:
            body = await read_body(scope, receive, body_bytes_max)
            request = HttpRequest.from_scope(scope, body)
            caller = await to_thread.run_sync(authenticator.authenticate, request)
        except ClientGone:
            return
        except ApiError as error:
            await answers.failure(error, str(uuid4())).send(send)
            return
        except Exception:
            request_id = str(uuid4())
            _log.exception("A request met a defect.", request_id=request_id)
            await answers.failure(InternalFailure(), request_id).send(send)
            return
        await app({**scope, CALLER: caller}, _replay(body, receive), send)

    return door


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read already, then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
