"""What an engine asks of a document while it runs: each answer from the scope of that moment."""

import re
from typing import Any, Final

from imagewright.documents.nodes import Plain, kind_of_value
from imagewright.documents.places import Span
from imagewright.documents.specs import ActionSpec
from imagewright.documents.values import UNKNOWN, InputError, Path
from imagewright.documents.workflow.conditions import Operator, evaluate, foresee, read_side
from imagewright.documents.workflow.model import Step, Workflow
from imagewright.documents.workflow.resolve import ResolveError, resolve
from imagewright.documents.workflow.scope import Scope
from imagewright.documents.workflow.templates import (
    ListTemplate,
    MapTemplate,
    Template,
    value_at,
)

IMAGE_OUTPUT: Final = "ImageId"
"""The output by which a build workflow tells what image it made (§8)."""

CONTAINER_OUTPUT: Final = "InstanceId"
"""The output by which a container's build workflow hands its machine on (§8)."""

IMAGE_ID: Final = r"ami-[0-9a-f]{8}(?:[0-9a-f]{9})?"
"""The pattern of image ids."""


def runs(step: Step, scope: Scope) -> bool:
    """Say whether a step runs, or is skipped (§6.2). Raises ResolveError: then it fails."""
    return step.condition is None or evaluate(step.condition, scope)


def may_run(step: Step, scope: Scope) -> bool:
    """Say before anything has run whether a step may come to run.

    False only if it is certain to be skipped, whatever the steps before it put out.
    """
    return step.condition is None or foresee(step.condition, scope) is not False


def resolved_inputs(step: Step, scope: Scope) -> dict[str, Plain]:
    """Give a step's inputs as records show them. Raises ResolveError (§5.6)."""
    if step.inputs is None:
        return {}
    return {member.name: resolve(member.value, scope) for member in step.inputs.members}


def foreseen_inputs(step: Step, scope: Scope) -> dict[str, object]:
    """Give a step's inputs before anything has run; what only the run brings is UNKNOWN."""
    if step.inputs is None:
        return {}
    return {member.name: _foreseen(member.value, scope) for member in step.inputs.members}


def typed_inputs(step: Step, spec: ActionSpec, inputs: dict[str, Plain]) -> Any:
    """Make the instance of ``spec.inputs`` that the action's ``run`` takes.

    Raises ResolveError, placed at the input that is wrong.
    """
    try:
        return spec.build_inputs(inputs)
    except InputError as error:
        first = error.problems[0]
        span = _input_span(step, first.path)
        raise ResolveError(f"{spec.name}: {first.message}", span, first.help) from error


def undoes(step: Step, scope: Scope) -> bool:
    """Say whether a step's rollback is switched on (§4.5). Raises ResolveError."""
    value = resolve(step.rollback_enabled, scope)
    try:
        return bool(read_side(Operator.BOOLEAN_EQUALS, value))
    except ValueError:
        message = "`rollbackEnabled` must come to true or false"
        raise ResolveError(message, step.rollback_enabled.span) from None


def workflow_outputs(workflow: Workflow, scope: Scope) -> dict[str, Plain]:
    """Give the document's outputs when it has ended; what finds no value is left out (§5.6)."""
    outputs: dict[str, Plain] = {}
    for output in workflow.outputs:
        try:
            outputs[output.name] = resolve(output.value, scope)
        except ResolveError:
            continue
    return outputs


def made_image(workflow: Workflow, scope: Scope) -> str:
    """Give the id of the image that a build workflow made (§8).

    Raises ResolveError, placed at its output: that finds no value, or no image id.
    """
    output = workflow.output(IMAGE_OUTPUT)
    if output is None:
        span = workflow.steps[-1].place("name")
        raise ResolveError(f"it has no output named {IMAGE_OUTPUT}", span)
    made = resolve(output.value, scope)
    if not isinstance(made, str) or re.fullmatch(IMAGE_ID, made) is None:
        shown = f"`{made[:60]}`" if isinstance(made, str) else kind_of_value(made)
        message = f"its output {IMAGE_OUTPUT} is {shown}, which is no image id"
        raise ResolveError(message, output.value.span)
    return made


def _foreseen(template: Template, scope: Scope) -> object:
    match template:
        case MapTemplate():
            return {each.name: _foreseen(each.value, scope) for each in template.members}
        case ListTemplate():
            return [_foreseen(item, scope) for item in template.items]
    try:
        return resolve(template, scope)
    except ResolveError:
        return UNKNOWN


def _input_span(step: Step, path: Path) -> Span:
    if step.inputs is None or step.inputs.member(str(path[0])) is None:
        return step.place("action")
    return value_at(step.inputs, path).span
