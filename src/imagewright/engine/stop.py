"""Watching over a running step: its time, and whether someone cancelled its build."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Literal

from imagewright.errors import ApiError

LOOK_SECONDS = 0.2
"""A running command is to die within a second of the cancel."""

Reason = Literal["timed out", "cancelled"]


class Stop(Event):
    """Set when a step's action is to stop, and says why."""

    def __init__(self) -> None:
        super().__init__()
        self.reason: Reason | None = None

    def tell(self, reason: Reason) -> None:
        """Ask the action to stop."""
        if self.reason is None:
            self.reason = reason
        self.set()


@contextmanager
def watching(is_cancelled: Callable[[], bool], seconds_left: Callable[[], float]) -> Iterator[Stop]:
    """Watch while the block runs."""
    stop = Stop()
    over = Event()

    def look() -> None:
        while not over.wait(min(LOOK_SECONDS, max(seconds_left(), 0))):
            cancelled = False
            with suppress(ApiError):  # a database that does not answer now may at the next look
                cancelled = is_cancelled()
            if cancelled:
                stop.tell("cancelled")
            elif seconds_left() <= 0:
                stop.tell("timed out")
            else:
                continue
            return

    watcher = threading.Thread(target=look, name="step-watch", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        over.set()
        watcher.join()
