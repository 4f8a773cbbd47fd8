"""What happens to builds, as events that others are told of (``workflow-documents.md`` §12.3)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import StepExecution, WorkflowExecution

SOURCE = "aws.imagebuilder"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildEvent:
    """Something that happened."""

    id: str
    """A UUID; told again after a crash, an event has the same."""
    kind: str
    """EventBridge's ``detail-type``."""
    account: str
    region: str
    at: datetime
    resources: Sequence[str]
    detail: Mapping[str, Any]

    def envelope(self, source: str = SOURCE) -> dict[str, Any]:
        """Return the event as EventBridge hands it on; JSON values."""
        return {
            "version": "0",
            "id": self.id,
            "detail-type": self.kind,
            "source": source,
            "account": self.account,
            "time": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": list(self.resources),
            "detail": dict(self.detail),
        }


def step_waits(plan: BuildPlan, execution: WorkflowExecution, step: StepExecution) -> BuildEvent:
    """Return the event of a step that waits for an answer (§12.3)."""
    if step.started_at is None:
        raise ValueError(f"{step.id} has not started")
    return BuildEvent(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{step.image_arn}#{step.id}")),
        kind="EC2 Image Builder Workflow Step Waiting",
        account=plan.account,
        region=plan.region,
        at=step.started_at,
        resources=[step.image_arn, execution.workflow_arn],
        detail={
            "workflow-execution-id": execution.id,
            "workflow-step-execution-id": step.id,
            "workflow-step-name": step.name,
        },
    )
