"""Whether a condition holds (``component-documents.md`` §5.2, §5.3)."""

from collections.abc import Callable
from typing import NoReturn

from imagewright.documents.component.model import AllOf, AnyOf, Comparison, Condition, Not
from imagewright.documents.component.operators import OPERATORS, Algorithm, Operand, Probe
from imagewright.documents.nodes import Scalar

Read = Callable[[Scalar], Operand]
"""Gives the text of an operand with its expressions replaced."""

_NOTHING = Operand("")


def holds(condition: Condition, read: Read, probe: Probe) -> bool:
    """Evaluate in written order; ``and`` stops at the first false, ``or`` at the first true.

    Raises BadPattern if a pattern made of expressions turns out to be none.
    """
    match condition:
        case AllOf(terms):
            return all(holds(term, read, probe) for term in terms)
        case AnyOf(terms):
            return any(holds(term, read, probe) for term in terms)
        case Not(term):
            return not holds(term, read, probe)
        case Comparison(name, baseline, companion):
            beside = _NOTHING if companion is None else read(companion)
            return OPERATORS[name].compare(read(baseline), beside, probe)


class NotCertain(Exception):
    """A condition depends on what only the run will tell; ``read`` raises it too."""


def certainly(condition: Condition, read: Read) -> bool | None:
    """Evaluate without a machine; None when the outcome depends on one."""
    try:
        return holds(condition, read, _NoMachine())
    except NotCertain:
        return None


class _NoMachine:
    """Answers nothing."""

    def binary_exists(self, name: str) -> bool:
        """Leave it open."""
        return self._open()

    def file_exists(self, path: str) -> bool:
        """Leave it open."""
        return self._open()

    def folder_exists(self, path: str) -> bool:
        """Leave it open."""
        return self._open()

    def digest(self, path: str, algorithm: Algorithm) -> str | None:
        """Leave it open."""
        return self._open()

    def _open(self) -> NoReturn:
        raise NotCertain
