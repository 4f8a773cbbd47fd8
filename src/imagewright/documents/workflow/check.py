"""Text to a workflow: everything that is wrong with it, or the typed document (CRT-40)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from imagewright.documents.diagnostics import Diagnostic, has_errors, in_order
from imagewright.documents.nodes import MapNode
from imagewright.documents.reading import Budget, Loaded, load
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.workflow.document_reading import read_workflow
from imagewright.documents.workflow.model import Step, Workflow
from imagewright.documents.workflow.rules import ADVICE_RULES, MEANING_RULES
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule

FINDINGS_MAX: Final = 500
"""Nobody reads on after so many; looking for their places would take a hostile text for ever."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a text."""

    workflow: Workflow | None
    """None when at least one finding is an error."""
    findings: tuple[Diagnostic, ...]
    """Errors and warnings, in the order of the text."""


def load_workflow(
    text: str,
    *,
    actions: Mapping[str, ActionSpec],
    stage: Stage | None = None,
    budget: Budget | None = None,
) -> Checked:
    """Read and check a workflow document, against the type of its resource where one is given.

    Never raises over what the text holds.
    """
    return check_workflow(load(text, budget), actions=actions, stage=stage)


def check_workflow(
    loaded: Loaded, *, actions: Mapping[str, ActionSpec], stage: Stage | None = None
) -> Checked:
    """Check what has been read already, as ``load_workflow`` does."""
    if loaded.root is None:
        return Checked(None, loaded.findings)
    findings = _Findings()
    try:
        workflow = read_workflow(loaded.root, actions, findings.add)
    except _TooManyError:
        return Checked(None, in_order(findings.list))
    if workflow is None:
        return Checked(None, in_order(findings.list))
    facts = Facts(workflow, actions, stage)
    meaning = _ask(MEANING_RULES, facts)
    every = list(islice(chain(loaded.findings, findings.list, meaning), FINDINGS_MAX))
    if not has_errors(every):
        every += islice(_ask(ADVICE_RULES, facts), FINDINGS_MAX - len(every))
    ordered = in_order(_name_step(finding, workflow.steps) for finding in every)
    return Checked(None if has_errors(ordered) else workflow, ordered)


class _TooManyError(Exception):
    """There is so much wrong with a text that reading on is of no use."""


class _Findings:
    """What is wrong with the form, up to the point where nobody would read on."""

    def __init__(self) -> None:
        self.list: list[Diagnostic] = []

    def add(self, finding: Diagnostic) -> None:
        self.list.append(finding)
        if len(self.list) >= FINDINGS_MAX:
            raise _TooManyError


def _ask(rules: Iterable[WorkflowRule], facts: Facts) -> Iterator[Diagnostic]:
    return chain.from_iterable(rule.check(facts) for rule in rules)


def _name_step(finding: Diagnostic, steps: Sequence[Step]) -> Diagnostic:
    """Say which step a finding is about, for the wire (CRT-42)."""
    for step in steps:
        if step.name and _holds(step.node, finding):
            return replace(finding, context=f"step '{step.name}'")
    return finding


def _holds(node: MapNode, finding: Diagnostic) -> bool:
    return node.span.start <= finding.span.start and finding.span.end <= node.span.end
