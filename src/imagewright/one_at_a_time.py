"""One thread at a time for each name of what two must not change at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

_LOOK_SECONDS = 0.2
"""How soon one that waits is asked whether it still may."""


class OneAtATime:
    """Those who are at work, by the name of what they work on. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @contextmanager
    def on(self, name: str, go_on: Callable[[], None]) -> Iterator[None]:
        """Wait until nobody is at work on a name, and keep others waiting while the block runs.

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
