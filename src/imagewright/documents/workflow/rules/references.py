"""Rules about references: that they lead somewhere, to what is wanted there."""

from collections.abc import Iterator, Sequence

from imagewright.documents.diagnostics import Diagnostic, did_you_mean, surely_meant
from imagewright.documents.edits import replacing
from imagewright.documents.places import Span
from imagewright.documents.rules import Rule
from imagewright.documents.shapes import (
    Anything,
    ListOf,
    MapOf,
    Member,
    Record,
    Shape,
    Text,
    Truth,
    Whole,
    describe,
)
from imagewright.documents.workflow import templates
from imagewright.documents.workflow.model import Step
from imagewright.documents.workflow.references import Part, Root
from imagewright.documents.workflow.rules.facts import Facts, Use, WorkflowRule, inside
from imagewright.documents.workflow.system import SYSTEM_VARIABLES, system_variable_name


class MalformedReference(Rule):
    """A reference is `$.`, a root, and names and indexes: `$.stepOutputs.Run.output[0]`.

    Names have letters, digits, `_` and `-`; an index is a whole number in brackets. There is
    nothing else in the language: no filters, no wildcards, no functions.
    """

    code = "WF301"
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
      snsTopicArn.$: $.parameters.
"""


class UnknownRoot(Rule):
    """References look in `parameters`, `stepOutputs`, `workflowOutputs` or `imagebuilder`."""

    code = "WF302"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      payload.$: $.imagebuilder.imageName
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      payload.$: $.image.name
"""


class UnknownStep(WorkflowRule):
    """`$.stepOutputs` names a step of the same document."""

    code = "WF303"
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
    inputs:
      waitFor: ssmAgent
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Lanch.instanceId
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every reference to a step."""
        for use in facts.uses_of(Root.STEP_OUTPUTS):
            name = use.reference.name
            if facts.workflow.step(name) is None:
                earlier = [step.name for step in use.visible]
                meant = did_you_mean(name, earlier)
                if meant:
                    fix = f"did you mean `{meant}`?"
                elif earlier:
                    fix = f"the steps before this one are {_listed(earlier)}"
                else:
                    fix = "no step runs before this one"
                message = f"there is no step `{name}`"
                label = "no step has this name"
                span = _span(use, use.reference.parts[0])
                edits = replacing(span, name, surely_meant(name, earlier))
                yield self.finding(span, message, label=label, fix=fix, edits=edits)


class LaterStep(WorkflowRule):
    """A step reads only the outputs of steps that stand before it."""

    code = "WF304"
    good = UnknownStep.good
    bad = """\
schemaVersion: 1.0
steps:
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every reference to a step that there is."""
        for use in facts.uses_of(Root.STEP_OUTPUTS):
            name = use.reference.name
            step = facts.workflow.step(name)
            if step is None or any(earlier.name == name for earlier in use.visible):
                continue
            line = step.place("name").start.line
            message = f"the step `{name}` has not run yet at this place"
            label = f"stands in line {line}"
            fix = "move this step behind it, or refer to an earlier one"
            yield self.finding(_span(use, use.reference.parts[0]), message, label=label, fix=fix)


class UnknownOutput(WorkflowRule):
    """A reference reads an output that the step's action has, and parts which that output has."""

    code = "WF305"
    good = UnknownStep.good
    bad = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instance
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Follow every reference as far as its way is known."""
        for use in facts.uses:
            beginning = facts.beginning(use.reference)
            if beginning is None:
                continue
            shape, way = beginning
            spelt = f"$.{use.reference.root}.{use.reference.name}"
            for part in way:
                inner = inside(shape, part.key)
                if inner is None:
                    yield self._lost(facts, use, shape, part, spelt)
                    break
                shape = inner
                spelt += f"[{part.key}]" if isinstance(part.key, int) else f".{part.key}"

    def _lost(self, facts: Facts, use: Use, shape: Shape, part: Part, spelt: str) -> Diagnostic:
        message, fix = _why_lost(shape, part, spelt)
        if use.reference.root is Root.STEP_OUTPUTS and part is use.reference.inner[0]:
            step = facts.workflow.step(use.reference.name)
            message, fix = _no_such_output(step, shape, part)
        span = _span(use, part)
        known = shape.names if isinstance(shape, Record) else ()
        edits = replacing(span, str(part.key), surely_meant(str(part.key), known))
        return self.finding(span, message, fix=fix, edits=edits)


class UndeclaredParameter(WorkflowRule):
    """`$.parameters` names a parameter that the document declares."""

    code = "WF306"
    good = MalformedReference.good
    bad = """\
schemaVersion: 1.0
parameters:
  - name: topic
    type: string
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      snsTopicArn.$: $.parameters.topicArn
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every reference to a parameter."""
        names = [parameter.name for parameter in facts.workflow.parameters]
        for use in facts.uses_of(Root.PARAMETERS):
            name = use.reference.name
            if name not in names:
                meant = did_you_mean(name, names)
                fix = f"did you mean `{meant}`?" if meant else "declare it below `parameters`"
                message = f"the parameter `{name}` is not declared"
                span = _span(use, use.reference.parts[0])
                edits = replacing(span, name, surely_meant(name, names))
                yield self.finding(span, message, fix=fix, edits=edits)


class UnknownSystemVariable(WorkflowRule):
    """`$.imagebuilder` names a system variable."""

    code = "WF307"
    good = UnknownRoot.good
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      payload.$: $.imagebuilder.name
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every reference to a system variable."""
        for use in facts.uses_of(Root.IMAGEBUILDER):
            name = use.reference.name
            if system_variable_name(name) is None:
                meant = did_you_mean(name, SYSTEM_VARIABLES.names)
                known = f"there are {', '.join(SYSTEM_VARIABLES.names)}"
                fix = f"did you mean `{meant}`?" if meant else known
                message = f"there is no system variable `{name}`"
                span = _span(use, use.reference.parts[0])
                edits = replacing(span, name, surely_meant(name, SYSTEM_VARIABLES.names))
                yield self.finding(span, message, fix=fix, edits=edits)


class WrongReferenceKind(WorkflowRule):
    """What a reference stands for fits where it is used: no list where text is asked for.

    `RunCommand` puts out a list, unlike all other actions: its first text is `output[0]`.
    """

    code = "WF308"
    good = """\
schemaVersion: 1.0
steps:
  - name: Find
    action: RunCommand
    inputs:
      instanceId: i-0123456789abcdef0
      documentName: AWS-RunShellScript
      parameters: {commands: [cat /id]}
  - name: Ask
    action: WaitForAction
    inputs:
      payload.$: $.stepOutputs.Find.output[0]
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Find
    action: RunCommand
    inputs:
      instanceId: i-0123456789abcdef0
      documentName: AWS-RunShellScript
      parameters: {commands: [cat /id]}
  - name: Ask
    action: WaitForAction
    inputs:
      payload.$: $.stepOutputs.Find.output
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Hold every reference in inputs and in `rollbackEnabled` against what is asked for."""
        for step, spec in facts.steps_with_spec():
            if step.inputs is not None:
                yield from self._walk(facts, step.inputs, spec.input_record, None)
            yield from self._walk(facts, step.rollback_enabled, Truth(), None)

    def _walk(
        self, facts: Facts, template: templates.Template, asked: Shape, member: Member | None
    ) -> Iterator[Diagnostic]:
        match template:
            case templates.MapTemplate():
                for given in template.members:
                    inner = _member_shape(asked, given.name)
                    if inner is not None:
                        yield from self._walk(facts, given.value, *inner)
            case templates.ListTemplate() if isinstance(asked, ListOf):
                for item in template.items:
                    yield from self._walk(facts, item, asked.item, None)
            case templates.Whole():
                yield from self._compare(facts, template, asked, member)
            case _:
                return

    def _compare(
        self, facts: Facts, template: templates.Whole, asked: Shape, member: Member | None
    ) -> Iterator[Diagnostic]:
        given = facts.shape_of(template.reference)
        one_or_many = member is not None and member.notes.one_or_many
        if given is None or _fits(given, asked, one_or_many=one_or_many):
            return
        message = f"`{template.reference}` is {_is(given)}; needed is {describe(asked)}"
        fix = ""
        if isinstance(given, ListOf) and _fits(given.item, asked, one_or_many=False):
            fix = f"take one of its entries: `{template.reference}[0]`"
        yield self.finding(template.span, message, fix=fix)


def _span(use: Use, part: Part) -> Span:
    return use.located.span(part.start, part.end)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _no_such_output(step: Step | None, shape: Shape, part: Part) -> tuple[str, str]:
    action = step.action if step else ""
    names = shape.names if isinstance(shape, Record) else ()
    if not names:
        return f"{action} puts nothing out", ""
    meant = did_you_mean(str(part.key), names)
    fix = f"did you mean `{meant}`?" if meant else f"it puts out {_listed(names)}"
    return f"{action} has no output `{part.key}`", fix


def _why_lost(shape: Shape, part: Part, spelt: str) -> tuple[str, str]:
    if isinstance(part.key, int):
        return f"`{spelt}` is {_is(shape)}, not a list", ""
    match shape:
        case Record():
            meant = did_you_mean(part.key, shape.names)
            fix = f"did you mean `{meant}`?" if meant else f"it has {_listed(shape.names)}"
            return f"`{spelt}` has no `{part.key}`", fix
        case ListOf():
            fix = f"take one of its entries first: `{spelt}[0]`"
            return f"`{spelt}` is a list and has no `{part.key}`", fix
        case _:
            return f"`{spelt}` is {_is(shape)} and has no `{part.key}`", ""


def _is(shape: Shape) -> str:
    return "text" if isinstance(shape, Text) else describe(shape)


def _member_shape(asked: Shape, name: str) -> tuple[Shape, Member | None] | None:
    match asked:
        case Record():
            member = asked.member(name)
            return (member.shape, member) if member else None
        case MapOf(value):
            return value, None
        case _:
            return None


def _fits(given: Shape, asked: Shape, *, one_or_many: bool) -> bool:
    if isinstance(given, Anything) or isinstance(asked, Anything):
        return True
    if isinstance(asked, ListOf):
        if isinstance(given, ListOf):
            return _fits(given.item, asked.item, one_or_many=False)
        return one_or_many and _fits(given, asked.item, one_or_many=False)
    if isinstance(asked, Record | MapOf):
        return isinstance(given, Record | MapOf)
    if isinstance(asked, Text):
        return isinstance(given, Text | Whole)
    return isinstance(given, Text | type(asked))
