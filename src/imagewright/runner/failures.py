"""How a step can fail to come to its end."""

import json
from collections.abc import Mapping


class ModuleFailure(Exception):
    """The module could not do what it was asked; the message says what and why."""

    def __init__(
        self,
        message: str,
        *,
        exit_code: int | None = None,
        outputs: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.outputs = dict(outputs or {})
        """What was captured all the same (decision O-5)."""


class TimedOut(ModuleFailure):
    """The attempt took longer than ``timeoutSeconds``."""


class Cancelled(Exception):
    """Someone wants the run to end."""


class ComponentRefused(Exception):
    """A component cannot run as asked; nothing was done. ``problems`` has a sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def exit_message(exit_code: int, stdout: str) -> str:
    """Say why a script failed: in its own words if it gave any (§10.3), else by its exit code."""
    return _own_words(stdout) or f"exit status {exit_code}"


def _own_words(stdout: str) -> str | None:
    last = next((line for line in reversed(stdout.splitlines()) if line.strip()), "")
    if not last.lstrip().startswith("{"):
        return None
    try:
        said = json.loads(last)
    except (ValueError, RecursionError):
        return None
    message = said.get("failureMessage") if isinstance(said, dict) else None
    return message if isinstance(message, str) and message else None
