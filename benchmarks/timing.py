"""Timing calls, and what to say of many times."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

COLUMNS = ("p50", "p95", "calls a second")


@dataclass(frozen=True, slots=True)
class Times:
    """How long each of many calls took, in seconds."""

    seconds: Sequence[float]

    @property
    def p50_ms(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.seconds) * 1000

    @property
    def p95_ms(self) -> float:
        """What 95 of 100 calls took at most, in milliseconds."""
        return statistics.quantiles(self.seconds, n=20)[-1] * 1000

    @property
    def per_second(self) -> float:
        """How many calls one client gets done in a second."""
        return len(self.seconds) / sum(self.seconds)

    @property
    def cells(self) -> tuple[str, str, str]:
        """For the columns of this module's name."""
        return f"{self.p50_ms:.2f} ms", f"{self.p95_ms:.2f} ms", f"{self.per_second:.0f}"


def time_in_turns(count: int, *calls: Callable[[int], object], warm_up: int = 20) -> list[Times]:
    """Make calls in turns, so that whatever else the machine does hits all alike.

    Each call gets its number. The first ones of each are not counted.
    """
    seconds: list[list[float]] = [[] for _ in calls]
    for number in range(count + warm_up):
        for call, taken in zip(calls, seconds, strict=True):
            began = time.perf_counter()
            call(number)
            taken.append(time.perf_counter() - began)
    return [Times(taken[warm_up:]) for taken in seconds]
