"""Rules about actions: whether there is such a one, may stand here, and gets what it needs."""

from collections.abc import Iterator

from imagewright.documents.diagnostics import (
    Diagnostic,
    did_you_mean,
    one_of,
    surely_meant,
)
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import Scalar
from imagewright.documents.rules import Rule
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.values import Path, Problem
from imagewright.documents.workflow.model import Step
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule
from imagewright.documents.workflow.templates import (
    Literal,
    MapTemplate,
    Whole,
    key_at,
    known_part,
    value_at,
)


class UnknownAction(WorkflowRule):
    """There must be such an action; its name is spelt exactly."""

    code = "WF201"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: waitForAction
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every step's action."""
        for step in facts.workflow.steps:
            if step.action and step.action not in facts.actions:
                meant = did_you_mean(step.action, facts.actions)
                fix = f"did you mean `{meant}`?" if meant else f"there are {_all(facts)}"
                message = f"there is no action `{step.action}`"
                span = step.place("action")
                edits = replacing(span, step.action, surely_meant(step.action, facts.actions))
                yield self.finding(span, message, fix=fix, edits=edits)


class ActionNotInStage(WorkflowRule):
    """Some actions may stand in workflows of certain types only (CRT-46).

    Components run in BUILD and TEST, scan findings are collected in TEST, and what distributes
    belongs to DISTRIBUTION. (The example's bad document is one of type BUILD.)
    """

    code = "WF202"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Distribute
    action: DistributeImage
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every step's action."""
        if facts.stage is None:
            return
        for step, spec in facts.steps_with_spec():
            if facts.stage not in spec.stages:
                message = f"{spec.name} cannot stand in a {facts.stage} workflow"
                stages = one_of([stage for stage in Stage if stage in spec.stages])
                fix = f"it belongs in a workflow of type {stages}"
                yield self.finding(step.place("action"), message, fix=fix)


class ActionsExcludeEachOther(WorkflowRule):
    """A workflow distributes container images or AMIs, not both (CRT-47).

    One with `DistributeContainerImage` must not hold `DistributeImage`, `ModifyImageAttributes` or
    `ApplyImageConfigurations`.
    """

    code = "WF203"
    good = """\
schemaVersion: 1.0
steps:
  - name: Push
    action: DistributeContainerImage
    inputs:
      instanceId.$: $.workflowOutputs.InstanceId
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Push
    action: DistributeContainerImage
    inputs:
      instanceId.$: $.workflowOutputs.InstanceId
  - name: Copy
    action: DistributeImage
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Report each step that another one in the document excludes."""
        excluding = [spec for _, spec in facts.steps_with_spec() if spec.excludes]
        for step in facts.workflow.steps:
            for spec in excluding:
                if step.action in spec.excludes:
                    message = f"{step.action} and {spec.name} cannot stand in one workflow"
                    fix = "make two workflows of it, one for containers and one for AMIs"
                    yield self.finding(step.place("action"), message, fix=fix)
                    break


class TimeoutTooLong(WorkflowRule):
    """A time-out is at most what its action allows (CRT-48)."""

    code = "WF204"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 604800
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 604801
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every step that sets a time-out."""
        for step, spec in facts.steps_with_spec():
            declared = step.declared_timeout_seconds
            if declared is not None and declared > spec.timeout_max_seconds:
                most = spec.timeout_max_seconds
                message = f"{spec.name} may take at most {most} seconds, not {declared}"
                yield self.finding(step.place("timeoutSeconds"), message)


class MissingInput(Rule):
    """An action's required inputs must be given, as `x` or as `x.$`."""

    code = "WF205"
    good = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
"""


class UnknownInput(Rule):
    """An action takes its own inputs and no others, at every depth."""

    code = "WF206"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      snsTopicArn: arn:aws:sns:eu-west-1:123456789012:questions
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      topicArn: arn:aws:sns:eu-west-1:123456789012:questions
"""


class WrongInput(WorkflowRule):
    """An input has the type and the form that its action asks for.

    A whole number without quotes is taken for text where text is asked for. What stands behind a
    reference is checked when the step starts.
    """

    code = "WF207"
    good = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
      instanceTypesOverride: [m7i.large]
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
      instanceTypesOverride: m7i.large
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Hold every step's inputs against the action's declaration; speak for WF205 and WF206."""
        for step, spec in facts.steps_with_spec():
            values = known_part(step.inputs) if step.inputs else {}
            for problem in spec.check_inputs(values):
                # WF351 speaks of references that lack their suffix, whatever the action.
                if problem.kind != "reference":
                    yield _input_finding(step, spec, problem)
            if step.inputs is not None:
                yield from self._check_reference_only(spec, step.inputs)

    def _check_reference_only(self, spec: ActionSpec, inputs: MapTemplate) -> Iterator[Diagnostic]:
        for member in spec.input_record.members:
            root = member.notes.reference_root
            given = inputs.member(member.name)
            if root is None or given is None:
                continue
            if not (isinstance(given.value, Whole) and given.value.reference.root == root):
                message = f"`{member.name}` takes a reference that begins with `$.{root}.` only"
                fix = f"write `{member.name}.$: $.{root}.…`"
                yield self.finding(given.value.span, message, fix=fix)


class InputGivenTwice(Rule):
    """An input is given as `x` or as `x.$`, not as both."""

    code = "WF208"
    good = """\
schemaVersion: 1.0
parameters:
  - name: topic
    type: string
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      snsTopicArn.$: $.parameters.topic
"""
    bad = """\
schemaVersion: 1.0
parameters:
  - name: topic
    type: string
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      snsTopicArn: arn:aws:sns:eu-west-1:123456789012:questions
      snsTopicArn.$: $.parameters.topic
"""


def _input_finding(step: Step, spec: ActionSpec, problem: Problem) -> Diagnostic:
    inputs = step.inputs
    key = key_at(inputs, problem.path) if inputs else None
    match problem.kind:
        case "missing":
            span = value_at(inputs, problem.path).span if inputs else step.place("action")
            if inputs is not None and len(problem.path) == 1:
                span = step.place("action")
            message = f"{spec.name} needs the input {problem.message.removesuffix(' is missing')}"
            fix = problem.help or _how_to_give(spec, problem.path)
            return MissingInput.finding(span, message, fix=fix)
        case "unknown name":
            span = key.span if key else step.place("inputs")
            message = problem.message
            if len(problem.path) == 1:
                message = f"{spec.name} has no input `{problem.path[0]}`"
            return UnknownInput.finding(
                span, message, fix=problem.help, edits=_rename(inputs, key, problem)
            )
        case _:
            span = value_at(inputs, problem.path).span if inputs else step.place("inputs")
            return WrongInput.finding(
                span, problem.message, fix=problem.help, edits=_reword(inputs, problem)
            )


def _rename(inputs: MapTemplate | None, key: Scalar | None, problem: Problem) -> tuple[Edit, ...]:
    """Rename an input that was surely meant to be another, unless that is given too."""
    parent = value_at(inputs, problem.path[:-1]) if inputs else None
    if key is None or not isinstance(parent, MapTemplate) or parent.member(problem.meant):
        return ()
    name = str(problem.path[-1])
    return replacing(key.span, key.text, key.text.replace(name, problem.meant, 1))


def _reword(inputs: MapTemplate | None, problem: Problem) -> tuple[Edit, ...]:
    """Put the word that was surely meant in place of another."""
    given = value_at(inputs, problem.path) if inputs and problem.meant else None
    if not isinstance(given, Literal) or not isinstance(given.node, Scalar):
        return ()
    return replacing(given.span, given.node.text, problem.meant)


def _how_to_give(spec: ActionSpec, path: Path) -> str:
    name = str(path[-1])
    if name == "instanceId":
        return "write `instanceId.$: $.stepOutputs.<step that launches>.instanceId` in `inputs`"
    member = spec.input_record.member(name) if len(path) == 1 else None
    if member is not None and member.notes.example:
        return f"write `{member.notes.example}` in `inputs`"
    return f"write `{name}` in `inputs`"


def _all(facts: Facts) -> str:
    return ", ".join(sorted(facts.actions))
