"""Rules about workflows that run for one image: what they put out, and read of each other."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imagewright.documents.diagnostics import Diagnostic, did_you_mean
from imagewright.documents.rules import Rule
from imagewright.documents.workflow.evaluation import CONTAINER_OUTPUT, IMAGE_OUTPUT
from imagewright.documents.workflow.model import Output, Workflow
from imagewright.documents.workflow.references import Root
from imagewright.documents.workflow.templates import Located


@dataclass(frozen=True, slots=True)
class Companion:
    """A workflow under the name of its file."""

    name: str
    workflow: Workflow


MANAGED_OUTPUTS = (IMAGE_OUTPUT, CONTAINER_OUTPUT)
"""What the managed workflows put out, which may run beside those that are checked (§9)."""


class CompanionRule(Rule):
    """A rule about one workflow among others. Its examples stand beside ``BESIDE``."""

    BESIDE = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
outputs:
  - name: Reason
    value: $.stepOutputs.Ask.reason
"""

    @abstractmethod
    def check(self, one: Companion, others: Sequence[Companion]) -> Iterator[Diagnostic]:
        """Give a finding for every place of ``one`` where the rule is broken."""


class UnknownWorkflowOutput(CompanionRule):
    """`$.workflowOutputs` names what another workflow of the same image puts out.

    Asked with `imagewright validate --together`, which says that the files are all the workflows
    of one image. `ImageId` and `InstanceId` are always known: managed workflows put them out. (The
    examples stand beside a workflow with the output `Reason`.)
    """

    code = "WF601"
    severity = "warning"
    good = """\
schemaVersion: 1.0
steps:
  - name: Tell
    action: WaitForAction
    inputs:
      payload.$: $.workflowOutputs.Reason
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Tell
    action: WaitForAction
    inputs:
      payload.$: $.workflowOutputs.Reasons
"""

    def check(self, one: Companion, others: Sequence[Companion]) -> Iterator[Diagnostic]:
        """Look at every reference to a workflow's output."""
        known = [output.name for other in others for output in other.workflow.outputs]
        known += MANAGED_OUTPUTS
        for located in _references(one.workflow):
            name = located.reference.name
            if located.reference.root is not Root.WORKFLOW_OUTPUTS or name in known:
                continue
            part = located.reference.parts[0]
            span = located.span(part.start, part.end)
            message = f"no other workflow puts out `{name}`"
            if one.workflow.output(name) is not None:
                message = f"`{name}` is put out by this workflow itself, when it has ended"
            meant = did_you_mean(name, known)
            fix = f"did you mean `{meant}`?" if meant else ""
            yield self.finding(span, message, fix=fix)


class SharedOutputName(CompanionRule):
    """Outputs have one name each, among all workflows of an image.

    Asked with `imagewright validate --together`. The request for the image is refused otherwise.
    (The examples stand beside a workflow with the output `Reason`.)
    """

    code = "WF602"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
outputs:
  - name: SecondReason
    value: $.stepOutputs.Ask.reason
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
outputs:
  - name: Reason
    value: $.stepOutputs.Ask.reason
"""

    def check(self, one: Companion, others: Sequence[Companion]) -> Iterator[Diagnostic]:
        """Look at every output."""
        for output in one.workflow.outputs:
            found = next(_of_name(output, others), None)
            if found is not None:
                message = f"`{found.name}` has an output called `{output.name}` too"
                yield self.finding(output.name_span, message, fix="rename one of the two")


COMPANION_RULES: tuple[CompanionRule, ...] = (UnknownWorkflowOutput(), SharedOutputName())


def check_together(companions: Sequence[Companion]) -> Iterator[tuple[Companion, Diagnostic]]:
    """Check workflows that are to run for one image, against each other."""
    for one in companions:
        others = [other for other in companions if other is not one]
        for rule in COMPANION_RULES:
            for finding in rule.check(one, others):
                yield one, finding


def _of_name(output: Output, others: Sequence[Companion]) -> Iterator[Companion]:
    return (other for other in others if other.workflow.output(output.name) is not None)


def _references(workflow: Workflow) -> Iterator[Located]:
    for step in workflow.steps:
        yield from step.references()
    for output in workflow.outputs:
        yield from output.references
