"""What keeps a component from running, found before anything is done.

All actions and references are known to this release, not all of them run yet; a component that
needs one of those is refused by name, unless the step's ``if`` is certain to skip it.
"""

from collections.abc import Iterator, Mapping, Sequence

from imagewright.documents.component.explanation import verdict_before
from imagewright.documents.component.model import Component, Step, Verdict
from imagewright.documents.component.variables import value_problems, values
from imagewright.runner.module import Module
from imagewright.runner.parameters import stored_references


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
        if phase.name not in phases or verdict_before(step, known) is Verdict.SKIP:
            continue
        where = f"step '{step.name}' in phase '{phase.name}'"
        if modules[step.action].run is None:
            yield f"{where} uses {step.action}, which this release cannot run yet"
        if no_parameter_store is not None and reads_parameter_store(step):
            yield f"{where} reads `aws:ssm:`: {no_parameter_store}"


def reads_parameter_store(step: Step) -> bool:
    """Tell whether a step has an ``aws:ssm:`` expression."""
    return any(True for _ in stored_references(step))
