"""Rules about references: that they lead somewhere, and that they are read as references."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from imagewright.documents.diagnostics import Diagnostic, did_you_mean, surely_meant
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import Scalar
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
from imagewright.documents.workflow.conditions import comparisons_of
from imagewright.documents.workflow.model import OnFailure, Step
from imagewright.documents.workflow.references import Part, Root, is_reference
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


class ReferenceWithoutSuffix(WorkflowRule):
    """A reference is read as one only if the key ends in `.$`.

    Without the suffix the text itself is what the action gets, and the step fails for it. Inside
    longer text, put the reference in braces: `{{ $.parameters.name }}`.
    """

    code = "WF351"
    severity = "warning"
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
      instanceId: $.stepOutputs.Launch.instanceId
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every literal text in inputs."""
        for step in facts.workflow.steps:
            if step.inputs is not None:
                yield from self._members(step.inputs)

    def _members(self, template: templates.MapTemplate) -> Iterator[Diagnostic]:
        for member in template.members:
            yield from self._walk(member.value, member)

    def _walk(
        self, template: templates.Template, member: templates.MemberTemplate
    ) -> Iterator[Diagnostic]:
        match template:
            case templates.MapTemplate():
                yield from self._members(template)
            case templates.ListTemplate():
                for item in template.items:
                    yield from self._walk(item, member)
            case templates.Literal(value=str() as text) if is_reference(text):
                message = f"`{text}` is taken as it stands, not as a reference"
                fix = f"write the key as `{member.key.text}.$`"
                edits = _add_suffix(member)
                yield self.finding(template.span, message, fix=fix, edits=edits)
            case _:
                return


class LiteralUnderSuffix(WorkflowRule):
    """Below a key that ends in `.$` stands a reference.

    Anything else is taken as it stands, and the suffix does nothing.
    """

    code = "WF352"
    severity = "warning"
    good = UnknownStep.good
    bad = """\
schemaVersion: 1.0
steps:
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: i-0123456789abcdef0
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every literal below a key with the suffix."""
        for step in facts.workflow.steps:
            if step.inputs is None:
                continue
            alone = {id(each.value): each for each in templates.members(step.inputs)}
            for leaf in templates.leaves(step.inputs):
                if isinstance(leaf, templates.Literal) and leaf.suffixed:
                    message = "the key ends in `.$`, but this is no reference"
                    fix = "leave out the `.$`, or write a reference that begins with `$.`"
                    edits = _drop_suffix(alone.get(id(leaf)))
                    yield self.finding(leaf.span, message, fix=fix, edits=edits)


class BracesWithoutReference(WorkflowRule):
    """What stands in double braces is a reference, which begins with `$.`.

    `{{ parameters.topic }}` and, as in component documents, `{{ topic }}` stay as they are; so do
    braces that never close. The variables of distribution, such as `{{ imagebuilder:buildDate }}`,
    are for `DistributeImage` to expand.
    """

    code = "WF353"
    severity = "warning"
    good = """\
schemaVersion: 1.0
parameters:
  - name: topic
    type: string
steps:
  - name: Ask
    action: WaitForAction
    inputs:
      payload: "about {{ $.parameters.topic }}"
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
      payload: "about {{ topic }}"
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look into every text that may hold references."""
        names = {parameter.name for parameter in facts.workflow.parameters}
        for node in _texts(facts):
            for found in _BRACES.finditer(node.text):
                inner = found.group(1)
                meant = _reference_meant(inner, names)
                if meant is None:
                    continue
                span = node.part(*found.span(1))
                message = f"`{{{{ {inner} }}}}` stays as it is; a reference begins with `$.`"
                fix = f"write `{{{{ {meant} }}}}`"
                # A name alone may be for a template engine that the text is meant for.
                edits = replacing(span, inner, meant) if "." in inner else ()
                yield self.finding(span, message, fix=fix, edits=edits)
            if (open_at := _never_closed(node.text)) is not None:
                span = node.part(open_at, open_at + len("{{"))
                message = "these braces never close, so the reference in them is not read"
                yield self.finding(span, message, fix="close them with `}}`")


class ReadsSkippedStep(WorkflowRule):
    """A step that always runs reads nothing from one that may be skipped.

    A skipped step puts nothing out, and whatever reads it fails. Give the reading step the same
    `if`, or let it go on with `onFailure: Continue`. (An output of the document that finds no
    value is left out instead.)
    """

    code = "WF354"
    severity = "warning"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if: &asked
      stringEquals: Linux
      value: $.imagebuilder.platform
  - name: Tell
    action: WaitForAction
    if: *asked
    inputs:
      payload.$: $.stepOutputs.Ask.reason
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      stringEquals: Linux
      value: $.imagebuilder.platform
  - name: Tell
    action: WaitForAction
    inputs:
      payload.$: $.stepOutputs.Ask.reason
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at what steps without a condition read."""
        for step in facts.workflow.steps:
            if step.condition is not None or step.on_failure is OnFailure.CONTINUE:
                continue
            for located in templates.references_in(step.inputs) if step.inputs else ():
                source = facts.workflow.step(located.reference.name)
                if located.reference.root is not Root.STEP_OUTPUTS or source is None:
                    continue
                if source.condition is None or facts.always_runs(source):
                    continue
                message = f"when `{source.name}` is skipped, this reference fails the step"
                fix = f"give this step the `if` of `{source.name}`"
                span = _span(Use(located, ()), located.reference.parts[0])
                yield self.finding(span, message, fix=fix)


class UnusedParameter(WorkflowRule):
    """A parameter that is declared is used."""

    code = "WF355"
    severity = "warning"
    good = MalformedReference.good
    bad = """\
schemaVersion: 1.0
parameters:
  - name: topic
    type: string
    default: ""
steps:
  - name: Ask
    action: WaitForAction
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look for every declared name."""
        used = {use.reference.name for use in facts.uses_of(Root.PARAMETERS)}
        # What was meant as a use and is none, other rules speak of.
        texts = "\n".join(node.text for node in _texts(facts))
        for parameter in facts.workflow.parameters:
            name = parameter.name
            if not name or name in used or re.search(rf"\b{re.escape(name)}\b", texts):
                continue
            fix = "remove it, or refer to it"
            if re.fullmatch(r"[A-Za-z0-9_-]+", name) is None:
                fix = "references can spell names of letters, digits, `_` and `-` only"
            message = f"the parameter `{name}` is not used"
            yield self.finding(parameter.name_span, message, fix=fix)


_BRACES: Final = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_.\[\]-]*)\s*\}\}")
_OPEN: Final = re.compile(r"\{\{\s*(?=\$\.)")


def _texts(facts: Facts) -> Iterator[Scalar]:
    """Every text in which braces make references."""
    for step in facts.workflow.steps:
        if step.inputs is not None:
            yield from _scalars(templates.leaves(step.inputs))
        for comparison in comparisons_of(step.condition) if step.condition else ():
            yield from _scalars((comparison.operand, comparison.value))
    for output in facts.workflow.outputs:
        yield from _scalars((output.value,))


def _scalars(leaves: Iterable[templates.Leaf]) -> Iterator[Scalar]:
    for leaf in leaves:
        if isinstance(leaf.node, Scalar) and isinstance(leaf, templates.Literal | templates.Mixed):
            yield leaf.node


def _reference_meant(inner: str, parameters: Collection[str]) -> str | None:
    if inner in parameters:
        return f"$.{Root.PARAMETERS}.{inner}"
    root, dot, _ = inner.partition(".")
    if dot and root in set(Root) and is_reference(f"$.{inner}"):
        return f"$.{inner}"
    return None


def _never_closed(text: str) -> int | None:
    last = text.rfind("}}")
    found = _OPEN.search(text, last + 2 if last >= 0 else 0)
    return found.start() if found else None


def _add_suffix(member: templates.MemberTemplate) -> tuple[Edit, ...]:
    """Give a key its ``.$``, if all that stands below it is then a reference."""
    leaves = list(templates.leaves(member.value))
    if not all(
        isinstance(leaf, templates.Literal) and is_reference(str(leaf.value)) for leaf in leaves
    ):
        return ()
    key = member.key.text
    return replacing(member.key.span, key, f"{key}{templates.SUFFIX}")


def _drop_suffix(member: templates.MemberTemplate | None) -> tuple[Edit, ...]:
    """Take the ``.$`` off a key whose one value is no reference."""
    if member is None or not member.key.text.endswith(templates.SUFFIX):
        return ()
    return replacing(member.key.span, member.key.text, member.name)


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
