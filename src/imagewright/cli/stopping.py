"""Being stopped: from the keyboard, or by a signal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag


@contextmanager
def stopping() -> Iterator[Flag]:
    """Set a flag when Ctrl-C or SIGTERM comes; the second one ends the process as ever."""
    flag = Flag()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _frame: object) -> None:
        flag.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, stop)
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
