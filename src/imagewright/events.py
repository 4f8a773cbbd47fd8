"""Telling events to whoever the settings name, the bus and webhooks, and to topics of images.

Each listener is told by a thread of its own, one event after another: one that does not hear
keeps neither builds nor the others waiting.
"""

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

import structlog

from imagewright.aws.clients import AwsClients
from imagewright.aws.event_bus import EventBus
from imagewright.aws.messages import Messages
from imagewright.clock import Clock
from imagewright.engine.events import BuildEvent
from imagewright.engine.ports import ActionError
from imagewright.errors import ServiceError
from imagewright.logs.builds import BuildLogs
from imagewright.settings import Settings
from imagewright.store import outbox
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox
from imagewright.webhooks import Webhook, WebhookError

_LOOK_SECONDS = 0.25
"""How soon an event is told."""
_REST_SECONDS = 5.0
"""Where the database cannot be used."""

_log = structlog.get_logger()

Tell = Callable[[BuildEvent], None]
"""Tells one listener. Raises ActionError or WebhookError."""


class Events:
    """Has events told: ``engine.ports.Events``."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def tell(self, event: BuildEvent) -> None:
        """See ``engine.ports.Events``."""
        if self._outbox.listeners:
            with self._database.write(soon=True) as connection:
                self._outbox.put(connection, event)


class Teller:
    """Empties the outbox."""

    def __init__(
        self, listeners: Mapping[str, Tell], *, database: Database, logs: BuildLogs
    ) -> None:
        self._listeners = listeners
        self._database = database
        self._logs = logs

    def start(self) -> None:
        """Begin; what is not told when the process ends is told by the next one."""
        with self._database.write() as connection:
            outbox.forget_others(connection, list(self._listeners))
        for listener, tell in self._listeners.items():
            work = partial(self._serve, listener, tell)
            threading.Thread(target=work, name=f"tells {listener}", daemon=True).start()

    def _serve(self, listener: str, tell: Tell) -> None:
        while True:
            try:
                was_one = self._tell_next(listener, tell)
            except (ServiceError, OSError) as error:  # the database, or the disk under a log
                _log.warning("events wait to be told", listener=listener, problem=str(error))
                time.sleep(_REST_SECONDS)
            else:
                if not was_one:
                    time.sleep(_LOOK_SECONDS)

    def _tell_next(self, listener: str, tell: Tell) -> bool:
        with self._database.read() as connection:
            untold = outbox.oldest(connection, listener)
        if untold is None:
            return False
        event = untold.event
        try:
            tell(event)
        except (ActionError, WebhookError) as problem:
            _log.warning(
                "an event was not told", kind=event.kind, id=event.id, problem=str(problem)
            )
            self._note(event, str(problem))
        except Exception:  # a defect: it must not keep the events behind this one for ever
            _log.exception("an event could not be told", kind=event.kind, id=event.id)
        with self._database.write(soon=True) as connection:
            outbox.told(connection, untold.sequence)
        return True

    def _note(self, event: BuildEvent, problem: str) -> None:
        """Say it in the log of the build too, if it is still there."""
        image_arn = event.resources[0]
        if ":image/" in image_arn and self._logs.path(image_arn).exists():
            self._logs.write(image_arn, "note", problem)


def tellers_of(settings: Settings, clients: AwsClients, clock: Clock) -> Mapping[str, Tell]:
    """Return, by the names that the outbox has for them, what tells each listener."""
    found: dict[str, Tell] = {}
    for name, url in settings.listeners.items():
        if url is not None:
            found[name] = Webhook(url, settings.webhooks, clock).tell
        elif settings.aws.event_bus is not None:
            bus = EventBus(clients, settings.aws.event_bus, source=settings.aws.event_source)
            found[name] = bus.put
    if clients.missing("sns") is None:
        messages = Messages(clients)
        found[outbox.TOPICS] = lambda event: messages.publish(
            event.detail["topic"], event.detail["record"], token=event.id
        )
    return found
