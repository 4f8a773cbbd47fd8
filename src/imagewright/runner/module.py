"""What an action module is: its declaration, and how it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from imagewright.documents.specs import ModuleSpec
from imagewright.runner.guest import Guest

Run = Callable[[Any, Guest], object]
"""Takes one entry of inputs as the declared dataclass, or the condition where the inputs are one.

Gives the declared outputs, or nothing. Raises ModuleFailure and RebootNeeded.
"""


@dataclass(frozen=True, slots=True)
class Module:
    """One action module. A file of ``modules`` each."""

    spec: ModuleSpec
    run: Run | None = None
    """None: this release knows the module and refuses to run it."""
    service: str = ""
    """The AWS service that it asks, as ``aws.<service>_endpoint`` spells it; empty: none."""


class RebootNeeded(Exception):
    """The machine has to start again before the run goes on."""

    def __init__(self, *, runs_again: bool, outputs: Mapping[str, str] | None = None) -> None:
        super().__init__("the machine has to start again")
        self.runs_again = runs_again
        """The same step runs again; otherwise it counts as done."""
        self.outputs = dict(outputs or {})
        """Of a step that is done."""
