"""How a step can fail to come to its end."""

import json
import signal
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


class OutOfReach(ModuleFailure):
    """What was asked did not answer, or broke: another try may succeed."""


class TimedOut(ModuleFailure):
    """The attempt took longer than ``timeoutSeconds``."""


class Cancelled(Exception):
    """Someone wants the run to end."""


class ComponentRefused(Exception):
    """A component cannot run as asked; nothing was done. ``problems`` has a sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def exit_message(exit_code: int, stdout: str, where: str = "") -> str:
    """Say why a script failed: in its own words if it gave any (§10.3), else by its exit code.

    ``where`` names the command at which it ended, as ``culprit`` does.
    """
    return own_words(stdout) or f"exit status {exit_code}{_signal(exit_code)}{where}"


def own_words(stdout: str) -> str | None:
    """Read the reason from the last line of an output, if that is ``{"failureMessage": "…"}``."""
    last = next((line for line in reversed(stdout.splitlines()) if line.strip()), "")
    if not last.lstrip().startswith("{"):
        return None
    try:
        said = json.loads(last)
    except (ValueError, RecursionError):
        return None
    message = said.get("failureMessage") if isinstance(said, dict) else None
    return message if isinstance(message, str) and message else None


def _signal(exit_code: int) -> str:
    """Name the signal that an exit code above 128 stands for."""
    try:
        name = signal.Signals(exit_code - 128).name
    except ValueError:
        return ""
    return f" (128 + {exit_code - 128}: ended by {name})"
