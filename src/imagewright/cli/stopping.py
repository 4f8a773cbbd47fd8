"""Being stopped: from the keyboard, or by a signal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event as Flag
from threading import Thread


@contextmanager
def stopping() -> Iterator[Flag]:
    """Set a flag when Ctrl-C or SIGTERM comes; the second one ends the process as ever."""
    flag = Flag()
    is_told: SimpleQueue[bool] = SimpleQueue()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _frame: object) -> None:
        # Another thread sets the flag: whom the signal interrupts may hold its lock, just then.
        is_told.put(True)
        signal.signal(number, before[signal.Signals(number)])

    def hear() -> None:
        if is_told.get():
            flag.set()

    listener = Thread(target=hear, name="stopping", daemon=True)
    listener.start()
    for number in before:
        signal.signal(number, stop)
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        is_told.put(False)
        listener.join()
