"""Whose turn it is."""

from imagewright.engine.turns import Turns


def test_a_build_that_waits_lets_another_begin_and_one_build_counts_once() -> None:
    told: list[int] = []
    turns = Turns(2, told.append)

    turns.tell()
    with turns.given_up("a"):
        with turns.given_up("a"), turns.given_up("b"):
            turns.tell()
        turns.tell()

    assert told == [2, 3, 3, 4, 4, 3, 3, 3, 2]
