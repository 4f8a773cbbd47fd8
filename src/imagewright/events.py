"""Telling events to whoever the settings name: ``engine.ports.Events``."""

from collections.abc import Iterator
from threading import Event

import structlog

from imagewright.aws.event_bus import EventBus
from imagewright.engine.events import BuildEvent
from imagewright.engine.ports import ActionError, StepLog
from imagewright.webhooks import Webhooks

_log = structlog.get_logger()


class Events:
    """Tells the event bus, if there is one, and every webhook."""

    def __init__(self, bus: EventBus | None, webhooks: Webhooks) -> None:
        self._bus = bus
        self._webhooks = webhooks

    def tell(self, event: BuildEvent, *, stop: Event, log: StepLog | None = None) -> None:
        """See ``engine.ports.Events``."""
        for problem in self._problems(event, stop):
            _log.warning("an event was not told", kind=event.kind, id=event.id, problem=problem)
            if log is not None:
                log.note(problem)

    def _problems(self, event: BuildEvent, stop: Event) -> Iterator[str]:
        if self._bus is not None:
            try:
                self._bus.put(event)
            except ActionError as error:
                yield str(error)
        for untold in self._webhooks.tell(event, stop):
            yield str(untold)
