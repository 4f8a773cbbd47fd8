"""How fast the machine itself is, so that runs on different days can be compared."""

import statistics
import time
from collections.abc import Callable

ADDITIONS = 300_000
LOOKUPS = 200_000
_ENTRIES = 600_000
_STRIDE = 150_053  # shares no factor with the number of entries, and leaps over caches
_REPEATS = 9


def pace() -> str:
    """Measure and say what plain Python takes: at work in the cache, and all over the memory."""
    entries = {number: [number] for number in range(_ENTRIES)}
    wanted = [number * _STRIDE % _ENTRIES for number in range(LOOKUPS)]
    return (
        f"{ADDITIONS:,} additions in a loop {_median_ms(_add):.0f} ms; {LOOKUPS:,} look-ups all "
        f"over a large dict {_median_ms(lambda: [entries[number][0] for number in wanted]):.0f} ms"
    )


def _add() -> int:
    total = 0
    for number in range(ADDITIONS):
        total += number
    return total


def _median_ms(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000
