"""Rules about conditions (``workflow-documents.md`` §6)."""

from collections.abc import Iterator

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.rules import Rule
from imagewright.documents.workflow.conditions import comparisons_of, read_side
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule
from imagewright.documents.workflow.templates import Literal


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
    step whenever the condition is asked.
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
        """Look at every literal in a comparison."""
        for step in facts.workflow.steps:
            for comparison in comparisons_of(step.condition) if step.condition else ():
                for side in (comparison.operand, comparison.value):
                    if isinstance(side, Literal):
                        try:
                            read_side(comparison.operator, side.value)
                        except ValueError as error:
                            yield self.finding(side.span, f"`{comparison.operator}` {error}")
