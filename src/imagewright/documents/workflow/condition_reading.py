"""Nodes to conditions, with everything that is wrong with their form (§6.1, §6.3)."""

from typing import Final

from imagewright.documents.diagnostics import did_you_mean, one_of, surely_meant
from imagewright.documents.edits import replacing
from imagewright.documents.nodes import Entry, ListNode, MapNode, Node, Scalar, kind_of, native
from imagewright.documents.workflow.conditions import (
    And,
    Branch,
    Comparison,
    Condition,
    Not,
    Operator,
    Or,
)
from imagewright.documents.workflow.fields import Report
from imagewright.documents.workflow.rules.conditions import (
    ConditionCount,
    ConditionDepth,
    ConditionForm,
    UnknownOperator,
)
from imagewright.documents.workflow.template_reading import read_leaf
from imagewright.documents.workflow.templates import SUFFIX, Leaf

CHILDREN_MAX: Final = 10
DEPTH_MAX: Final = 4

_OPERATORS: Final = tuple(Operator)
_WORDS: Final = (*_OPERATORS, *Branch)


def read_condition(node: Node, report: Report, depth: int = 1) -> Condition | None:
    """Read one condition; None if a finding says why there is none."""
    node = _unwrap(node)
    if not isinstance(node, MapNode):
        what = "two or more conditions" if isinstance(node, ListNode) and node.items else None
        message = f"a condition is one map, not {what or kind_of(node)}"
        fix = "combine them with `and` or `or`" if what else ""
        report(ConditionForm.finding(node.span, message, fix=fix))
        return None
    if depth > DEPTH_MAX:
        message = f"conditions nest at most {DEPTH_MAX} levels deep"
        report(ConditionDepth.finding(node.span, message))
        return None
    branches = [entry for entry in node.entries if entry.key.text in set(Branch)]
    if branches:
        return _branch(node, branches[0], report, depth)
    return _comparison(node, report)


def _unwrap(node: Node) -> Node:
    """A list of one stands for what it holds, below `if` and below `not`."""
    if isinstance(node, ListNode) and len(node.items) == 1:
        return node.items[0]
    return node


def _branch(node: MapNode, branch: Entry, report: Report, depth: int) -> Condition | None:
    for other in node.entries:
        if other is not branch:
            message = f"`{branch.key.text}` stands alone; `{other.key.text}` does not belong here"
            fix = "make each of them a condition of its own and combine them with `and` or `or`"
            report(ConditionForm.finding(other.key.span, message, fix=fix))
    if branch.key.text == Branch.NOT:
        child = read_condition(branch.value, report, depth + 1)
        return Not(child, node.span) if child else None
    children = _children(branch, report, depth)
    if not children:
        return None
    return And(children, node.span) if branch.key.text == Branch.AND else Or(children, node.span)


def _children(branch: Entry, report: Report, depth: int) -> tuple[Condition, ...]:
    node, word = branch.value, branch.key.text
    if not isinstance(node, ListNode):
        message = f"`{word}` takes a list, not {kind_of(node)}"
        report(ConditionForm.finding(branch.key.span, message, fix="begin each with `-`"))
        return ()
    if not 1 <= len(node.items) <= CHILDREN_MAX:
        message = f"`{word}` combines 1 to {CHILDREN_MAX} conditions, not {len(node.items)}"
        report(ConditionCount.finding(branch.key.span, message))
    read = (_child(item, report, depth + 1) for item in node.items[: CHILDREN_MAX * 2])
    return tuple(child for child in read if child is not None)


def _child(node: Node, report: Report, depth: int) -> Condition | None:
    if isinstance(node, ListNode):
        message = "each condition in a list is a map, not a list"
        report(ConditionForm.finding(node.span, message))
        return None
    return read_condition(node, report, depth)


def _comparison(node: MapNode, report: Report) -> Comparison | None:
    operators = [entry for entry in node.entries if entry.key.text != "value"]
    value = node.get("value")
    if value is None and (suffixed := node.get(f"value{SUFFIX}")) is not None:
        key = suffixed.key
        message = "`value` takes a reference as it is, without `.$`"
        edits = replacing(key.span, key.text, "value")
        report(ConditionForm.finding(key.span, message, fix="write `value`", edits=edits))
        return None
    if value is None:
        span = operators[0].key.span if operators else node.span
        message = "a comparison needs the key `value`, what is to be compared"
        report(ConditionForm.finding(span, message))
    if not operators:
        message = "a comparison needs an operator beside `value`"
        fix = f"there are {one_of(_OPERATORS)}"
        report(ConditionForm.finding(node.span, message, fix=fix))
        return None
    operator = _operator(operators[0].key, report)
    for other in operators[1:]:
        message = f"a comparison has one operator; `{other.key.text}` is one too many"
        fix = "make each of them a condition of its own and combine them with `and`"
        report(ConditionForm.finding(other.key.span, message, fix=fix))
    operand = _side(operators[0], report)
    compared = _side(value, report) if value else None
    if operator is None or operand is None or compared is None:
        return None
    return Comparison(operator, operand, compared, node.span)


def _operator(key: Scalar, report: Report) -> Operator | None:
    try:
        return Operator(key.text)
    except ValueError:
        meant = did_you_mean(key.text, _WORDS)
        fix = f"did you mean `{meant}`?" if meant else f"there are {one_of(_WORDS)}"
        message = f"there is no operator `{key.text}`"
        edits = replacing(key.span, key.text, surely_meant(key.text, _WORDS))
        report(UnknownOperator.finding(key.span, message, fix=fix, edits=edits))
        return None


def _side(entry: Entry, report: Report) -> Leaf | None:
    node = entry.value
    if not isinstance(node, Scalar):
        message = f"`{entry.key.text}` takes one value, not {kind_of(node)}"
        report(ConditionForm.finding(entry.key.span, message))
        return None
    if native(node) is None:
        message = f"`{entry.key.text}` has no value"
        report(ConditionForm.finding(entry.key.span, message, fix="empty text is written `''`"))
        return None
    return read_leaf(node, report)
