"""What happens to builds, as events that others are told of (EVT-01 to EVT-03)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from imagewright.arns import Arn
from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import ImageStatus, StepExecution, WorkflowExecution

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

    def to_json(self) -> dict[str, Any]:
        """Return the event as it is kept until it is told."""
        return {**asdict(self), "at": self.at.isoformat(), "resources": list(self.resources)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the event that ``to_json`` gave."""
        return cls(**{**kept, "at": datetime.fromisoformat(kept["at"])})


def state_changed(
    image_arn: str, before: ImageStatus, after: ImageStatus, *, event_id: str, at: datetime
) -> BuildEvent:
    """Return the event of an image that reached another state (EVT-01, EVT-06)."""
    arn = Arn.parse(image_arn)
    return BuildEvent(
        id=event_id,
        kind="EC2 Image Builder Image State Change",
        account=arn.account,
        region=arn.region,
        at=at,
        resources=[image_arn],
        detail={
            "previous-state": {"status": before.value},
            "state": {"status": after.value},
        },
    )


def vulnerabilities_counted(
    plan: BuildPlan,
    step: StepExecution,
    *,
    instance_id: str,
    counts: Mapping[str, int],
    at: datetime,
) -> BuildEvent:
    """Return the event of a scan that ended (EVT-02); ``counts`` by severity, as ``CRITICAL``."""
    return BuildEvent(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{step.image_arn}#{step.id}")),
        kind="EC2 Image Builder CVE Detected",
        account=plan.account,
        region=plan.region,
        at=at,
        resources=[step.image_arn, *([plan.pipeline_arn] if plan.pipeline_arn else [])],
        detail={
            "resource-id": instance_id,
            "finding-severity-counts": {
                "all": sum(counts.values()),
                **{each: counts.get(each.upper(), 0) for each in ("critical", "high", "medium")},
            },
        },
    )


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


def pipeline_disabled(arn_text: str, failures: int, *, event_id: str, at: datetime) -> BuildEvent:
    """Return the event of a pipeline that its failures disabled (EVT-04)."""
    arn = Arn.parse(arn_text)
    return BuildEvent(
        id=event_id,
        kind="EC2 Image Builder Image Pipeline Automatically Disabled",
        account=arn.account,
        region=arn.region,
        at=at,
        resources=[arn_text],
        detail={"consecutive-failures": str(failures)},
    )
