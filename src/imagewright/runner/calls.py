"""Running another component document as one step: what the module asks for, and what it gets.

The module ExecuteDocument says where the document is and how to read it; ``nested`` runs it with
the machinery of every run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imagewright.runner.result import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCall:
    """One document to run."""

    document: str
    """Where it is, as people see it."""
    read: Callable[[], str]
    """Returns its text; not asked again when a run is taken up. Raises ModuleFailure."""
    phases: tuple[str, ...] | None
    """None: all."""
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DocumentEnd:
    """How it went."""

    execution_id: str
    result: RunResult


CallDocument = Callable[[DocumentCall], DocumentEnd]
"""Raises ModuleFailure where the document cannot run."""
