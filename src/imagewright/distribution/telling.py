"""Telling those who watch a build how far an image is on its way."""

import time
from collections.abc import Callable

from imagewright.distribution.artefact import Artefact
from imagewright.engine.ports import StepLog

_TELLING_SECONDS = 2.0


def telling(log: StepLog, what: str, artefact: Artefact) -> Callable[[int], None]:
    """Tell how far a copy is, of all its bytes."""
    sent = 0
    tell_share = telling_share(log, what)

    def tell(size_bytes: int) -> None:
        nonlocal sent
        sent += size_bytes
        tell_share(sent / max(artefact.size_bytes, 1))

    return tell


def telling_share(log: StepLog, what: str) -> Callable[[float], None]:
    """Tell how far something is, 0 to 1, every two seconds; nothing of what takes less."""
    told = time.monotonic()

    def tell(fraction: float) -> None:
        nonlocal told
        if time.monotonic() > told + _TELLING_SECONDS:
            told = time.monotonic()
            log.note(f"{what}: {min(fraction, 1):.0%}", progress=f"{min(fraction, 1):.2f}")

    return tell
