"""Events to an EventBridge bus, of AWS or of any endpoint (``workflow-documents.md`` §12.3)."""

import json
from typing import Any

from imagewright.aws.asking import RefusedError, ask
from imagewright.aws.clients import AwsClients
from imagewright.engine.events import BuildEvent


class EventBus:
    """One bus, by its name or ARN."""

    def __init__(self, clients: AwsClients, bus: str, *, source: str) -> None:
        self._clients = clients
        self._bus = bus
        self._source = source

    def put(self, event: BuildEvent) -> None:
        """Put an event on the bus. Raises ActionError."""
        failure = f"The event bus '{self._bus}' could not be told"
        entry = {
            "Time": event.at,
            "Source": self._source,
            "Resources": list(event.resources),
            "DetailType": event.kind,
            "Detail": json.dumps(event.detail, ensure_ascii=False),
            "EventBusName": self._bus,
        }
        region = self._bus.split(":")[3] if self._bus.startswith("arn:") else event.region
        answer: Any = ask(self._clients, "events", region, "put_events", failure, Entries=[entry])
        for each in answer["Entries"]:
            if "ErrorCode" in each:
                code = each["ErrorCode"]
                raise RefusedError(f"{failure}: {code}: {each.get('ErrorMessage', '')}", code)
