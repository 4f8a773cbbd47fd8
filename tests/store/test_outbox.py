"""Events are kept with what they tell of, until they are told."""

from datetime import UTC, datetime

import pytest

from imagewright.clock import SystemClock
from imagewright.engine.events import BuildEvent, state_changed
from imagewright.engine.records import ImageStatus
from imagewright.store import outbox
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox

ARN = "arn:aws:imagebuilder:us-east-1:000000000000:image/web/1.0.0/1"


def event(event_id: str) -> BuildEvent:
    return state_changed(
        ARN, ImageStatus.PENDING, ImageStatus.BUILDING,
        event_id=event_id, at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def untold(database: Database, listener: str) -> list[str]:
    """Tell a listener everything, and return the ids of it."""
    ids: list[str] = []
    with database.write() as connection:
        while (found := outbox.oldest(connection, listener)) is not None:
            ids.append(found.event.id)
            outbox.told(connection, found.sequence)
    return ids


def test_every_listener_is_told_everything_in_its_order(database: Database) -> None:
    box = Outbox(["a", "b"], SystemClock())
    with database.write() as connection:
        for each in ("1", "2", "1"):
            box.put(connection, event(each))

    assert untold(database, "a") == ["1", "2"]
    assert untold(database, "b") == ["1", "2"]
    assert untold(database, "a") == []


def test_an_event_comes_back_as_it_was_put(database: Database) -> None:
    with database.write() as connection:
        Outbox(["a"], SystemClock()).put(connection, event("1"))
        found = outbox.oldest(connection, "a")

    assert found is not None
    assert found.event == event("1")


def test_what_was_rolled_back_is_not_told(database: Database) -> None:
    def lose() -> None:
        with database.write() as connection:
            Outbox(["a"], SystemClock()).put(connection, event("1"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        lose()

    assert untold(database, "a") == []


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        (ImageStatus.PENDING, ImageStatus.BUILDING, 1),
        (ImageStatus.BUILDING, ImageStatus.BUILDING, 0),
        (ImageStatus.FAILED, ImageStatus.PENDING, 0),
    ],
)
def test_a_state_is_told_once_and_pending_never(
    database: Database, before: ImageStatus, after: ImageStatus, count: int
) -> None:
    """EVT-01, EVT-05."""
    with database.write() as connection:
        Outbox(["a"], SystemClock()).moved(connection, ARN, before, after)

    assert len(untold(database, "a")) == count


def test_who_is_named_no_more_is_forgotten(database: Database) -> None:
    with database.write() as connection:
        Outbox(["a", "b"], SystemClock()).put(connection, event("1"))
        outbox.forget_others(connection, ["b"])

    assert untold(database, "a") == []
    assert untold(database, "b") == ["1"]
