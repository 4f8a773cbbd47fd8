"""Checks that a condition holds.

``inputs`` is the condition itself: one operator with what it compares, or ``and``, ``or`` and
``not`` around others. The step fails if it does not hold.
"""

from imagewright.documents.component.conditions import describe
from imagewright.documents.component.model import Condition
from imagewright.documents.specs import ModuleSpec
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.verdicts import holds


def run(condition: Condition, guest: Guest) -> None:
    """Check it; its operands have their values already."""
    if not holds(condition, guest):
        raise ModuleFailure(f"this does not hold: {describe(condition)}")


MODULE = Module(ModuleSpec(name="Assert", page=__doc__, takes_condition=True, built=True), run)
