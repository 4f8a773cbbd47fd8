"""How things ended, in the words of ``component-documents.md`` §4.4 (decision O-8)."""

from collections.abc import Iterable
from enum import StrEnum


class StepStatus(StrEnum):
    """Of one step."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    IGNORED_FAILURE = "ignoredFailure"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class PhaseStatus(StrEnum):
    """Of one phase, and of a run."""

    SUCCESS = "success"
    SUCCESS_WITH_IGNORED_FAILURE = "successWithIgnoredFailure"
    FAILED = "failed"
    CANCELLED = "cancelled"


RunStatus = PhaseStatus


def combine(steps: Iterable[StepStatus]) -> PhaseStatus:
    """Sum up: failed outweighs an ignored failure, that outweighs success; skipped is success."""
    seen = frozenset(steps)
    if StepStatus.CANCELLED in seen:
        return PhaseStatus.CANCELLED
    if StepStatus.FAILED in seen:
        return PhaseStatus.FAILED
    if StepStatus.IGNORED_FAILURE in seen:
        return PhaseStatus.SUCCESS_WITH_IGNORED_FAILURE
    return PhaseStatus.SUCCESS
