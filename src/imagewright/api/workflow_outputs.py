"""What workflows of one image put out, and read of each other (``workflow-documents.md`` §8)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imagewright.api.shapes import WorkflowConfiguration
from imagewright.documents.diagnostics import did_you_mean
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.model import OnFailure, Workflow
from imagewright.documents.workflow.references import Root
from imagewright.engine.groups import units
from imagewright.errors import InvalidParameterValue
from imagewright.store.resources import Stored

Asked = Sequence[tuple[WorkflowConfiguration, Stored]]
"""The workflows of a request, as it names them and as they were found."""


def check_outputs(workflows: Sequence[Workflow], asked: Asked) -> None:
    """Refuse outputs of one name, and references to what no earlier workflow puts out.

    ``workflows`` are the documents of ``asked``. Raises InvalidParameterValue.
    """
    _check_names(workflows, asked)
    _check_references(workflows, asked)


def _check_names(workflows: Sequence[Workflow], asked: Asked) -> None:
    """Check that no two have an output of one name: which would later ones read?"""
    first: dict[str, int] = {}
    for index, workflow in enumerate(workflows):
        for output in workflow.outputs:
            other = first.setdefault(output.name, index)
            if other != index:
                both = " and ".join(f"'{asked[each][1].arn}'" for each in (other, index))
                raise InvalidParameterValue(
                    "workflows",
                    "The outputs of an image's workflows must have different names; "
                    f"{both} both have '{output.name}'.",
                )


def _check_references(workflows: Sequence[Workflow], asked: Asked) -> None:
    """Check that what a step reads is put out by then; those of its own group are not (§8)."""
    known: list[str] = []
    for unit in _in_order(workflows, asked):
        for each in unit:
            for step, name in _read_by(each.workflow):
                if name not in known:
                    meant = did_you_mean(name, known)
                    instead = f" Did you mean '{meant}'?" if meant else ""
                    raise InvalidParameterValue(
                        "workflows",
                        f"The step '{step}' of '{each.arn}' reads '$.workflowOutputs.{name}', "
                        f"which no workflow that runs before it puts out.{instead}",
                    )
        known += [output.name for each in unit for output in each.workflow.outputs]


@dataclass(frozen=True, slots=True)
class _Asked:
    workflow: Workflow
    arn: str
    parallel_group: str | None


def _in_order(workflows: Sequence[Workflow], asked: Asked) -> Iterator[list[_Asked]]:
    """Yield what runs together, in the order in which it runs (§10.1, §10.2)."""
    for stage in Stage:
        of_stage = [
            _Asked(workflow, str(stored.arn), configuration.get("parallelGroup"))
            for workflow, (configuration, stored) in zip(workflows, asked, strict=True)
            if stored.type == stage
        ]
        yield from units(of_stage)


def _read_by(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Yield every output of another workflow that a step reads, after the step's name.

    A step with an ``if`` may mean to read it only where it is there, and one that may fail to do
    without.
    """
    for step in workflow.steps:
        if step.condition is not None or step.on_failure is OnFailure.CONTINUE:
            continue
        for located in step.references():
            if located.reference.root is Root.WORKFLOW_OUTPUTS:
                yield step.name, located.reference.name
