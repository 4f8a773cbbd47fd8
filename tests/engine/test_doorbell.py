"""The doorbell: whoever sleeps on an event that stops it wakes for a ring too."""

import threading
import time

import pytest

from imagewright.engine.doorbell import Doorbell

LONG_SECONDS = 60.0


@pytest.fixture
def bell() -> Doorbell:
    return Doorbell()


@pytest.fixture
def stop(bell: Doorbell) -> threading.Event:
    event = threading.Event()
    bell.attach([event])
    return event


def test_a_ring_ends_a_sleep_and_stops_nothing(bell: Doorbell, stop: threading.Event) -> None:
    asleep = _Sleeper(stop)

    bell.ring()

    assert asleep.woke_with() is False


def test_a_ring_that_came_while_nobody_slept_ends_the_next_sleep(
    bell: Doorbell, stop: threading.Event
) -> None:
    bell.ring()

    assert _Sleeper(stop).woke_with() is False


def test_one_ring_ends_one_sleep_of_each_thread(bell: Doorbell, stop: threading.Event) -> None:
    bell.ring()
    stop.wait(LONG_SECONDS)

    began = time.monotonic()
    stop.wait(0.05)

    assert time.monotonic() - began >= 0.05


def test_a_sleep_that_nobody_ends_runs_out(stop: threading.Event) -> None:
    assert stop.wait(0.01) is False


def test_an_event_that_is_set_is_not_slept_on(stop: threading.Event) -> None:
    stop.set()

    assert stop.wait(LONG_SECONDS) is True


class _Sleeper:
    """A thread that sleeps for long, unless it is woken."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._found: list[bool] = []
        self._thread = threading.Thread(target=self._sleep, daemon=True)
        self._thread.start()

    def woke_with(self) -> bool:
        self._thread.join(10)
        return self._found[0]

    def _sleep(self) -> None:
        self._found.append(self._event.wait(LONG_SECONDS))
