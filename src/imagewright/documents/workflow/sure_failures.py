"""Why a step is certain to fail when its turn comes, as far as that is known before the run.

``scope`` holds what is known: parameters with a value, some system variables, and in
``without_outputs`` the steps that will be skipped. What it does not know the run may bring.
"""

from collections.abc import Iterator

from imagewright.documents.specs import ActionSpec
from imagewright.documents.workflow.conditions import (
    And,
    Comparison,
    Condition,
    Not,
    Or,
    evaluate,
    foresee,
)
from imagewright.documents.workflow.evaluation import foreseen_inputs
from imagewright.documents.workflow.model import Step
from imagewright.documents.workflow.references import Root
from imagewright.documents.workflow.resolve import ResolveError
from imagewright.documents.workflow.scope import Scope, UnresolvedError
from imagewright.documents.workflow.templates import Located, references_in


def condition_failure(condition: Condition, scope: Scope) -> str:
    """Say why a condition cannot be worked out (§6.4); empty where it can be, or may be."""
    match condition:
        case And(children) | Or(children):
            ends = isinstance(condition, Or)
            for child in children:
                if why := condition_failure(child, scope):
                    return why
                if (known := foresee(child, scope)) is None or known is ends:
                    return ""  # what follows may never be asked
            return ""
        case Not(child):
            return condition_failure(child, scope)
        case Comparison():
            return _comparison_failure(condition, scope)


def inputs_failure(step: Step, spec: ActionSpec, scope: Scope) -> str:
    """Say why a step that runs fails over its inputs (§5.6 rule 4); empty where it may not."""
    if step.inputs is None:
        return ""
    if why := next(_unfound(references_in(step.inputs), scope), ""):
        return why
    for problem in spec.check_inputs(foreseen_inputs(step, scope)):
        return f"{problem.message}; {problem.help}" if problem.help else problem.message
    return ""


def run_failure(step: Step, spec: ActionSpec, scope: Scope) -> str:
    """Say why what a step runs fails, where its inputs show that; then it has outputs."""
    if spec.sure_failure is None or step.inputs is None:
        return ""
    return spec.sure_failure(foreseen_inputs(step, scope))


def _comparison_failure(comparison: Comparison, scope: Scope) -> str:
    references = [*references_in(comparison.operand), *references_in(comparison.value)]
    if why := next(_unfound(references, scope), ""):
        return why
    if not all(_is_found(each, scope) for each in references):
        return ""
    try:
        evaluate(comparison, scope)
    except ResolveError as error:
        return error.message
    return ""


def _unfound(references: Iterator[Located] | list[Located], scope: Scope) -> Iterator[str]:
    """Say of which references the run will find nothing either."""
    for located in references:
        reference = located.reference
        known = {
            Root.PARAMETERS: scope.parameters,
            Root.STEP_OUTPUTS: scope.without_outputs,
        }
        if reference.name not in known.get(reference.root, {}):
            continue
        try:
            scope.lookup(reference)
        except UnresolvedError as error:
            yield error.message


def _is_found(located: Located, scope: Scope) -> bool:
    try:
        scope.lookup(located.reference)
    except UnresolvedError:
        return False
    return True
