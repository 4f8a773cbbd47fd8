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


class Watch:
    """Tells a step's action to stop, and afterwards why it was told."""

    def __init__(self) -> None:
        self.stop = Event()
        self.reason: Reason | None = None

    def tell(self, reason: Reason) -> None:
        """Ask the action to stop."""
        if self.reason is None:
            self.reason = reason
        self.stop.set()


@contextmanager
def watching(
    is_cancelled: Callable[[], bool], seconds_left: Callable[[], float]
) -> Iterator[Watch]:
    """Watch while the block runs."""
    watch = Watch()
    over = Event()

    def look() -> None:
        while not over.wait(min(LOOK_SECONDS, max(seconds_left(), 0))):
            cancelled = False
            with suppress(ApiError):  # a database that does not answer now may at the next look
                cancelled = is_cancelled()
            if cancelled:
                watch.tell("cancelled")
            elif seconds_left() <= 0:
                watch.tell("timed out")
            else:
                continue
            return

    watcher = threading.Thread(target=look, name="step-watch", daemon=True)
    watcher.start()
    try:
        yield watch
    finally:
        over.set()
        watcher.join()
