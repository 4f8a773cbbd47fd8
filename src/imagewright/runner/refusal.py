"""What keeps a component from running, found before anything is done.

All actions and references are known to this release, not all of them run yet; a component that
needs one of those is refused by name, unless the step's ``if`` is certain to skip it.
"""

from collections.abc import Iterator, Mapping, Sequence

from imagewright.documents.component.conditions import operands
from imagewright.documents.component.evaluation import NotCertain, certainly
from imagewright.documents.component.expressions import Name, Stored, expressions, fill
from imagewright.documents.component.model import Component, Delimited, Listed, Step, Verdict
from imagewright.documents.component.operators import BadPattern, Operand
from imagewright.documents.component.references import scalars
from imagewright.documents.component.variables import value_problems, values
from imagewright.documents.nodes import Scalar
from imagewright.runner.module import Module


def refusals(
    component: Component,
    *,
    modules: Mapping[str, Module],
    phases: Sequence[str],
    parameters: Mapping[str, str],
    no_parameter_store: str | None = None,
) -> tuple[str, ...]:
    """Say why these phases of a component cannot run; empty if they can.

    ``no_parameter_store`` says why ``aws:ssm:`` cannot be read; None: it can.
    """
    return (
        *value_problems(component, parameters),
        *_unbuilt(component, modules, phases, parameters, no_parameter_store),
    )


def _unbuilt(
    component: Component,
    modules: Mapping[str, Module],
    phases: Sequence[str],
    parameters: Mapping[str, str],
    no_parameter_store: str | None,
) -> Iterator[str]:
    known = values(component, parameters)
    for phase, step in component.steps():
        if phase.name not in phases or _is_skipped(step, known):
            continue
        where = f"step '{step.name}' in phase '{phase.name}'"
        if modules[step.action].run is None:
            yield f"{where} uses {step.action}, which this release cannot run yet"
        if no_parameter_store is not None and reads_parameter_store(step):
            yield f"{where} reads `aws:ssm:`: {no_parameter_store}"


def _is_skipped(step: Step, known: Mapping[str, str]) -> bool:
    if step.condition is None:
        return False

    def read(scalar: Scalar) -> Operand:
        return _known_operand(scalar, known)

    try:
        outcome = certainly(step.condition.condition, read)
    except BadPattern:
        return False
    if outcome is None:
        return False
    verdict = step.condition.then if outcome else step.condition.otherwise
    return verdict is Verdict.SKIP


def _known_operand(scalar: Scalar, known: Mapping[str, str]) -> Operand:
    for expression in expressions(scalar.text):
        if not isinstance(expression.reference, Name):
            raise NotCertain
    text = fill(scalar.text, lambda expression: known.get(expression.inside))
    return Operand(text, scalar.plain and text == scalar.text)


def reads_parameter_store(step: Step) -> bool:
    """Tell whether a step has an ``aws:ssm:`` expression."""
    return any(
        isinstance(expression.reference, Stored)
        for scalar in _texts(step)
        for expression in expressions(scalar.text)
    )


def _texts(step: Step) -> Iterator[Scalar]:
    for entry in step.inputs:
        yield from scalars(entry)
    if step.condition is not None:
        yield from operands(step.condition.condition)
    match step.loop.over if step.loop is not None else None:
        case Listed(items):
            yield from items
        case Delimited(text):
            yield text
        case _:
            return
