"""What a step sees: its document, the values it may refer to, and where it starts from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from imagewright.documents.nodes import Plain
from imagewright.documents.reading import ADMITTED
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.evaluation import IMAGE_OUTPUT
from imagewright.documents.workflow.model import Step, Workflow
from imagewright.documents.workflow.parameters import bind
from imagewright.documents.workflow.scope import Scope
from imagewright.engine.groups import units
from imagewright.engine.plan import BuildPlan, PlannedWorkflow
from imagewright.engine.ports import Documents, Records
from imagewright.engine.records import StepExecution, StepStatus, WorkflowExecution
from imagewright.engine.variables import system_variables

_KEPT_DOCUMENTS = 64
_KEPT_PLANS = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """One workflow execution, with everything its steps are evaluated against."""

    plan: BuildPlan
    planned: PlannedWorkflow
    execution: WorkflowExecution
    workflow: Workflow
    parameters: Mapping[str, Plain]
    workflow_outputs: Mapping[str, Plain]
    parent_image_id: str

    def step(self, record: StepExecution) -> Step:
        """Return the step of the document that a record belongs to."""
        return self.workflow.steps[record.ordinal]

    @property
    def base_image_id(self) -> str | None:
        """What LaunchInstance starts from: the image under test, or None, the parent image."""
        made = self.workflow_outputs.get(IMAGE_OUTPUT)
        return made if self.execution.stage is not Stage.BUILD and isinstance(made, str) else None

    def scope(self, steps: Mapping[str, StepExecution]) -> Scope:
        """Return what references reach, given the records of the steps so far, by name."""
        return Scope(
            parameters=self.parameters,
            step_outputs={
                name: dict(step.results) for name, step in steps.items() if step.results is not None
            },
            workflow_outputs=self.workflow_outputs,
            imagebuilder=system_variables(
                self.plan,
                self.execution.stage,
                started_at=self.execution.started_at,
                base_image_id=self.parent_image_id,
            ),
            without_outputs={
                name: _why_without_outputs(step)
                for name, step in steps.items()
                if step.results is None and step.status is not StepStatus.PENDING
            },
        )


class Scenes:
    """Sets scenes; a document is parsed and a plan read once, not for every step."""

    def __init__(
        self,
        records: Records,
        documents: Documents,
        actions: Mapping[str, ActionSpec],
        parent_image_id: Callable[[BuildPlan], str],
    ) -> None:
        self._records = records
        self._parent_image_id = parent_image_id
        self._documents = documents
        self._actions = actions
        self._parsed = lru_cache(_KEPT_DOCUMENTS)(self._parse)
        self._plan = lru_cache(_KEPT_PLANS)(self._read_plan)

    def of(self, execution_id: str) -> Scene:
        """Return the scene of a workflow execution."""
        execution = self._records.execution(execution_id)
        plan = self._plan(execution_id, execution.image_arn)
        planned = plan.workflows[execution.planned]
        workflow = self.workflow(planned, plan.region)
        parameters: Any = bind(
            workflow, [(name, list(value)) for name, value in planned.parameters.items()]
        )
        return Scene(
            plan=plan,
            planned=planned,
            execution=execution,
            workflow=workflow,
            parameters=parameters,
            workflow_outputs=self._outputs_before(execution),
            parent_image_id=self._parent_image_id(plan),
        )

    def workflow(self, planned: PlannedWorkflow, region: str) -> Workflow:
        """Return a planned workflow's document."""
        return self._parsed(planned.arn, self._documents.open(planned.document, region))

    def _read_plan(self, _execution_id: str, image_arn: str) -> BuildPlan:
        """Return what never changes for one execution; the ARN alone may come back with another."""
        return self._records.plan(image_arn)

    def _parse(self, arn: str, text: str) -> Workflow:
        checked = load_workflow(text, actions=self._actions, budget=ADMITTED)
        if checked.workflow is None:
            raise ValueError(f"the document of {arn} is not accepted any more")
        return checked.workflow

    def _outputs_before(self, execution: WorkflowExecution) -> dict[str, Plain]:
        """Collect the outputs of every workflow that ended before this one began (§8).

        Those of its own group are not among them, whichever of them happens to end first.
        """
        collected: dict[str, Plain] = {}
        for unit in units(self._records.executions(execution.image_arn)):
            if any(other.id == execution.id for other in unit):
                break
            for other in unit:
                collected.update(other.outputs)
        return collected


def as_json(value: Any) -> str:
    """Spell inputs or outputs as records hold them (EXE-03)."""
    return json.dumps(value, ensure_ascii=False)


def _why_without_outputs(step: StepExecution) -> str:
    return {
        StepStatus.SKIPPED: "was skipped",
        StepStatus.FAILED: "failed",
        StepStatus.CANCELLED: "was cancelled",
    }.get(step.status, "has not ended")
