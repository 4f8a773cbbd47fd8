"""Conditions as documents write them: in ``if``, and as the inputs of Assert (§5)."""

from collections.abc import Iterator
from dataclasses import dataclass

from imagewright.documents.component import rules
from imagewright.documents.component.expressions import expressions
from imagewright.documents.component.fields import first_line
from imagewright.documents.component.model import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    If,
    Not,
    Verdict,
)
from imagewright.documents.component.operators import (
    LOGICAL,
    OPERATORS,
    BadPattern,
    Operand,
    compile_pattern,
    number,
)
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, one_of, surely_meant
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import Entry, ListNode, MapNode, Node, Scalar, kind_of
from imagewright.documents.rules import Rule

_COMPANIONS = ("value", "path")
_CHOICES = ("then", "else")
_ALL_OPERATORS = (*OPERATORS, *LOGICAL)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads conditions and keeps what is wrong with them."""

    findings: list[Diagnostic]
    context: str = ""

    def read_if(self, node: Node) -> If | None:
        """Read a step's ``if``: a condition with ``then`` and ``else`` beside or within ``not``."""
        choices: dict[str, Verdict | None] = {}
        node = _only_item(node)
        rest = self._take_choices(node, choices)
        condition = self.read(rest)
        if condition is None:
            return None
        then = choices.get("then") or Verdict.EXECUTE
        return If(condition, then, choices.get("else") or Verdict.SKIP, first_line(node))

    def read(self, node: Node) -> Condition | None:
        """Read one condition; None when it is wrong, and then a finding says how."""
        node = _only_item(node)
        if not isinstance(node, MapNode):
            self._shape(node, f"a condition is a map with one operator, not {kind_of(node)}")
            return None
        operator = self._operator(node)
        if operator is None:
            return None
        match operator.key.text:
            case "and" | "or" as name:
                return self._terms(operator, name)
            case "not":
                term = self.read(operator.value)
                return None if term is None else Not(term)
        return self._comparison(node, operator)

    def _take_choices(self, node: Node, choices: dict[str, Verdict | None]) -> Node:
        """Take ``then`` and ``else`` out of ``if``, and out of a ``not`` right below it."""
        outer = self._without_choices(node, choices)
        if not isinstance(outer, MapNode) or (entry := outer.get("not")) is None:
            return outer
        inner = Entry(entry.key, self._without_choices(_only_item(entry.value), choices))
        entries = tuple(inner if kept is entry else kept for kept in outer.entries)
        return MapNode(entries, outer.span)

    def _without_choices(self, node: Node, choices: dict[str, Verdict | None]) -> Node:
        if not isinstance(node, MapNode):
            return node
        for entry in node.entries:
            if entry.key.text in _CHOICES:
                choices.setdefault(entry.key.text, self._choice(entry))
        kept = tuple(entry for entry in node.entries if entry.key.text not in _CHOICES)
        return MapNode(kept, node.span)

    def _choice(self, entry: Entry) -> Verdict | None:
        text = entry.value.text if isinstance(entry.value, Scalar) else ""
        if text in tuple(Verdict):
            return Verdict(text)
        meant = did_you_mean(text, tuple(Verdict))
        message = f"`{entry.key.text}` must be {one_of(tuple(Verdict))}"
        fix = f"did you mean `{meant}`?" if meant else ""
        edits = replacing(entry.value.span, text, surely_meant(text, tuple(Verdict)))
        self._say(rules.StepAction, entry.value, message, fix, edits)
        return None

    def _operator(self, node: MapNode) -> Entry | None:
        found = [entry for entry in node.entries if entry.key.text in _ALL_OPERATORS]
        strange = [e for e in node.entries if e.key.text not in (*_ALL_OPERATORS, *_COMPANIONS)]
        for entry in strange:
            self._unknown(entry.key)
        if len(found) > 1:
            fix = "put them in a list below `and` or `or`"
            self._say(rules.ConditionShape, found[1].key, "a condition has one operator", fix)
        elif not found and not strange:
            self._shape(node, "this condition has no operator")
        return found[0] if len(found) == 1 and not strange else None

    def _unknown(self, key: Scalar) -> None:
        if key.text in _CHOICES:
            message = f"`{key.text}` stands at the top of `if` only"
            self._say(rules.ConditionShape, key, message)
            return
        meant = did_you_mean(key.text, _ALL_OPERATORS)
        fix = f"did you mean `{meant}`?" if meant else ""
        edits = replacing(key.span, key.text, surely_meant(key.text, _ALL_OPERATORS))
        self._say(rules.UnknownOperator, key, f"there is no operator `{key.text}`", fix, edits)

    def _terms(self, entry: Entry, name: str) -> Condition | None:
        if not isinstance(entry.value, ListNode) or not entry.value.items:
            self._shape(entry.key, f"`{name}` needs a list of conditions")
            return None
        read = [self.read(item) for item in entry.value.items]
        terms = tuple(term for term in read if term is not None)
        if len(terms) < len(read):
            return None
        return AllOf(terms) if name == "and" else AnyOf(terms)

    def _comparison(self, node: MapNode, entry: Entry) -> Comparison | None:
        name = entry.key.text
        operator = OPERATORS[name]
        if not isinstance(entry.value, Scalar):
            what = f"`{name}` compares with a text or number, not {kind_of(entry.value)}"
            self._shape(entry.value, what)
            return None
        companion = self._companion(node, entry.key, operator.companion)
        if operator.companion is not None and companion is None:
            return None
        if not self._is_sound(operator.kind, name, entry.value):
            return None
        return Comparison(name, entry.value, companion)

    def _companion(self, node: MapNode, key: Scalar, wanted: str | None) -> Scalar | None:
        for name in _COMPANIONS:
            entry = node.get(name)
            if entry is not None and name != wanted:
                message = f"`{key.text}` has no `{name}`"
                fix = f"it has `{wanted}`" if wanted else ""
                self._say(rules.ConditionShape, entry.key, message, fix)
        given = node.get(wanted) if wanted is not None else None
        if given is None:
            if wanted is not None:
                self._say(rules.MissingOperand, key, f"`{key.text}` needs `{wanted}` beside it")
            return None
        if not isinstance(given.value, Scalar):
            message = f"`{wanted}` must be a text or number, not {kind_of(given.value)}"
            self._shape(given.value, message)
            return None
        return given.value

    def _is_sound(self, kind: str, name: str, baseline: Scalar) -> bool:
        if any(expressions(baseline.text)):
            return True
        if kind == "number" and number(Operand(baseline.text, baseline.plain)) is None:
            message = f"`{name}` compares with a number, not `{baseline.text}`"
            self._say(rules.NotANumber, baseline, message)
            return False
        if kind == "pattern":
            return self._is_pattern(baseline)
        return True

    def _is_pattern(self, baseline: Scalar) -> bool:
        try:
            compile_pattern(baseline.text)
        except BadPattern as error:
            fix = "patterns are RE2, which has no look-around and no back-references"
            self._say(rules.PatternNotRe2, baseline, f"this pattern cannot be used: {error}", fix)
            return False
        return True

    def _shape(self, node: Node, message: str) -> None:
        self._say(rules.ConditionShape, node, message)

    def _say(
        self,
        rule: type[Rule],
        node: Node,
        message: str,
        fix: str = "",
        edits: tuple[Edit, ...] = (),
    ) -> None:
        span = first_line(node)
        finding = rule.finding(span, message, fix=fix, context=self.context, edits=edits)
        self.findings.append(finding)


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Go through all comparisons within a condition, as written."""
    match condition:
        case Comparison():
            yield condition
        case AllOf(terms) | AnyOf(terms):
            for term in terms:
                yield from comparisons(term)
        case Not(term):
            yield from comparisons(term)


def operands(condition: Condition) -> Iterator[Scalar]:
    """Go through all texts a condition compares."""
    for comparison in comparisons(condition):
        yield comparison.baseline
        if comparison.companion is not None:
            yield comparison.companion


def describe(condition: Condition) -> str:
    """Spell a condition in one line, for messages: ``not (fileExists /a)``."""
    match condition:
        case Comparison(operator, baseline, companion):
            beside = f" of {companion.text}" if companion is not None else ""
            return f"{operator} {baseline.text}{beside}"
        case AllOf(terms):
            return " and ".join(f"({describe(term)})" for term in terms)
        case AnyOf(terms):
            return " or ".join(f"({describe(term)})" for term in terms)
        case Not(term):
            return f"not ({describe(term)})"


def _only_item(node: Node) -> Node:
    if isinstance(node, ListNode) and len(node.items) == 1:
        return node.items[0]
    return node
