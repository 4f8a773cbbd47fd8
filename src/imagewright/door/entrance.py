"""One port, two doors: which of them a request is for."""

from collections.abc import Callable
from functools import cache

from anyio import to_thread

from imagewright.wire.messages import ASGIApp, Receive, Scope, Send

PREFIX = b"/imagewright/"
"""No path of AWS's begins so."""


def two_doors(first: ASGIApp, open_second: Callable[[], ASGIApp]) -> ASGIApp:
    """Send requests below the prefix to the second app, which is loaded when one comes.

    The first app pays for it with one comparison.
    """
    second = cache(open_second)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"].startswith(PREFIX):
            behind = await to_thread.run_sync(second)
            await behind(scope, receive, send)
        else:
            await first(scope, receive, send)

    return app
