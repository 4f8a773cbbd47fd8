"""Pages of lists: opaque tokens that hold a place and nothing else (section 6.1)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from imagewright.call import Call
from imagewright.errors import InvalidPaginationToken

PAGE_DEFAULT = 25
_LIFETIME = timedelta(hours=24)  # PAG-09
_SEAL_BYTES = 16
_NOT_POSITION = {"nextToken", "maxResults"}

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Page(Generic[Entry]):
    """One page, and the token of the next if there is one."""

    entries: Sequence[Entry]
    next_token: str | None

    def members(self, list_member: str, show: Callable[[Entry], Any]) -> dict[str, Any]:
        """Return the response members of this page."""
        shown: dict[str, Any] = {list_member: [show(entry) for entry in self.entries]}
        if self.next_token is not None:
            shown["nextToken"] = self.next_token
        return shown


class Pager:
    """Cuts lists into pages.

    A token is bound to the operation, the caller and every other parameter (PAG-05), and
    expires; it holds the place after which the next page starts, so entries made or deleted
    meanwhile are neither repeated nor skipped (PAG-07).
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def cut(
        self,
        request: Mapping[str, Any],
        call: Call,
        *,
        fetch: Callable[[Any, int], Sequence[Entry]],
        place: Callable[[Entry], Any],
    ) -> Page[Entry]:
        """Return the page that a request asks for.

        ``fetch`` gets the place to go on after (None: from the start) and how many entries to
        return at most; ``place`` tells the place of an entry as something JSON can hold.
        Raises InvalidPaginationToken (PAG-05, PAG-06).
        """
        size = request.get("maxResults") or PAGE_DEFAULT
        token = request.get("nextToken")
        after = None if token is None else self._open(token, request, call)
        entries = fetch(after, size + 1)
        if len(entries) <= size:
            return Page(entries, None)
        return Page(entries[:size], self._seal(place(entries[size - 1]), request, call))

    def _seal(self, place: Any, request: Mapping[str, Any], call: Call) -> str:
        expires_at = int((call.received_at + _LIFETIME).timestamp())
        content = json.dumps([expires_at, place], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mark(content, request, call) + content).decode()

    def _open(self, token: str, request: Mapping[str, Any], call: Call) -> Any:
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise InvalidPaginationToken from None
        mark, content = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(mark, self._mark(content, request, call)):
            raise InvalidPaginationToken
        expires_at, place = json.loads(content)
        if call.received_at.timestamp() > expires_at:
            raise InvalidPaginationToken
        return place

    def _mark(self, content: bytes, request: Mapping[str, Any], call: Call) -> bytes:
        asked = {name: value for name, value in request.items() if name not in _NOT_POSITION}
        bound_to = [call.operation, call.account, call.region, asked]
        context = json.dumps(bound_to, sort_keys=True, separators=(",", ":")).encode()
        return hmac.digest(self._secret, context + b"\0" + content, hashlib.sha256)[:_SEAL_BYTES]
