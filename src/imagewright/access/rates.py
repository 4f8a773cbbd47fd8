"""How many requests an account may send in a second."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from imagewright.errors import CallRateLimitExceeded


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """A bucket of tokens per account; one second's worth may be spent at once."""

    def __init__(
        self, requests_per_second: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = requests_per_second
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def spend(self, account: str) -> None:
        """Take one request; a rate of 0 is no limit. Raises CallRateLimitExceeded."""
        if not self._rate:
            return
        capacity = max(self._rate, 1.0)
        now = self._monotonic()
        with self._lock:
            bucket = self._buckets.setdefault(account, _Bucket(capacity, now))
            grown = bucket.tokens + (now - bucket.filled_at) * self._rate
            bucket.tokens, bucket.filled_at = min(capacity, grown), now
            if bucket.tokens < 1:
                raise CallRateLimitExceeded
            bucket.tokens -= 1
