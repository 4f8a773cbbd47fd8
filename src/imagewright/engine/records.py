"""Executions of workflows and steps, as values; the record is the truth of a build (§11)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from imagewright.documents.specs import Stage

MESSAGE_MAX = 500
"""Of a step's or an execution's message, in characters (§2)."""


class ImageStatus(StrEnum):
    """The states of an image on its way (IMG-30)."""

    PENDING = "PENDING"
    BUILDING = "BUILDING"
    TESTING = "TESTING"
    DISTRIBUTING = "DISTRIBUTING"
    INTEGRATING = "INTEGRATING"
    AVAILABLE = "AVAILABLE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Whether the build is over."""
        return self in {ImageStatus.AVAILABLE, ImageStatus.CANCELLED, ImageStatus.FAILED}


class WorkflowStatus(StrEnum):
    """The states of a workflow execution (EXE-01)."""

    PENDING = "PENDING"
    SKIPPED = "SKIPPED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_COMPLETED = "ROLLBACK_COMPLETED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether the execution is over."""
        return self not in {
            WorkflowStatus.PENDING,
            WorkflowStatus.RUNNING,
            WorkflowStatus.ROLLBACK_IN_PROGRESS,
        }


class StepStatus(StrEnum):
    """The states of a step execution (EXE-01, EXE-10)."""

    PENDING = "PENDING"
    SKIPPED = "SKIPPED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def has_run(self) -> bool:
        """Whether the step ran and is over; only such steps can be undone."""
        return self in {StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.CANCELLED}


class RollbackStatus(StrEnum):
    """What became of undoing a step (EXE-06)."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowExecution:
    """One run of one workflow for one image."""

    id: str
    """``wf-`` and a UUID (IDS-01)."""
    image_arn: str
    ordinal: int
    """Its place among the executions of the image, in the order they run."""
    planned: int
    """The place of its workflow in the plan."""
    retried: bool = False
    """Another execution took its place (IMG-64)."""
    workflow_arn: str
    stage: Stage
    status: WorkflowStatus = WorkflowStatus.PENDING
    parallel_group: str | None = None
    message: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What later workflows read as ``$.workflowOutputs`` (§8)."""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepExecution:
    """One run of one step; its id is the token that makes its effects repeatable."""

    id: str
    """``step-`` and a UUID (IDS-01)."""
    workflow_execution_id: str
    image_arn: str
    ordinal: int
    name: str
    action: str
    description: str | None = None
    status: StepStatus = StepStatus.PENDING
    rollback_status: RollbackStatus | None = None
    message: str | None = None
    inputs: str | None = None
    """JSON text: resolved, or as written for a skipped step (EXE-03)."""
    outputs: str | None = None
    """JSON text: what reads show; of a failed step the error."""
    results: Mapping[str, Any] | None = None
    """What later steps may refer to: the outputs, those of a failure too, and those that are not
    shown."""
    on_failure: str = "Abort"
    timeout_seconds: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureContext:
    """Where a build failed, for ``state.failureContext`` (IMG-33)."""

    image_status: ImageStatus
    workflow_execution_id: str | None = None
    workflow_arn: str | None = None
    step_execution_id: str | None = None
    failed_step: str | None = None
    component_failure: Mapping[str, str] | None = None
    distribution_failure: Mapping[str, Any] | None = None
    """The error message, and the regions that failed (IMG-34)."""


def by_end(steps: Iterable[StepExecution]) -> list[StepExecution]:
    """Return steps in the order in which they ended; before them those that did not."""
    return sorted(steps, key=lambda step: step.ended_at.timestamp() if step.ended_at else 0.0)
