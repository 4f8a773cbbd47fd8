"""Events that are still to be told: written with what they tell of, in one transaction.

So an event is told of everything that happened and of nothing that was rolled back, however the
process ends.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from imagewright.arns import Arn
from imagewright.clock import Clock
from imagewright.engine.events import BuildEvent, pipeline_disabled, state_changed
from imagewright.engine.records import ImageStatus
from imagewright.store.build_tables import untold_events

TOPICS = "topics"
"""The listener that tells the topics of infrastructure configurations; no other hears of them."""

_TOPIC_TOLD = "image record"
_C = untold_events.c


@dataclass(frozen=True, slots=True)
class Outbox:
    """Takes events for everyone who is to be told."""

    listeners: Sequence[str]
    """Their names; nobody listens where there are none, and nothing is kept."""
    clock: Clock
    tells_topics: bool = False
    """Topics can be told at all."""

    def put(self, connection: Connection, event: BuildEvent) -> None:
        """Have an event told to every listener; one that still waits to be told is not doubled."""
        for listener in self.listeners:
            _put(connection, listener, event)

    def moved(
        self, connection: Connection, image_arn: str, before: ImageStatus, after: ImageStatus
    ) -> None:
        """Have it told that an image reached another state; of ``PENDING`` nobody is (EVT-05)."""
        if self.listeners and after not in {before, ImageStatus.PENDING}:
            event = state_changed(
                image_arn, before, after, event_id=str(uuid.uuid4()), at=self.clock.now()
            )
            self.put(connection, event)

    def disabled(self, connection: Connection, pipeline_arn: str, failures: int) -> None:
        """Have it told that so many failures in a row disabled a pipeline (EVT-04)."""
        event = pipeline_disabled(
            pipeline_arn, failures, event_id=str(uuid.uuid4()), at=self.clock.now()
        )
        self.put(connection, event)

    def recorded(
        self, connection: Connection, image_arn: Arn, topic_arn: str, record: Mapping[str, Any]
    ) -> None:
        """Have a topic told the record of an image, where topics can be told (SNS-01)."""
        if self.tells_topics:
            event = BuildEvent(
                id=str(uuid.uuid4()),
                kind=_TOPIC_TOLD,
                account=image_arn.account,
                region=image_arn.region,
                at=self.clock.now(),
                resources=[str(image_arn)],
                detail={"topic": topic_arn, "record": record},
            )
            _put(connection, TOPICS, event)


def _put(connection: Connection, listener: str, event: BuildEvent) -> None:
    waits = select(_C.sequence).where(_C.listener == listener, _C.event_id == event.id)
    if connection.execute(waits).first() is None:
        connection.execute(
            insert(untold_events).values(
                listener=listener, event_id=event.id, event=event.to_json()
            )
        )


@dataclass(frozen=True, slots=True)
class Untold:
    """An event and its place in the outbox."""

    sequence: int
    event: BuildEvent


def oldest(connection: Connection, listener: str) -> Untold | None:
    """Return the event that a listener is to be told next."""
    query = (
        select(_C.sequence, _C.event).where(_C.listener == listener).order_by(_C.sequence).limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Untold(row.sequence, BuildEvent.from_json(row.event))


def has_untold(connection: Connection) -> bool:
    """Tell whether anybody is still to be told anything."""
    return connection.execute(select(_C.sequence).limit(1)).first() is not None


def told(connection: Connection, sequence: int) -> None:
    """Drop an event that was told, or given up."""
    connection.execute(delete(untold_events).where(_C.sequence == sequence))


def forget_others(connection: Connection, listeners: Sequence[str]) -> None:
    """Drop what was to be told to listeners that the settings name no more."""
    connection.execute(delete(untold_events).where(_C.listener.not_in(listeners)))
