"""One at a time makes what several want, in whichever threads and processes they are."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from imagewright.machines.machine import MachineError

_WAIT_SECONDS = 0.2


class WaitingEnded(MachineError):
    """Whoever waited does so no more."""


@contextmanager
def alone(
    locks: Path, name: str, *, on_wait: Callable[[], None], cancel: Event | None
) -> Iterator[None]:
    """Run the block while nobody else runs one of this name; the lock ends with whoever holds it.

    ``on_wait`` hears once if somebody does. Raises WaitingEnded.
    """
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        has_waited = False
        while not _try_lock(file):
            if cancel is not None and cancel.is_set():
                raise WaitingEnded("waiting for another build was cancelled")
            if not has_waited:
                on_wait()
            has_waited = True
            time.sleep(_WAIT_SECONDS)
        yield
    finally:
        os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
