"""Rules about what looks like a reference and is none, and about what nobody refers to."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from imagewright.build_tokens import build_tokens
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import Scalar
from imagewright.documents.workflow import templates
from imagewright.documents.workflow.conditions import comparisons_of
from imagewright.documents.workflow.model import OnFailure
from imagewright.documents.workflow.references import Root, is_reference
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule
from imagewright.documents.workflow.rules.references import MalformedReference, UnknownStep


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
                first = located.reference.parts[0]
                span = located.span(first.start, first.end)
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


class UnknownBuildVariable(WorkflowRule):
    """A variable of a copy's name, description or tags is one of the build's.

    `DistributeImage` knows `{{ imagebuilder:buildDate }}`, the same with a format
    (`{{ imagebuilder:buildDate:yyyyMMdd }}`), and `{{ imagebuilder:buildVersion }}`, and fails for
    any other. No other action knows them.
    """

    code = "WF356"
    severity = "warning"
    good = """\
schemaVersion: 1.0
steps:
  - name: Copy
    action: DistributeImage
    inputs:
      distributions:
        - region: eu-west-1
          name: web {{ imagebuilder:buildDate }}
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Copy
    action: DistributeImage
    inputs:
      distributions:
        - region: eu-west-1
          name: web {{ imagebuilder:date }}
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every such variable in inputs."""
        for step in facts.workflow.steps:
            for node in _scalars(templates.leaves(step.inputs)) if step.inputs else ():
                for found in _BUILD_VARIABLE.finditer(node.text):
                    if step.action != _EXPANDING:
                        message = f"`{found[0]}` stays as it is here; {_EXPANDING} alone expands it"
                        fix = "write a reference, such as `{{ $.imagebuilder.imageName }}`"
                    elif build_tokens(found[0]):
                        continue
                    else:
                        message = f"there is no variable `{found[0]}`, and the step fails for it"
                        fix = _BUILD_VARIABLES
                    yield self.finding(node.part(*found.span()), message, fix=fix)


_EXPANDING: Final = "DistributeImage"
_BUILD_VARIABLE: Final = re.compile(r"\{\{\s*imagebuilder:[^{}]*\}\}")
_BUILD_VARIABLES: Final = (
    "write `{{ imagebuilder:buildDate }}`, `{{ imagebuilder:buildDate:yyyyMMdd }}` or "
    "`{{ imagebuilder:buildVersion }}`"
)
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
