"""How every create, update and start runs: once per client token, in one transaction.

The order of checks is the service's (ERR-30): a replay comes before the values are looked at,
existence, uniqueness and quota after; a dry run leaves at the very end.
"""

import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from imagewright.call import Call
from imagewright.errors import DryRunSucceeded, ResourceInUse
from imagewright.store import tokens
from imagewright.store.database import Database
from imagewright.store.tokens import TokenUse

Prepared = TypeVar("Prepared")


class Once:
    """Runs tokened operations. Safe to use from many threads."""

    def __init__(self, database: Database, secret: bytes, *, wait_seconds: float) -> None:
        self._database = database
        self._secret = secret
        self._in_flight = _InFlight(wait_seconds)

    def run(
        self,
        request: Mapping[str, Any],
        call: Call,
        *,
        prepare: Callable[[], Prepared],
        commit: Callable[[Connection, Prepared], Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        """Answer a request, or give again the answer that its token had before (IDM-02, IDM-12).

        ``prepare`` checks values and reads what lies outside (no transaction is open);
        ``commit`` does the rest inside one. Neither runs for a replay.
        Raises ResourceInUse when the same token is still at work after the wait (IDM-06),
        IdempotentParameterMismatch (IDM-03), DryRunSucceeded (CRT-30), and what the two raise.
        """
        if request.get("dryRun"):
            self._rehearse(prepare, commit)
        use = self._use(request, call)
        with self._in_flight.alone((call.account, call.region, call.operation, use.token)):
            with self._database.read() as connection:
                answer = tokens.find_answer(connection, use)
            if answer is None:
                answer = self._first_run(use, prepare(), commit)
        return answer

    def _first_run(
        self,
        use: TokenUse,
        prepared: Prepared,
        commit: Callable[[Connection, Prepared], Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        with self._database.write() as connection:
            answer = tokens.claim(connection, use)
            if answer is None:
                answer = {**commit(connection, prepared), "clientToken": use.token}
                tokens.remember(connection, use, answer)
        return answer

    def _rehearse(
        self,
        prepare: Callable[[], Prepared],
        commit: Callable[[Connection, Prepared], Mapping[str, Any]],
    ) -> None:
        """Do everything and keep nothing; the token is neither used nor looked up (IDM-08)."""
        prepared = prepare()
        with self._database.write() as connection:
            commit(connection, prepared)
            raise DryRunSucceeded

    def _use(self, request: Mapping[str, Any], call: Call) -> TokenUse:
        parameters = {name: value for name, value in request.items() if name != "clientToken"}
        return TokenUse(
            account=call.account,
            region=call.region,
            operation=call.operation,
            token=request["clientToken"],
            digest=digest(self._secret, parameters),
            at=call.received_at,
        )


def digest(secret: bytes, facts: Any) -> str:
    """Return a fingerprint of JSON-like facts that tells nobody what they were (IDM-09)."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.digest(secret, canonical.encode("utf-8", "surrogatepass"), "sha256").hex()


class _InFlight:
    """Which tokens are at work in this process.

    Only a courtesy: what makes a token run once is its row, claimed in the transaction.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._at_work: set[tuple[str, ...]] = set()
        self._changed = threading.Condition()

    @contextmanager
    def alone(self, key: tuple[str, ...]) -> Iterator[None]:
        deadline = time.monotonic() + self._wait_seconds
        with self._changed:
            while key in self._at_work:
                if not self._changed.wait(deadline - time.monotonic()) and key in self._at_work:
                    raise ResourceInUse(
                        "A request with this client token is still being processed. Retry later."
                    )
            self._at_work.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._at_work.discard(key)
                self._changed.notify_all()
