"""Whether what stands between braces means anything in its place (§2.8 rule 10, §3.6, O-5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from posixpath import normpath

from imagewright.documents.component import rules
from imagewright.documents.component.conditions import operands
from imagewright.documents.component.expressions import (
    CONTEXT_KEYS,
    Braces,
    Chained,
    Context,
    Expression,
    LoopValue,
    Metadata,
    Name,
    Reference,
    Stored,
    Unknown,
    Variable,
    expressions,
)
from imagewright.documents.component.model import (
    Component,
    Counting,
    Delimited,
    Listed,
    Loop,
    Phase,
    Step,
)
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, surely_meant
from imagewright.documents.edits import replacing
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar
from imagewright.documents.rules import Rule
from imagewright.documents.specs import ModuleSpec

_FORBIDDEN_METADATA = ("iam", "identity-credentials")
_OTHER_MACHINE = ("test", "container-host-test")
_LEFT = "it stays as it is"
_NAMES_MAX = 8
_EXPRESSIONS_MAX = 2000
"""Of one text; finding the place of each takes time that grows with the text."""


def check_references(
    component: Component, modules: Mapping[str, ModuleSpec]
) -> Iterator[Diagnostic]:
    """Say everything that is wrong with the expressions of a document."""
    document = _Document(component, modules)
    for phase, step in component.steps():
        for scalar, in_inputs in texts_of(step):
            found = islice(expressions(scalar.text), _EXPRESSIONS_MAX)
            for expression in found:
                place = _Place(document, phase, step, scalar, expression, in_inputs)
                yield from place.check()


def scalars(node: Node) -> Iterator[Scalar]:
    """Go through all texts below a node; keys are none."""
    match node:
        case Scalar():
            yield node
        case ListNode(items):
            for item in items:
                yield from scalars(item)
        case MapNode(entries):
            for entry in entries:
                yield from scalars(entry.value)


def in_loop(reference: LoopValue, loop: Loop | None) -> bool:
    """Tell whether a reference means this loop."""
    return loop is not None and reference.loop in ("loop", loop.name)


def texts_of(step: Step) -> Iterator[tuple[Scalar, bool]]:
    """Go through all texts of a step that may hold expressions; tell which are of its inputs."""
    for entry in step.inputs:
        yield from ((scalar, True) for scalar in scalars(entry))
    if step.condition is not None:
        yield from ((scalar, False) for scalar in operands(step.condition.condition))
    match step.loop.over if step.loop is not None else None:
        case Listed(items):
            yield from ((scalar, False) for scalar in items)
        case Delimited(text):
            yield text, False
        case Counting() | None:
            pass


@dataclass(frozen=True)
class _Document:
    """What there is to refer to."""

    component: Component
    modules: Mapping[str, ModuleSpec]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        parameters = (parameter.name for parameter in self.component.parameters)
        return (*parameters, *(constant.name for constant in self.component.constants))

    @cached_property
    def order(self) -> Mapping[tuple[str, str], int]:
        """Where each step stands in the run; of two with one name, the first."""
        places: dict[tuple[str, str], int] = {}
        for number, (phase, step) in enumerate(self.component.steps()):
            places.setdefault((phase.name, step.name), number)
        return places


@dataclass(frozen=True, slots=True)
class _Place:
    """One expression where it stands."""

    document: _Document
    phase: Phase
    step: Step
    scalar: Scalar
    expression: Expression
    in_inputs: bool

    def check(self) -> Iterator[Diagnostic]:
        yield from self._check(self.expression.reference)

    def _check(self, reference: Reference) -> Iterator[Diagnostic]:
        match reference:
            case Name(name) if name not in self.document.variables:
                yield self._unknown_variable(name)
            case LoopValue():
                yield from self._check_loop(reference)
            case Chained():
                yield from self._check_chain(reference)
            case Stored(Name(name)) if name not in self.document.variables:
                yield self._unknown_variable(name)
            case Stored(Stored() as inner):
                yield from self._check(inner)
            case Metadata(path) if (first := _below(path)) in _FORBIDDEN_METADATA:
                message = f"metadata below `{first}/` is not handed out"
                yield self._say(rules.ForbiddenMetadata, message)
            case Context(key) if key not in CONTEXT_KEYS:
                message = f"there is no `context:{key}`; {_LEFT}"
                yield self._say(rules.NotAnExpression, message, self._meant(key, CONTEXT_KEYS))
            case Unknown():
                message = f"`{_short(self.expression.source)}` is no expression; {_LEFT}"
                yield self._say(rules.NotAnExpression, message)
            case Name() | Stored() | Metadata() | Context() | Variable() | Braces():
                return

    def _unknown_variable(self, name: str) -> Diagnostic:
        message = f"no parameter and no constant is called `{name}`; {_LEFT}"
        return self._say(
            rules.UnknownVariable, message, self._meant(name, self.document.variables), name
        )

    def _check_loop(self, reference: LoopValue) -> Iterator[Diagnostic]:
        name = f"{reference.loop}.{reference.attribute}"
        if self.step.loop is None:
            yield self._say(rules.NoSuchLoop, f"`{name}`: this step has no loop; {_LEFT}")
        elif not in_loop(reference, self.step.loop):
            message = f"`{name}`: this step has no loop of that name; {_LEFT}"
            yield self._say(rules.NoSuchLoop, message, f"`loop.{reference.attribute}` is its own")
        elif not self.in_inputs:
            message = f"`{name}` can be read in the step's inputs only; {_LEFT}"
            yield self._say(rules.NoSuchLoop, message)

    def _check_chain(self, chain: Chained) -> Iterator[Diagnostic]:
        phase = self.document.component.phase(chain.phase)
        if phase is None:
            names = [phase.name for phase in self.document.component.phases]
            message = f"there is no phase `{chain.phase}`"
            fix = self._meant(chain.phase, names)
            sure = surely_meant(chain.phase, names)
            yield self._say(rules.UnknownStep, message, fix, chain.phase, sure)
            return
        step = phase.step(chain.step)
        if step is None:
            message = f"the phase `{chain.phase}` has no step `{chain.step}`"
            names = [step.name for step in phase.steps]
            fix = self._meant(chain.step, names) or _there_are(names)
            sure = surely_meant(chain.step, names)
            yield self._say(rules.UnknownStep, message, fix, chain.step, sure)
            return
        yield from self._check_order(chain)
        yield from self._check_member(chain, step)

    def _check_order(self, chain: Chained) -> Iterator[Diagnostic]:
        own = self.document.order[self.phase.name, self.step.name]
        if self.document.order[chain.phase, chain.step] >= own:
            what = "itself" if chain.step == self.step.name else f"`{chain.step}`, which runs later"
            message = f"`{self.step.name}` cannot read from {what}"
            yield self._say(rules.ReadBeforeItRan, message, part=chain.step)
        elif (
            chain.side == "outputs"
            and chain.phase != self.phase.name
            and self.phase.name in _OTHER_MACHINE
        ):
            message = (
                f"in a build, `{self.phase.name}` runs on another machine than `{chain.phase}`"
            )
            fix = "use a parameter, or find the value again"
            yield self._say(rules.OtherStage, f"{message}; this is an empty text there", fix)

    def _check_member(self, chain: Chained, step: Step) -> Iterator[Diagnostic]:
        spec = self.document.modules.get(step.action)
        if spec is None:
            return
        record = spec.input_record if chain.side == "inputs" else spec.output_record
        if record.member(chain.key) is None:
            kind = chain.side.removesuffix("s")
            message = f"{step.action} has no {kind} `{chain.key}`"
            known = f"it has {', '.join(f'`{n}`' for n in record.names)}" if record.names else ""
            fix = self._meant(chain.key, record.names) or known
            sure = surely_meant(chain.key, record.names)
            yield self._say(rules.UnknownMember, message, fix, chain.key, sure)
        elif chain.side == "outputs" and chain.index:
            message = f"a step has one set of outputs, `{chain.step}` has no number {chain.index}"
            yield self._say(rules.UnknownMember, message, "leave the index out")
        elif chain.side == "inputs":
            yield from self._check_entry(chain, step)

    def _check_entry(self, chain: Chained, step: Step) -> Iterator[Diagnostic]:
        count = len(step.inputs)
        if chain.index is None and count > 1:
            message = f"`{chain.step}` has {count} entries of inputs; which one is meant?"
            fix = f"write `{chain.phase}.{chain.step}.inputs[0].{chain.key}` for the first"
            yield self._say(rules.UnknownMember, message, fix)
        elif (chain.index or 0) >= count > 0:
            message = f"`{chain.step}` has {count} entries of inputs, so the last is {count - 1}"
            yield self._say(rules.UnknownMember, message)

    def _meant(self, word: str, candidates: tuple[str, ...] | list[str]) -> str:
        meant = did_you_mean(word, candidates)
        return f"did you mean `{meant}`?" if meant else ""

    def _say(
        self,
        rule: type[Rule],
        message: str,
        fix: str = "",
        part: str | None = None,
        sure: str | None = None,
    ) -> Diagnostic:
        """Say it at the expression, or at a part of it, which ``sure`` would put right."""
        start, end = self.expression.start, self.expression.end
        if part is not None and (at := self.expression.source.find(part)) >= 0:
            start, end = start + at, start + at + len(part)
        context = f"step '{self.step.name}' in phase '{self.phase.name}'"
        span = self.scalar.part(start, end)
        edits = replacing(span, self.scalar.text[start:end], sure)
        return rule.finding(span, message, fix=fix, context=context, edits=edits)


def _there_are(names: list[str]) -> str:
    some = ", ".join(f"`{name}`" for name in names[:_NAMES_MAX])
    more = " …" if len(names) > _NAMES_MAX else ""
    return f"it has {some}{more}" if names else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}…"


def _below(path: str) -> str:
    """Name the first part of a metadata path, whatever detours it takes to get there."""
    return normpath(f"/{path}").lstrip("/").partition("/")[0]
