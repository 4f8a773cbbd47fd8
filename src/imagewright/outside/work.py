"""A transfer as those see it who wait for it: how far it is, what it says, and how to end it."""

import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_LOOK_SECONDS = 0.1
_END_SECONDS = 1.0
"""How long a transfer has to clear up after itself when nobody waits for it any more."""

Result = TypeVar("Result")


class TransferFailed(Exception):
    """It cannot be done; the message says what and why."""


class Unanswered(TransferFailed):
    """Whoever was asked did not answer, or broke: another try may succeed."""


class Stopped(Exception):
    """Whoever waited does so no more."""


class Work:
    """One transfer. It runs in a thread of its own; another thread watches and may stop it."""

    def __init__(self) -> None:
        self.done_bytes = 0
        self.total_bytes: int | None = None
        """None: not known."""
        self.remarks: deque[str] = deque()
        """For the log, the oldest first; whoever watches takes them away."""
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def check(self) -> None:
        """Raise Stopped if that is so."""
        if self._stopped.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait. Raises Stopped."""
        if self._stopped.wait(seconds):
            raise Stopped

    def hold(self, connection: socket.socket) -> None:
        """Name the connection that ``stop`` is to break. Raises Stopped."""
        with self._lock:
            self._socket = connection
        self.check()

    def stop(self) -> None:
        """End it, from another thread; a read that blocks ends too."""
        self._stopped.set()
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def how_far(self) -> str:
        """Say how much is done, in words."""
        done = size(self.done_bytes)
        return done if self.total_bytes is None else f"{done} of {size(self.total_bytes)}"


def attend(work: Work, do: Callable[[Work], Result], look: Callable[[], None]) -> Result:
    """Do a transfer in a thread of its own, and look after it ten times a second.

    What ``look`` raises ends the waiting, within a second even where a transfer cannot end yet
    (a name is looked up): what that one still writes, nobody reads. Raises what either raises.
    """
    over = threading.Event()
    results: list[Result] = []
    errors: list[Exception] = []

    def go() -> None:
        try:
            results.append(do(work))
        except Exception as error:
            errors.append(error)
        finally:
            over.set()

    threading.Thread(target=go, name="transfer", daemon=True).start()
    try:
        while not over.wait(_LOOK_SECONDS):
            look()
    finally:
        work.stop()
        over.wait(_END_SECONDS)
    for error in errors:
        raise error
    return results[0]


def size(count: int) -> str:
    """Spell how much something is."""
    return f"{count} B" if count < 1000 else f"{count / (1 << 20):,.1f} MiB"
