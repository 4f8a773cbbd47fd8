"""What a component would do, as far as its document and parameters tell, without doing it.

Parameters and constants are filled in; what only the run will bring (outputs of steps, what the
machine is asked) stays as it is written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imagewright.documents.component.conditions import describe
from imagewright.documents.component.evaluation import NotCertain, certainly
from imagewright.documents.component.expressions import Braces, Expression, Name, expressions, fill
from imagewright.documents.component.inputs import texts
from imagewright.documents.component.loops import values_of
from imagewright.documents.component.model import (
    AllOf,
    AnyOf,
    Comparison,
    Component,
    Condition,
    Not,
    OnFailure,
    Parameter,
    Phase,
    Step,
    Verdict,
)
from imagewright.documents.component.operators import BadPattern, Operand
from imagewright.documents.component.variables import values
from imagewright.documents.nodes import Scalar


@dataclass(frozen=True, slots=True)
class ExplainedParameter:
    """A parameter and its value."""

    declared: Parameter
    value: str | None
    """None: the caller must give one."""
    given: bool


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """A step with what is known before it runs."""

    step: Step
    verdict: Verdict | None
    """None: the machine decides."""
    condition: str
    """Of its ``if``, filled in; empty where it has none."""
    inputs: tuple[Any, ...]
    """Texts, lists and maps, one for each entry; hidden where the step does not log."""
    rounds: tuple[str, ...] | None
    """What its loop goes through; None where it has none, or only the run will tell."""
    ended_by: str = ""
    """The step before it that is certain to end the run; empty if there is none."""


@dataclass(frozen=True, slots=True)
class ExplainedPhase:
    """A phase and its steps."""

    phase: Phase
    steps: tuple[ExplainedStep, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A component, explained."""

    component: Component
    parameters: tuple[ExplainedParameter, ...]
    phases: tuple[ExplainedPhase, ...]
    """In the order they run."""


def explain_component(
    component: Component, given: Mapping[str, str], phases: Sequence[str] | None = None
) -> Explanation:
    """Explain a component with the parameters given, and of its phases all or some."""
    known = values(component, given)
    return Explanation(
        component,
        tuple(
            ExplainedParameter(each, known.get(each.name), each.name in given)
            for each in component.parameters
        ),
        tuple(_phases(component, known, phases)),
    )


def _phases(
    component: Component, known: Mapping[str, str], names: Sequence[str] | None
) -> Iterator[ExplainedPhase]:
    ended_by = ""
    for phase in component.phases:
        if names is not None and phase.name not in names:
            continue
        steps: list[ExplainedStep] = []
        for step in phase.steps:
            steps.append(replace(_step(step, known), ended_by=ended_by))
            if steps[-1].verdict is Verdict.ABORT and step.on_failure is OnFailure.ABORT:
                ended_by = ended_by or f"{phase.name} {step.name}"
        yield ExplainedPhase(phase, tuple(steps))


def to_json(explanation: Explanation) -> dict[str, Any]:
    """Spell an explanation with what JSON has."""
    component = explanation.component
    return {
        "name": component.name,
        "description": component.description,
        "parameters": [
            {"name": each.declared.name, "value": each.value, "given": each.given}
            for each in explanation.parameters
        ],
        "constants": {constant.name: constant.value for constant in component.constants},
        "phases": [
            {"name": each.phase.name, "steps": [_step_as_json(step) for step in each.steps]}
            for each in explanation.phases
        ],
    }


def _step_as_json(explained: ExplainedStep) -> dict[str, Any]:
    step = explained.step
    return {
        "name": step.name,
        "action": step.action,
        "verdict": None if explained.verdict is None else explained.verdict.value,
        "condition": explained.condition or None,
        "endedBy": explained.ended_by or None,
        "loop": step.loop is not None,
        "rounds": None if explained.rounds is None else list(explained.rounds),
        "inputs": list(explained.inputs),
        "timeoutSeconds": -1 if step.timeout_seconds is None else step.timeout_seconds,
        "maxAttempts": step.attempts_max,
        "onFailure": step.on_failure.value,
    }


def _step(step: Step, known: Mapping[str, str]) -> ExplainedStep:
    def text(scalar: Scalar) -> str:
        return _filled(scalar.text, known)

    inputs = tuple(texts(entry, text if step.logging else _hidden) for entry in step.inputs)
    condition = ""
    if step.condition is not None:
        condition = describe(_with(step.condition.condition, text))
    return ExplainedStep(step, verdict_before(step, known), condition, inputs, _rounds(step, known))


def _hidden(_scalar: Scalar) -> str:
    return "***"


def _filled(text: str, known: Mapping[str, str]) -> str:
    def answer(expression: Expression) -> str | None:
        match expression.reference:
            case Name(name):
                return known.get(name)
            case _:
                return None

    return fill(text, answer)


def verdict_before(step: Step, known: Mapping[str, str]) -> Verdict | None:
    """Say what a step's ``if`` is certain to come to, with the values of parameters and constants.

    None: the machine decides, or what other steps put out.
    """
    if step.condition is None:
        return Verdict.EXECUTE

    def read(scalar: Scalar) -> Operand:
        if _is_open(scalar.text):
            raise NotCertain
        text = _filled(scalar.text, known)
        return Operand(text, scalar.plain and text == scalar.text)

    try:
        outcome = certainly(step.condition.condition, read)
    except BadPattern:  # made of expressions; the run will say so
        return None
    if outcome is None:
        return None
    return step.condition.then if outcome else step.condition.otherwise


def _rounds(step: Step, known: Mapping[str, str]) -> tuple[str, ...] | None:
    if step.loop is None:
        return None

    def read(scalar: Scalar) -> str:
        if _is_open(scalar.text):
            raise NotCertain
        return _filled(scalar.text, known)

    try:
        return tuple(values_of(step.loop, read))
    except NotCertain:
        return None


def _is_open(text: str) -> bool:
    """Tell whether something in a text only the run will bring."""
    return any(not isinstance(each.reference, Name | Braces) for each in expressions(text))


def _with(condition: Condition, text: Callable[[Scalar], str]) -> Condition:
    """Fill in the operands of a condition."""
    match condition:
        case Comparison(operator, baseline, companion):
            beside = None if companion is None else _replaced(companion, text)
            return Comparison(operator, _replaced(baseline, text), beside)
        case AllOf(terms):
            return AllOf(tuple(_with(term, text) for term in terms))
        case AnyOf(terms):
            return AnyOf(tuple(_with(term, text) for term in terms))
        case Not(term):
            return Not(_with(term, text))


def _replaced(scalar: Scalar, text: Callable[[Scalar], str]) -> Scalar:
    return Scalar(text(scalar), scalar.plain, scalar.span)
