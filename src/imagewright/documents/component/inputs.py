"""A step's inputs: their shape, and whether they fit what the module declares (§2.6, O-1)."""

from collections.abc import Callable
from typing import TypeAlias

from imagewright.documents.component import rules
from imagewright.documents.component.conditions import Reader
from imagewright.documents.component.expressions import Braces, Unknown, expressions
from imagewright.documents.component.fields import first_line, is_absent
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, kind_of
from imagewright.documents.places import Span
from imagewright.documents.rules import Rule
from imagewright.documents.specs import UNKNOWN, InputShape, ModuleSpec, Platform, Problem
from imagewright.documents.values import Path

Texts: TypeAlias = "str | list[Texts] | dict[str, Texts] | object"
"""Inputs as text, lists and maps; a text that only the run will tell is UNKNOWN."""

_POSIX_ONLY = ("owner", "group", "permissions")
_RULES = {"missing": rules.MissingInput, "unknown name": rules.UnknownInput}


class InputChecker:
    """Reads and checks the inputs of one step."""

    def __init__(
        self,
        spec: ModuleSpec,
        action: Scalar,
        platform: Platform | None,
        findings: list[Diagnostic],
        context: str,
    ) -> None:
        self._spec = spec
        self._action = action
        self._platform = platform
        self._findings = findings
        self._context = context

    def read(self, node: Node | None) -> tuple[MapNode, ...]:
        """Return one map for each entry, and say everything that is wrong with them."""
        entries = self._entries(node)
        for entry in entries:
            if self._spec.takes_condition:
                Reader(self._findings, self._context).read(entry)
            else:
                self._check(entry)
        return entries

    def _entries(self, node: Node | None) -> tuple[MapNode, ...]:
        if node is None or is_absent(node) or node in (_no_items(node), _no_entries(node)):
            return self._none(node)
        match node:
            case MapNode():
                return (node,)
            case ListNode(items) if self._spec.input_shape is InputShape.LIST or len(items) == 1:
                return self._maps(items)
        self._wrong_shape(node)
        return ()

    def _none(self, node: Node | None) -> tuple[MapNode, ...]:
        if self._spec.inputs_optional or self._spec.input_shape is InputShape.ABSENT:
            return (MapNode((), self._action.span),)
        message = f"action {self._spec.name} has no inputs; it requires an 'inputs'"
        span = self._action.span if node is None else node.span
        # Of the service's sentences, the only one that ends without a full stop.
        wire = f"Parsing {self._context} failed. Error: A{message[1:]}"
        finding = rules.NoInputs.finding(span, message, context=self._context, wire=wire)
        self._findings.append(finding)
        return ()

    def _maps(self, items: tuple[Node, ...]) -> tuple[MapNode, ...]:
        for item in items:
            if not isinstance(item, MapNode):
                message = f"an entry of `inputs` must be a map, not {kind_of(item)}"
                self._say(rules.InputShape, first_line(item), message)
        return tuple(item for item in items if isinstance(item, MapNode))

    def _wrong_shape(self, node: Node) -> None:
        message = f"{self._spec.name} takes {self._spec.input_shape} as `inputs`"
        fix = "" if isinstance(node, Scalar) else "make it one step for each entry"
        self._say(rules.InputShape, first_line(node), message, fix)

    def _check(self, entry: MapNode) -> None:
        for problem in self._spec.check_inputs(texts(entry, _leave_open)):
            rule = _RULES.get(problem.kind, rules.InputValue)
            message = f"{self._spec.name}: {problem.message}"
            edits = _repair(entry, problem)
            self._say(rule, self._place(entry, problem), message, problem.help, edits)
        if self._platform is Platform.WINDOWS:
            self._check_windows(entry)

    def _check_windows(self, entry: MapNode) -> None:
        for name in _POSIX_ONLY:
            given = entry.get(name)
            if given is not None and self._spec.input_record.member(name) is not None:
                message = f"`{name}` is not supported on Windows"
                self._say(rules.NotOnWindows, given.key.span, message, "leave it out")

    def _place(self, entry: MapNode, problem: Problem) -> Span:
        if problem.kind == "missing":
            inner = find(entry, problem.path[:-1])
            return first_line(inner) if isinstance(inner, MapNode) else self._action.span
        if problem.kind == "unknown name":
            holder = find(entry, problem.path[:-1])
            given = holder.get(str(problem.path[-1])) if isinstance(holder, MapNode) else None
            return self._action.span if given is None else given.key.span
        node = find(entry, problem.path)
        return self._action.span if node is None else first_line(node)

    def _say(
        self,
        rule: type[Rule],
        span: Span,
        message: str,
        fix: str = "",
        edits: tuple[Edit, ...] = (),
    ) -> None:
        finding = rule.finding(span, message, fix=fix, context=self._context, edits=edits)
        self._findings.append(finding)


def _repair(entry: MapNode, problem: Problem) -> tuple[Edit, ...]:
    """Put the name or the word that was surely meant in place of another, unless it is there."""
    if not problem.meant:
        return ()
    if problem.kind != "unknown name":
        value = find(entry, problem.path)
        if not isinstance(value, Scalar):
            return ()
        return replacing(value.span, value.text, problem.meant)
    holder = find(entry, problem.path[:-1])
    given = holder.get(str(problem.path[-1])) if isinstance(holder, MapNode) else None
    if given is None or not isinstance(holder, MapNode) or holder.get(problem.meant) is not None:
        return ()
    return replacing(given.key.span, given.key.text, problem.meant)


def texts(node: Node, read: Callable[[Scalar], Texts]) -> Texts:
    """Take a node's values as text (§2.1); a key without a value is as if absent."""
    match node:
        case Scalar():
            return read(node)
        case ListNode(items):
            return [texts(item, read) for item in items]
        case MapNode(entries):
            return {e.key.text: texts(e.value, read) for e in entries if not is_absent(e.value)}


def find(node: Node, path: Path) -> Node | None:
    """Follow a path down into a node."""
    found: Node | None = node
    for part in path:
        match found:
            case MapNode():
                entry = found.get(str(part))
                found = None if entry is None else entry.value
            case ListNode(items) if isinstance(part, int) and part < len(items):
                found = items[part]
            case _:
                return None
    return found


def _leave_open(scalar: Scalar) -> Texts:
    known = (e for e in expressions(scalar.text) if not isinstance(e.reference, Braces | Unknown))
    return UNKNOWN if any(known) else scalar.text


def _no_items(node: Node) -> Node | None:
    return node if isinstance(node, ListNode) and not node.items else None


def _no_entries(node: Node) -> Node | None:
    return node if isinstance(node, MapNode) and not node.entries else None
