"""One writer at a time for each name of a place that has no way to change two files at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

_LOOK_SECONDS = 0.2
"""How soon one that waits is asked whether it still may."""


class Writers:
    """Those who write under names. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @contextmanager
    def only_one(self, name: str, go_on: Callable[[], None]) -> Iterator[None]:
        """Wait until nobody writes under a name, and keep others waiting while the block runs.

        ``go_on`` is called now and then meanwhile; what it raises ends the wait.
        """
        with self._lock:
            turn = self._turns.setdefault(name, _Turn())
        while not turn.lock.acquire(timeout=_LOOK_SECONDS):
            go_on()
        try:
            yield
        finally:
            turn.lock.release()


class _Turn:
    """Goes with the last who knows it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
