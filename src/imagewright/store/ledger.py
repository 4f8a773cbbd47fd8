"""The ledger in the database: each line durable before the thing it names can do anything."""

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from uuid import uuid4

from sqlalchemy import delete, insert, select

from imagewright.clock import Clock, SystemClock, iso_milliseconds
from imagewright.machines.ledger import Entry, Facts, Identity, Kind, identity_from, identity_of
from imagewright.store.machine_tables import ledger
from imagewright.store.transactions import Transactions


def _new_id() -> str:
    return uuid4().hex


class DatabaseLedger:
    """Implements ``machines.ledger.Ledger``; the keeper of its entries is this process."""

    def __init__(
        self,
        database: Transactions,
        *,
        clock: Clock | None = None,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._new_id = new_id

    @cached_property
    def _keeper(self) -> Identity:
        return identity_of(os.getpid())

    def enter(self, kind: Kind, what: Facts, owner: str) -> str:
        """Set down a thing, durably; return the entry's id."""
        entry_id = self._new_id()
        row = {
            "id": entry_id,
            "kind": kind,
            "what": dict(what),
            "owner": owner,
            "keeper": self._keeper.as_facts(),
            "entered_at": iso_milliseconds(self._clock.now()),
        }
        with self._database.begin() as connection:
            connection.execute(insert(ledger).values(row))
        return entry_id

    def strike(self, entry_id: str) -> None:
        """Take off a thing that is freed. Calling it again does nothing."""
        with self._database.begin() as connection:
            connection.execute(delete(ledger).where(ledger.c.id == entry_id))

    def entries(self) -> Sequence[Entry]:
        """Return what is entered, the oldest first."""
        with self._database.connect() as connection:
            rows = connection.execute(select(ledger).order_by(ledger.c.entered_at, ledger.c.id))
            return [
                Entry(
                    row.id, row.kind, row.what, row.owner, identity_from(row.keeper), row.entered_at
                )
                for row in rows
            ]
