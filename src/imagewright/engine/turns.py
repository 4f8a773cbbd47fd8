"""Whose turn it is: a build that waits for an answer holds up no other."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Turns:
    """Counts the builds that may have begun: so many at work, and all that wait for an answer.

    One that is answered goes on at once, and for a while as many more are at work.
    """

    def __init__(self, at_work_max: int, allow: Callable[[int], None]) -> None:
        """``allow`` is told how many may have begun."""
        self._at_work_max = at_work_max
        self._allow = allow
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def given_up(self, build: str) -> Iterator[None]:
        """Let another build have this one's turn while the block runs."""
        self._count(build, 1)
        try:
            yield
        finally:
            self._count(build, -1)

    def tell(self) -> None:
        """Say again how many may have begun."""
        with self._lock:
            self._allow(self._at_work_max + len(self._waiting))

    def _count(self, build: str, change: int) -> None:
        with self._lock:
            self._waiting[build] += change
            self._waiting += Counter()  # drops those that wait no more
            self._allow(self._at_work_max + len(self._waiting))
