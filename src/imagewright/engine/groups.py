"""The order in which the workflows of a stage run (``workflow-documents.md`` §10.1, §10.2)."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

AT_ONCE = 5
"""How many test workflows of one group run side by side."""


class Grouped(Protocol):
    """Anything that may belong to a group."""

    @property
    def parallel_group(self) -> str | None:
        """The group's name, if it is in one."""
        ...


Item = TypeVar("Item", bound=Grouped)


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
