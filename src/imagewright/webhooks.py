"""Webhooks: events posted to URLs of the settings, signed as Standard Webhooks has it.

A request carries ``webhook-id`` (the event's id, the same however often it is told),
``webhook-timestamp`` (seconds since 1970) and ``webhook-signature``: ``v1,`` and the base64 of
HMAC-SHA256 over ``<id>.<timestamp>.<body>``, keyed with the bytes behind the secret's ``whsec_``.
"""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from imagewright.clock import Clock
from imagewright.engine.events import BuildEvent
from imagewright.settings import Webhooks as Settings

_PAUSE_SECONDS = 0.5
"""Before the second try; doubled before each one after."""
_PASSING = {408, 425, 429}
"""Refusals that another try may not meet, besides every 5xx."""


class WebhookError(Exception):
    """A webhook was not told; the message names its host, and no path: that may be a secret."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A signed event goes where the settings say, and nowhere else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


class Webhook:
    """Posts events to one URL."""

    def __init__(self, url: str, settings: Settings, clock: Clock) -> None:
        self._url = url
        self._settings = settings
        self._clock = clock
        self._opener = urllib.request.build_opener(_NoRedirects)

    def tell(self, event: BuildEvent) -> None:
        """Post an event, again and again up to the settings' tries. Raises WebhookError."""
        body = json.dumps(event.envelope(), ensure_ascii=False).encode()
        pause = _PAUSE_SECONDS
        for left in range(self._settings.tries_max - 1, -1, -1):
            problem, may_pass = self._post(event.id, body)
            if problem is None:
                return
            if left == 0 or not may_pass:
                host = urlsplit(self._url).netloc
                raise WebhookError(f"The webhook at {host} was not told: {problem}.")
            time.sleep(pause)
            pause *= 2

    def _post(self, event_id: str, body: bytes) -> tuple[str | None, bool]:
        """Return what went wrong, and whether another try may go right."""
        timestamp = str(int(self._clock.now().timestamp()))
        request = urllib.request.Request(  # noqa: S310 - the settings take http and https alone
            self._url,
            data=body,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "User-Agent": "imagewright",
                "webhook-id": event_id,
                "webhook-timestamp": timestamp,
                "webhook-signature": sign(self._settings.secret or "", event_id, timestamp, body),
            },
        )
        try:
            self._opener.open(request, timeout=self._settings.timeout_seconds).close()
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered {error.code}", error.code >= 500 or error.code in _PASSING
        except urllib.error.URLError as error:
            return f"it is out of reach ({error.reason})", True
        except (OSError, HTTPException) as error:
            return f"it did not answer ({str(error) or type(error).__name__})", True
        return None, False


def sign(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([event_id.encode(), timestamp.encode(), body])
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
