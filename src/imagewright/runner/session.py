"""What all steps of a run share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any, Self

from imagewright.clock import Clock
from imagewright.documents.component.model import Component
from imagewright.machines.machine import Machine
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.module import Module
from imagewright.runner.reporting import Reporter
from imagewright.runner.result import RunResult
from imagewright.runner.state import RunState, sealed

Go = Callable[["Session", Sequence[str]], RunResult]
"""Runs some phases of a session's component, from the start or from where its state stands."""


@dataclass(slots=True, kw_only=True)
class Session:
    """What all steps of a run share.

    A document that a step executes has a session of its own; restarts, what is written down and
    the room for it belong to the outermost.
    """

    component: Component
    machine: Machine
    environment: RunEnvironment
    modules: Mapping[str, Module]
    values: Mapping[str, str]
    reporter: Reporter
    cancel: Flag
    clock: Clock
    state: RunState
    save: Callable[[dict[str, Any]], None] | None
    go: Go
    """How a session runs; for documents that a step executes."""
    parent: Self | None = None
    """Whose step executes this document."""
    room_characters: int = 256 << 20
    """Left for the inputs and outputs of all steps, which other steps may read."""

    @property
    def outermost(self) -> "Session":
        """The session of the document that the run began with."""
        return self if self.parent is None else self.parent.outermost

    @property
    def line(self) -> tuple[Component, ...]:
        """The documents from the outermost to this one."""
        return (*(self.parent.line if self.parent else ()), self.component)

    def now(self) -> str:
        """The time, as the state has it."""
        return self.clock.now().isoformat()

    def take_room(self, kept: Any) -> None:
        """Account for what is kept. Raises ModuleFailure when it becomes too much."""
        outermost = self.outermost
        outermost.room_characters -= _characters(kept)
        if outermost.room_characters < 0:
            raise ModuleFailure("the inputs and outputs of the run are too large to be kept")

    def keep(self) -> None:
        """Write down where the run stands."""
        outermost = self.outermost
        if outermost.save is not None:
            outermost.save(sealed(outermost.state, outermost.environment.secrets))

    def finish_reboot(self) -> None:
        """Do the restart that the state says is due."""
        run = self.outermost.state
        if run.reboot_pending:
            self.machine.reboot()
            run.reboot_pending = False
            self.keep()


def _characters(value: Any) -> int:
    match value:
        case str():
            return len(value)
        case dict():
            return sum(_characters(item) for item in value.values())
        case list():
            return sum(_characters(item) for item in value)
        case _:
            return 0
