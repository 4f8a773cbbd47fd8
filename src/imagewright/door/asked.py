"""What an operation of the second door is asked: who asks, and with which parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imagewright.call import Call
from imagewright.errors import AccessDenied, InvalidParameterValue, InvalidRequest
from imagewright.wire.messages import HttpRequest
from imagewright.wire.reading import load_json


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, authenticated."""

    call: Call
    query: Mapping[str, str]
    request: HttpRequest
    """As it came; its body is whole."""

    def text(self, name: str) -> str:
        """Return a parameter of the query. Raises InvalidRequest if it is missing."""
        if not (value := self.query.get(name)):
            raise InvalidRequest(f"Missing required parameter: '{name}'.")
        return value

    def number(self, name: str, default: int, *, maximum: int) -> int:
        """Return a number from 0 on. Raises InvalidParameterValue."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= maximum):
            raise InvalidParameterValue(name, f"It must be a number from 0 to {maximum}.")
        return int(text)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a truth value. Raises InvalidParameterValue."""
        text = self.query.get(name, "yes" if default else "no")
        if text not in {"yes", "no"}:
            raise InvalidParameterValue(name, "It must be yes or no.")
        return text == "yes"

    def body(self) -> Mapping[str, Any]:
        """Return the body, a JSON object; an absent one is empty. Raises InvalidRequest."""
        content = load_json(self.request.body) if self.request.body else {}
        if not isinstance(content, dict):
            raise InvalidRequest("The request body must be a JSON object.")
        return content

    def require_operator(self, account: str) -> None:
        """Let only the account that runs the installation do what concerns all of it.

        Raises AccessDenied.
        """
        if self.call.account != account:
            principal = self.call.principal
            raise AccessDenied(principal.arn, f"imagewright:{self.call.operation}", "*")
