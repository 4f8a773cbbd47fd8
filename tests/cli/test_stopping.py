"""Being stopped by a signal."""

import signal

import pytest

from imagewright.cli.stopping import stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_flag_and_a_second_one_is_as_ever(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with stopping() as flag:
        signal.raise_signal(number)

        assert flag.wait(60)
        assert signal.getsignal(number) is before


@pytest.mark.timeout(60)
def test_a_signal_that_comes_while_the_flag_is_looked_at_stops_too() -> None:
    with stopping() as flag:
        with flag._cond:  # type: ignore[attr-defined]  # what wait() holds for a moment
            signal.raise_signal(signal.SIGTERM)

        assert flag.wait(60)


def test_nothing_is_left_of_it_where_no_signal_came() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with stopping() as flag:
        pass

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert not flag.is_set()
