"""A step's loop: how it is written, and what it goes through (``component-documents.md`` §6)."""

import re
from collections.abc import Callable, Sequence

from imagewright.documents.component import rules
from imagewright.documents.component.fields import Fields
from imagewright.documents.component.model import Counting, Delimited, Listed, Loop
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, as_int, kind_of

NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
DELIMITERS = (".", ",", ";", ":", "\n", "\t", " ", "-", "_")
ITERATIONS_MAX = 10_000
"""A safety cap (decision O-4), which the setting components.loop_rounds_max changes."""


def read_loop(node: MapNode, findings: list[Diagnostic], context: str) -> Loop:
    """Read a step's ``loop``; one that is wrong goes over nothing, and a finding says why."""
    fields = Fields(node, findings, what="a loop", context=context)
    name = fields.scalar("name")
    counting, items = fields.node("for"), fields.node("forEach")
    fields.done()
    if name is not None and NAME.fullmatch(name.text) is None:
        message = f"the loop's name `{name.text}` holds other characters than letters, digits, - _"
        findings.append(rules.LoopName.finding(name.span, message, context=context))
    reader = _Over(findings, context)
    over: Counting | Listed | Delimited | None = None
    if (counting is None) == (items is None):
        message = "a loop has either `for` or `forEach`"
        findings.append(rules.LoopShape.finding(fields.span, message, context=context))
    else:
        over = reader.counting(counting) if counting is not None else reader.each(items)
    return Loop(name.text if name else None, over or Listed(()), fields.span)


class _Over:
    """Reads what a loop goes over."""

    def __init__(self, findings: list[Diagnostic], context: str) -> None:
        self._findings = findings
        self._context = context

    def counting(self, node: Node) -> Counting | None:
        if not isinstance(node, MapNode):
            self._say(node, f"`for` must be a map, not {kind_of(node)}")
            return None
        fields = Fields(node, self._findings, what="`for`", context=self._context)
        numbers = [self._whole(fields, name) for name in ("start", "end", "updateBy")]
        fields.done()
        start, end, update_by = numbers
        if start is None or end is None or update_by is None:
            return None
        if update_by == 0 or (end - start) * update_by < 0:
            message = f"counting from {start} by {update_by} never comes to {end}"
            rule = rules.LoopNeverEnds
            self._findings.append(rule.finding(fields.span, message, context=self._context))
            return None
        count = (end - start) // update_by + 1
        if count > ITERATIONS_MAX:
            message = (
                f"the loop has {count:,} rounds; with more than {ITERATIONS_MAX:,} its step fails"
            )
            fix = "split the loop, or raise the setting components.loop_rounds_max"
            finding = rules.ManyRounds.finding(fields.span, message, fix=fix, context=self._context)
            self._findings.append(finding)
        return Counting(start, end, update_by)

    def each(self, node: Node | None) -> Listed | Delimited | None:
        match node:
            case ListNode(items):
                scalars = tuple(item for item in items if isinstance(item, Scalar))
                for item in items:
                    if not isinstance(item, Scalar):
                        self._say(item, f"an item of `forEach` must be text, not {kind_of(item)}")
                return Listed(scalars) if len(scalars) == len(items) else None
            case MapNode():
                return self._delimited(node)
            case Scalar():
                self._say(node, "`forEach` must be a list, or a map with `list`, not text")
        return None

    def _delimited(self, node: MapNode) -> Delimited | None:
        fields = Fields(node, self._findings, what="`forEach`", context=self._context)
        text, entry = fields.scalar("list", required=True), node.get("delimiter")
        fields.node("delimiter")
        fields.done()
        delimiter = "," if entry is None else _text(entry.value)
        if delimiter not in DELIMITERS:
            message = "the delimiter must be one of . , ; : newline tab space - _"
            span = fields.span if entry is None else entry.value.span
            self._findings.append(rules.Delimiter.finding(span, message, context=self._context))
            return None
        return None if text is None else Delimited(text, delimiter)

    def _whole(self, fields: Fields, name: str) -> int | None:
        scalar = fields.scalar(name, required=True)
        number = None if scalar is None else as_int(scalar.text)
        if scalar is not None and number is None:
            self._say(scalar, f"`{name}` must be a whole number, written out")
        return number

    def _say(self, node: Node, message: str) -> None:
        finding = rules.LoopShape.finding(node.span, message, context=self._context)
        self._findings.append(finding)


def _text(node: Node) -> str | None:
    return node.text if isinstance(node, Scalar) else None


def values_of(
    loop: Loop, read: Callable[[Scalar], str], *, rounds_max: int = ITERATIONS_MAX
) -> Sequence[str]:
    """List what a loop goes through, as texts; of one that counts beyond the cap, one too many.

    >>> values_of(Loop(None, Counting(3, 9, 3), EMPTY), str)
    ['3', '6', '9']
    """
    match loop.over:
        case Counting(start, end, update_by):
            past = end + (1 if update_by > 0 else -1)
            return [str(number) for number in range(start, past, update_by)[: rounds_max + 1]]
        case Listed(items):
            return [read(item) for item in items]
        case Delimited(text, delimiter):
            pieces = read(text)
            return pieces.split(delimiter) if pieces else []
