"""Rules about conditions (``workflow-documents.md`` §6)."""

from collections.abc import Iterator

from imagewright.documents.diagnostics import Diagnostic, one_of, surely_meant
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import Scalar
from imagewright.documents.places import Span
from imagewright.documents.rules import Rule
from imagewright.documents.shapes import Anything, Shape, Text, Truth, describe
from imagewright.documents.shapes import Whole as WholeNumber
from imagewright.documents.workflow.conditions import (
    Comparison,
    Condition,
    Operator,
    children_of,
    comparisons_of,
    read_side,
)
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule
from imagewright.documents.workflow.templates import Leaf, Literal, Whole
from imagewright.documents.workflow.truth import choices_of, subject_of


class UnknownOperator(Rule):
    """A condition compares with one of seven operators, or combines with `and`, `or`, `not`.

    `booleanEquals`, `numberEquals`, `numberGreaterThan`, `numberGreaterThanEquals`,
    `numberLessThan`, `numberLessThanEquals`, `stringEquals`. Component documents have more;
    those are not for workflows. That text is empty is asked with `stringEquals: ''`.
    """

    code = "WF401"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      stringEquals: Linux
      value: $.imagebuilder.platform
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      stringStartsWith: Lin
      value: $.imagebuilder.platform
"""


class ConditionForm(Rule):
    """A comparison is a map of an operator and `value`; `and`, `or` and `not` stand alone.

    `and` and `or` take a list; `not` takes one condition, as a map or as a list of one; so does
    `if` itself.
    """

    code = "WF402"
    good = UnknownOperator.good
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      stringEquals: Linux
"""


class ConditionCount(Rule):
    """`and` and `or` combine 1 to 10 conditions."""

    code = "WF403"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      and:
        - stringEquals: Linux
          value: $.imagebuilder.platform
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      and: []
"""


class ConditionDepth(Rule):
    """Conditions nest at most four levels deep, the one right below `if` being the first."""

    code = "WF404"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      or:
        - and:
            - not:
                stringEquals: Windows
                value: $.imagebuilder.platform
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      or:
        - and:
            - not:
                or:
                  - stringEquals: Windows
                    value: $.imagebuilder.platform
"""


class WrongOperand(WorkflowRule):
    """Both sides of a comparison can be read as its operator's type.

    Numbers may be written as text, and so may `true` and `false`. Anything else would fail the
    step whenever the condition is asked; so would a reference to a parameter, output or variable
    of another type.
    """

    code = "WF405"
    good = """\
schemaVersion: 1.0
parameters:
  - name: count
    type: integer
steps:
  - name: Ask
    action: WaitForAction
    if:
      numberGreaterThan: '1'
      value: $.parameters.count
"""
    bad = """\
schemaVersion: 1.0
parameters:
  - name: count
    type: integer
steps:
  - name: Ask
    action: WaitForAction
    if:
      numberGreaterThan: one
      value: $.parameters.count
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every side of a comparison whose value or type is known."""
        for step in facts.workflow.steps:
            for comparison in comparisons_of(step.condition) if step.condition else ():
                for side in (comparison.operand, comparison.value):
                    if message := _why_unreadable(facts, comparison.operator, side):
                        yield self.finding(side.span, message)


def _why_unreadable(facts: Facts, operator: Operator, side: Leaf) -> str:
    if isinstance(side, Literal):
        try:
            read_side(operator, side.value)
        except ValueError as error:
            return f"`{operator}` {error}"
    if isinstance(side, Whole):
        shape = facts.shape_of(side.reference)
        if shape is not None and not _readable(operator, shape):
            compared = "truth values" if operator is Operator.BOOLEAN_EQUALS else "numbers"
            return f"`{operator}` compares {compared}; `{side.reference}` is {describe(shape)}"
    return ""


def _readable(operator: Operator, shape: Shape) -> bool:
    """Tell whether a value of a shape may be what an operator reads."""
    match shape:
        case Anything() | Text(choices=()):
            return True
        case Text():
            return operator is Operator.STRING_EQUALS
        case Truth():
            return operator in (Operator.STRING_EQUALS, Operator.BOOLEAN_EQUALS)
        case WholeNumber():
            return operator is not Operator.BOOLEAN_EQUALS
        case _:
            return operator is Operator.STRING_EQUALS


class ConstantCondition(WorkflowRule):
    """A condition can come out true and false.

    One that compares two literals, asks for a value that its variable never has (`imageType` is
    `AMI` or `DOCKER`, `platform` is `Linux`, `Windows` or `MacOS`), or contradicts itself, does
    not decide anything: its step always runs, or never.
    """

    code = "WF406"
    severity = "warning"
    good = UnknownOperator.good
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    if:
      stringEquals: Docker
      value: $.imagebuilder.imageType
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Find the smallest conditions that always come to the same."""
        for step in facts.workflow.steps:
            if step.condition is not None and not facts.is_free(step.condition):
                decided = facts.always(step.condition)
                effect = {None: "", True: "the step always runs", False: "the step never runs"}
                yield from self._walk(facts, step.condition, effect[decided])

    def _walk(self, facts: Facts, condition: Condition, effect: str) -> Iterator[Diagnostic]:
        inner = [
            finding
            for child in children_of(condition)
            for finding in self._walk(facts, child, effect)
        ]
        always = None if inner else facts.always(condition)
        yield from inner
        if always is not None:
            message = f"this condition is {'always' if always else 'never'} true"
            message += f", so {effect}" if effect else ""
            fix, edits = _way_out(facts, condition)
            yield self.finding(_place(condition), message, fix=fix, edits=edits)


def _place(condition: Condition) -> Span:
    if isinstance(condition, Comparison):
        return (
            condition.operand if isinstance(condition.operand, Literal) else condition.value
        ).span
    return condition.span


def _way_out(facts: Facts, condition: Condition) -> tuple[str, tuple[Edit, ...]]:
    """Name the values there are, where a comparison asks for another one."""
    if not isinstance(condition, Comparison) or condition.operator is not Operator.STRING_EQUALS:
        return "", ()
    subject = subject_of(condition)
    choices = choices_of(facts.shape_of(subject[0])) if subject else ()
    literal = condition.operand if isinstance(condition.operand, Literal) else condition.value
    if subject is None or not choices or not isinstance(literal.node, Scalar):
        return "", ()
    edits = replacing(literal.span, literal.node.text, surely_meant(literal.node.text, choices))
    return f"`{subject[0]}` is {one_of(choices)}", edits
