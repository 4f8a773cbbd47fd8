"""What keeps a component from running, found before anything is done.

All actions and references are known to this release, not all of them run yet; a component that
needs one of those is refused by name, unless the step's ``if`` is certain to keep it from running.
"""

from collections.abc import Callable, Mapping, Sequence

from imagewright.documents.component.explanation import verdict_before
from imagewright.documents.component.expressions import Expression, Name, fill
from imagewright.documents.component.model import Component, Step, Verdict
from imagewright.documents.component.variables import value_problems, values
from imagewright.documents.nodes import Scalar
from imagewright.documents.specs import Platform
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.module import Module
from imagewright.runner.parameters import stored_references

_NEEDS_WINDOWS = (
    "needs a Windows machine, and no driver of this release gives one: the sandbox runs Linux. "
    "The driver qemu could, in a virtual machine, but this release does not have it yet"
)
_NEVER = (Verdict.SKIP, Verdict.ABORT)
NO_COMPONENTS = (
    "executes a component by its ARN, and none can be read here: give its document as a file of "
    "the machine or as an s3:// URI"
)


def refusals_in(
    environment: RunEnvironment,
    component: Component,
    *,
    modules: Mapping[str, Module],
    phases: Sequence[str],
    parameters: Mapping[str, str],
) -> tuple[str, ...]:
    """Say why these phases cannot run in these surroundings."""
    return refusals(
        component,
        modules=modules,
        phases=phases,
        parameters=parameters,
        platform=environment.platform,
        missing_service=environment.missing,
        reads_components=environment.read_component is not None,
    )


def refusals(
    component: Component,
    *,
    modules: Mapping[str, Module],
    phases: Sequence[str],
    parameters: Mapping[str, str],
    platform: Platform = Platform.LINUX,
    reads_components: bool = True,
    missing_service: Callable[[str], str | None] = lambda _service: None,
) -> tuple[str, ...]:
    """Say why these phases of a component cannot run; empty if they can.

    ``platform``: what the machine runs; the drivers of this release give Linux alone.
    ``missing_service`` says what a service would take that modules and references ask; None: it
    can be asked.
    """
    problems = list(value_problems(component, parameters))
    known = values(component, parameters)
    for phase, step in component.steps():
        if phase.name not in phases or verdict_before(step, known) in _NEVER:
            continue
        where = f"step '{step.name}' in phase '{phase.name}'"
        module = modules[step.action]
        if module.run is None:
            problems.append(f"{where} uses {step.action}, which this release cannot run yet")
        elif platform is not Platform.WINDOWS and module.spec.is_for_windows_alone:
            problems.append(f"{where} uses {step.action}, which {_NEEDS_WINDOWS}")
        if module.service and (missing := missing_service(module.service)) is not None:
            problems.append(f"{where} uses {step.action}: {missing}")
        if reads_parameter_store(step) and (missing := missing_service("ssm")) is not None:
            problems.append(f"{where} reads `aws:ssm:`: {missing}")
        if not reads_components and _executes_component(step, known):
            problems.append(f"{where} {NO_COMPONENTS}")
    return tuple(problems)


def _executes_component(step: Step, known: Mapping[str, str]) -> bool:
    """Tell whether a step is certain to ask for a component by its ARN."""
    if step.action != "ExecuteDocument":
        return False
    given = [entry.get("document") for entry in step.inputs]
    texts = [each.value.text for each in given if each and isinstance(each.value, Scalar)]
    return any(fill(text, lambda e: _known(e, known)).startswith("arn:") for text in texts)


def _known(expression: Expression, known: Mapping[str, str]) -> str | None:
    reference = expression.reference
    return known.get(reference.name) if isinstance(reference, Name) else None


def reads_parameter_store(step: Step) -> bool:
    """Tell whether a step has an ``aws:ssm:`` expression."""
    return any(True for _ in stored_references(step))
