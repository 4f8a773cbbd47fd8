"""A bell for the threads of DBOS that look for queued work.

DBOS looks every so often. Looking often takes the interpreter from whoever is being served, and
keeps a laptop awake; looking seldom makes every build wait. Its threads sleep on the event that
stops them, so here that sleep also ends when the bell rings. DBOS knows nothing of it: should a
release of it sleep in another way, a queued build is found when it looks next.
"""

import threading
from collections.abc import Callable, Iterable


class Doorbell:
    """Ends the sleep of all threads that wait for certain events. Safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rings = 0
        self._heard = threading.local()

    def ring(self) -> None:
        """End every sleep; one that only begins now ends at once."""
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def attach(self, events: Iterable[threading.Event]) -> None:
        """Let waiting for these events end with a ring too; it then tells that none is set."""
        for event in events:
            setattr(event, "wait", self._waiting_for(event))  # noqa: B010 - mypy lets no method be set

    def _waiting_for(self, event: threading.Event) -> Callable[[float | None], bool]:
        def wait(timeout: float | None = None) -> bool:
            with self._changed:
                self._changed.wait_for(lambda: event.is_set() or self._unheard, timeout)
                self._heard.rings = self._rings
            return event.is_set()

        return wait

    @property
    def _unheard(self) -> bool:
        """Tell whether it has rung since this thread last woke."""
        return getattr(self._heard, "rings", 0) != self._rings
