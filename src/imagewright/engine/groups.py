"""The order in which the workflows of a stage run (``workflow-documents.md`` §10.1, §10.2)."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from imagewright.engine.records import (
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
)

AT_ONCE = 5
"""How many test workflows of one group run side by side."""


class Grouped(Protocol):
    """Anything that may belong to a group."""

    @property
    def parallel_group(self) -> str | None:
        """The group's name, if it is in one."""
        ...


Item = TypeVar("Item", bound=Grouped)

_ABORTED = {
    WorkflowStatus.FAILED,
    WorkflowStatus.ROLLBACK_IN_PROGRESS,
    WorkflowStatus.ROLLBACK_COMPLETED,
}


def has_aborted(execution: WorkflowExecution, steps: Sequence[StepExecution]) -> bool:
    """Tell whether a workflow has failed, from the moment that the step did which ends it.

    What it did may still be undone then, and no further test of its group is to begin (§10.2).
    """
    return execution.status in _ABORTED or any(
        step.status is StepStatus.FAILED and step.on_failure == "Abort" for step in steps
    )


def units(items: Sequence[Item]) -> list[list[Item]]:
    """Return what runs together, one after another: a group stands where it first appears."""
    placed: list[list[Item]] = []
    groups: dict[str, list[Item]] = {}
    for item in items:
        name = item.parallel_group
        if name is not None and name in groups:
            groups[name].append(item)
            continue
        placed.append([item])
        if name is not None:
            groups[name] = placed[-1]
    return placed
