"""What a workflow would do, as far as that can be said before it runs.

The parameters have their values, and system variables some; what only the run will bring (outputs
of steps and of other workflows) stays as the reference that the document has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imagewright.documents.nodes import Plain
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.workflow.conditions import (
    And,
    Comparison,
    Condition,
    Not,
    Operator,
    Or,
    foresee,
)
from imagewright.documents.workflow.model import OnFailure, Parameter, Step, Workflow
from imagewright.documents.workflow.references import Reference
from imagewright.documents.workflow.resolve import ResolveError, resolve
from imagewright.documents.workflow.scope import Scope, as_text
from imagewright.documents.workflow.sure_failures import (
    condition_failure,
    inputs_failure,
    run_failure,
)
from imagewright.documents.workflow.templates import (
    SUFFIX,
    Broken,
    Leaf,
    ListTemplate,
    Literal,
    MapTemplate,
    Mixed,
    Template,
    Whole,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedParameter:
    """A parameter and the value it would have."""

    declared: Parameter
    value: Plain
    """None: the caller must supply one."""
    given: bool
    """The value is the caller's, not the default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Undo:
    """A step that would be undone."""

    step: str
    only_if: str
    """The reference that decides it; empty when it is certain, provided that the step ran."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedStep:
    """A step, and what would become of it."""

    step: Step
    spec: ActionSpec
    runs: bool | None
    """None: only the run will tell."""
    failure: str
    """Why it is certain to fail, if its turn comes and its ``if`` holds; mostly empty."""
    ended_by: str
    """The step before it that is certain to end the workflow; mostly empty."""
    condition: str
    """What decides it, or did, with what is known already left out; empty without an ``if``."""
    inputs: Mapping[str, Plain]
    """With values where they can be known; a key keeps its ``.$`` above a reference."""
    undone: tuple[Undo, ...]
    """In the order in which they would be undone if this step failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A workflow, and what it would do."""

    workflow: Workflow
    stages: tuple[Stage, ...]
    """The types that a workflow with these actions can have."""
    parameters: tuple[ExplainedParameter, ...]
    steps: tuple[ExplainedStep, ...]
    outputs: Mapping[str, Plain]
    """By name; what only the run will bring is the reference."""


def explain(
    workflow: Workflow,
    actions: Mapping[str, ActionSpec],
    *,
    given: frozenset[str] = frozenset(),
    scope: Scope,
) -> Explanation:
    """Say what a workflow would do; ``scope`` holds what is known, ``given`` what was supplied."""
    return Explanation(
        workflow=workflow,
        stages=tuple(
            stage
            for stage in Stage
            if all(stage in actions[step.action].stages for step in workflow.steps)
        ),
        parameters=tuple(
            ExplainedParameter(
                declared=parameter,
                value=scope.parameters.get(parameter.name),
                given=parameter.name in given,
            )
            for parameter in workflow.parameters
        ),
        steps=tuple(_steps(workflow, actions, scope)),
        outputs={output.name: foreseen(output.value, scope)[0] for output in workflow.outputs},
    )


def to_json(explanation: Explanation) -> dict[str, Any]:
    """Give an explanation as JSON says things; members without a value are left out."""
    workflow = explanation.workflow
    return _without_nothing(
        {
            "name": workflow.name,
            "description": workflow.description,
            "types": list(explanation.stages),
            "parameters": [
                _without_nothing(
                    {
                        "name": each.declared.name,
                        "type": each.declared.type,
                        "value": each.value,
                        "given": each.given,
                        "description": each.declared.description,
                    }
                )
                for each in explanation.parameters
            ],
            "steps": [_step_json(each) for each in explanation.steps],
            "outputs": dict(explanation.outputs),
        }
    )


def foreseen(template: Template, scope: Scope) -> tuple[Plain, bool]:
    """Give what a template comes to as far as that is known; and whether it is known whole."""
    match template:
        case MapTemplate():
            return _foreseen_map(template, scope), True
        case ListTemplate():
            items = [foreseen(item, scope) for item in template.items]
            return [value for value, _ in items], all(known for _, known in items)
        case Mixed():
            return "".join(_piece(piece, template, scope) for piece in template.pieces), True
        case Literal():
            return template.value, True
        case Whole() | Broken():
            try:
                return resolve(template, scope), True
            except ResolveError:
                return template.node.text.strip(), False


def spell(condition: Condition) -> str:
    """Write a condition in one line, as one would say it."""
    match condition:
        case And(children):
            return " and ".join(_operand(child) for child in children)
        case Or(children):
            return " or ".join(_operand(child) for child in children)
        case Not(Comparison() as child) if child.operator in _EQUALS:
            return _spell_comparison(child, "!=")
        case Not(child):
            return f"not ({spell(child)})"
        case Comparison():
            return _spell_comparison(condition, _SIGNS[condition.operator])


def open_part(condition: Condition, scope: Scope) -> Condition | None:
    """Leave out of a condition what is known to hold or not; None if all of it is known."""
    if foresee(condition, scope) is not None:
        return None
    match condition:
        case And(children, span):
            return _joined(And, children, span, scope)
        case Or(children, span):
            return _joined(Or, children, span, scope)
        case Not(child, span):
            inner = open_part(child, scope)
            return Not(inner, span) if inner is not None else None
        case Comparison():
            return condition


_EQUALS = (Operator.STRING_EQUALS, Operator.BOOLEAN_EQUALS, Operator.NUMBER_EQUALS)
_SIGNS: Mapping[Operator, str] = {
    **dict.fromkeys(_EQUALS, "="),
    Operator.NUMBER_GREATER_THAN: ">",
    Operator.NUMBER_GREATER_THAN_EQUALS: ">=",
    Operator.NUMBER_LESS_THAN: "<",
    Operator.NUMBER_LESS_THAN_EQUALS: "<=",
}


def _steps(
    workflow: Workflow, actions: Mapping[str, ActionSpec], scope: Scope
) -> Iterator[ExplainedStep]:
    before: list[tuple[Step, ActionSpec]] = []
    ended_by = ""
    for step in workflow.steps:
        spec = actions[step.action]
        condition = step.condition
        runs = True if condition is None else foresee(condition, scope)
        failure = condition_failure(condition, scope) if condition is not None else ""
        ends, without_outputs = bool(failure), "fails" if failure else ""
        if ended_by:
            runs, failure = False, ""
        elif failure:
            runs = False
        elif runs is False:
            without_outputs = "is skipped"
        else:
            before.append((step, spec))
            failure = inputs_failure(step, spec, scope)
            without_outputs = "fails" if failure else ""
            failure = failure or run_failure(step, spec, scope)
            ends = runs is True and bool(failure)
        left = open_part(condition, scope) if condition is not None else None
        yield ExplainedStep(
            step=step,
            spec=spec,
            runs=runs,
            failure=failure,
            ended_by=ended_by,
            condition=spell(left or condition) if condition is not None else "",
            inputs=_foreseen_map(step.inputs, scope) if step.inputs is not None else {},
            undone=tuple(_undone(step, before, scope)),
        )
        if ends and step.on_failure is OnFailure.ABORT:
            ended_by = ended_by or step.name
        if without_outputs:
            known = {**scope.without_outputs, step.name: without_outputs}
            scope = replace(scope, without_outputs=known)


def _undone(failing: Step, ran: list[tuple[Step, ActionSpec]], scope: Scope) -> Iterator[Undo]:
    """Go backwards from the step that failed (§4.5)."""
    if failing.on_failure is OnFailure.CONTINUE:
        return
    for step, spec in reversed(ran):
        if spec.rollback:
            enabled, known = foreseen(step.rollback_enabled, scope)
            if not known:
                yield Undo(step=step.name, only_if=as_text(enabled))
            elif as_text(enabled).lower() != "false":  # what cannot be read leaves the default
                yield Undo(step=step.name, only_if="")


def _foreseen_map(template: MapTemplate, scope: Scope) -> dict[str, Plain]:
    members: dict[str, Plain] = {}
    for member in template.members:
        value, known = foreseen(member.value, scope)
        members[member.name if known else f"{member.name}{SUFFIX}"] = value
    return members


def _piece(piece: str | Reference, template: Mixed, scope: Scope) -> str:
    if isinstance(piece, str):
        return piece
    try:
        return as_text(resolve(Whole(piece, template.node), scope))
    except ResolveError:
        return f"{{{{ {piece} }}}}"


def _joined(
    make: type[And] | type[Or], children: tuple[Condition, ...], span: Any, scope: Scope
) -> Condition:
    left = tuple(part for child in children if (part := open_part(child, scope)) is not None)
    return left[0] if len(left) == 1 else make(left, span)


def _operand(condition: Condition) -> str:
    spelt = spell(condition)
    return f"({spelt})" if isinstance(condition, And | Or) else spelt


def _spell_comparison(comparison: Comparison, sign: str) -> str:
    return f"{_spell_side(comparison.value)} {sign} {_spell_side(comparison.operand)}"


def _spell_side(leaf: Leaf) -> str:
    if isinstance(leaf, Whole):
        return str(leaf.reference)
    if isinstance(leaf, Literal) and not isinstance(leaf.value, str):
        return as_text(leaf.value)
    return f'"{leaf.node.text}"' if isinstance(leaf, Mixed | Broken) else f'"{leaf.value}"'


def _step_json(explained: ExplainedStep) -> dict[str, Any]:
    step = explained.step
    return _without_nothing(
        {
            "name": step.name,
            "action": step.action,
            "description": step.description,
            "runs": {True: "yes", False: "no", None: "perhaps"}[explained.runs],
            "failure": explained.failure or None,
            "endedBy": explained.ended_by or None,
            "condition": explained.condition or None,
            "inputs": dict(explained.inputs),
            "timeoutSeconds": step.timeout_seconds,
            "onFailure": step.on_failure,
            "undone": [
                _without_nothing({"step": each.step, "onlyIf": each.only_if or None})
                for each in explained.undone
            ],
        }
    )


def _without_nothing(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
