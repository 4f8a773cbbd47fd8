"""Durable execution: the narrow face of DBOS that the engine knows.

A workflow function is straight-line code. Each ``step`` runs once and its result is journalled;
after a crash the function runs again from its start, and journalled steps answer from the
journal. Arguments and results are ids and short words: the journal stores them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Durable(Protocol):
    """What a workflow function may do that outlives the process."""

    def step(self, name: str, work: Callable[..., Result], *arguments: str) -> Result:
        """Do something once and remember its result, which JSON can hold."""
        ...

    def receive(self, topic: str, *, timeout_seconds: float, build: str) -> Any:
        """Wait for a message, or for the time to run out: then None. Survives restarts.

        Meanwhile another build may have the turn of this one.
        """
        ...

    def side_by_side(self, execution_ids: Sequence[str]) -> Sequence[str]:
        """Run the workflow executions of a group, some at a time; return their ends in order."""
        ...
