"""Whether a condition holds on a machine."""

from imagewright.documents.component import evaluation
from imagewright.documents.component.evaluation import Read
from imagewright.documents.component.model import Condition
from imagewright.documents.component.operators import BadPattern, Operand
from imagewright.documents.nodes import Scalar
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest


def as_it_stands(scalar: Scalar) -> Operand:
    """Take an operand that has its value already."""
    return Operand(scalar.text, scalar.plain)


def holds(condition: Condition, guest: Guest, read: Read = as_it_stands) -> bool:
    """Evaluate. Raises ModuleFailure if a pattern made of expressions turns out to be none."""
    try:
        return evaluation.holds(condition, read, guest)
    except BadPattern as error:
        raise ModuleFailure(f"this pattern cannot be used: {error}") from None
