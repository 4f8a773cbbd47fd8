import threading

from imagewright.schedules.rounds import Rounds


def test_a_round_that_fails_is_followed_by_another_until_it_is_stopped() -> None:
    rounds_done, third = [], threading.Event()

    def work(stop: threading.Event) -> None:
        rounds_done.append(stop.is_set())
        if len(rounds_done) == 1:
            raise RuntimeError("the first one fails")
        if len(rounds_done) == 3:
            rounds.stop()
            third.set()

    rounds = Rounds(work, every_seconds=0, after_failure_seconds=0)
    rounds.start()

    assert third.wait(30)
    for thread in threading.enumerate():
        if thread.name == "schedules":
            thread.join(30)
    assert rounds_done == [False, False, False]
