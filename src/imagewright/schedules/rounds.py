"""Doing something again and again for as long as a server runs."""

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger()


class Rounds:
    """Calls ``work`` every few seconds, on a thread that keeps no process alive.

    ``work`` gets an event that is set when it should hurry up. What it raises is logged, and the
    next round comes after a longer while.
    """

    def __init__(
        self,
        work: Callable[[threading.Event], None],
        *,
        every_seconds: float,
        after_failure_seconds: float = 30.0,
    ) -> None:
        self._work = work
        self._every_seconds = every_seconds
        self._after_failure_seconds = after_failure_seconds
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, with a round at once."""
        threading.Thread(target=self._go_round, name="schedules", daemon=True).start()

    def stop(self) -> None:
        """Begin no further round."""
        self._stop.set()

    def _go_round(self) -> None:
        while not self._stop.is_set():
            pause_seconds = self._every_seconds
            try:
                self._work(self._stop)
            except Exception:
                _log.exception("a round of the schedules failed")
                pause_seconds = self._after_failure_seconds
            self._stop.wait(pause_seconds)
