"""Text to nodes: YAML through libyaml's event stream, within budgets (architecture, Documents).

JSON is read alike, being YAML. Nothing in a document can run, name a class, include a file or
grow beyond the budget: custom tags are refused, and an alias counts as all it stands for.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from imagewright.documents import json_text, syntax
from imagewright.documents.diagnostics import Diagnostic, in_order
from imagewright.documents.edits import Edit
from imagewright.documents.nodes import Entry, ListNode, MapNode, Node, Scalar
from imagewright.documents.places import EMPTY, LINE_BREAK, Position, Span
from imagewright.documents.rules import Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What a document may cost."""

    size_bytes: int = 65_536
    """Of the text in UTF-8 (CRT-04)."""
    depth: int = 48
    nodes: int = 20_000
    """Scalars, lists and maps; an alias counts as all it stands for."""
    text_characters: int = 1_000_000
    """In all scalars together, aliases likewise."""


ADMITTED: Final = Budget(size_bytes=1_000_000)
"""Of a document whose size was looked at where it came from: a server may admit larger ones
(``quotas.document_bytes``)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a text."""

    root: Node | None
    """None when nothing could be made of it; then at least one finding says why."""
    findings: tuple[Diagnostic, ...]


def load(text: str, budget: Budget | None = None) -> Loaded:
    """Read one document. Never raises over what the text holds."""
    budget = budget or Budget()
    text = text.removeprefix("\ufeff")
    if (refusal := _refuse(text, budget)) is not None:
        return Loaded(None, (refusal,))
    loaded = _read(_Builder(text, budget), text)
    if loaded.root is None and json_text.has_pairs(text):
        return _read(_JsonBuilder(text, budget), text)
    return loaded


def _read(builder: "_Builder", text: str) -> Loaded:
    try:
        root = builder.document()
    except _UnreadableError as stop:
        return Loaded(None, in_order([*builder.findings, stop.finding]))
    except yaml.MarkedYAMLError as error:
        last = _not_yaml(error, text)
        # What was said about the line that breaks off is about the same thing.
        line = last.span.start.line
        others = [said for said in builder.findings if said.span.start.line != line]
        return Loaded(None, in_order([*others, last]))
    return Loaded(root, in_order(builder.findings))


# libyaml is several times quicker than the same parser in Python; some wheels lack it.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.1 §5.1, as libyaml has it, and lone surrogates, which are no characters at all.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_CORE_TAG = "tag:yaml.org,2002:"
_CORE_TYPES = frozenset({"str", "int", "float", "bool", "null", "map", "seq"})


def _refuse(text: str, budget: Budget) -> Diagnostic | None:
    size_bytes = len(text.encode("utf-8", "surrogatepass"))
    if size_bytes > budget.size_bytes:
        message = f"the text has {size_bytes:,} bytes; a document has at most {budget.size_bytes:,}"
        return syntax.TooLarge.finding(EMPTY, message)
    if (found := _UNPRINTABLE.search(text)) is not None:
        name = f"U+{ord(found.group()):04X}"
        message = f"the character {name} cannot stand in a document"
        span = Span(_position(text, found.start()), _position(text, found.end()))
        return syntax.ControlCharacter.finding(span, message, label=name, fix="remove it")
    return None


def _position(text: str, offset: int) -> Position:
    line, begin = 1, 0
    for found in LINE_BREAK.finditer(text, 0, offset):
        line, begin = line + 1, found.end()
    return Position(line, offset - begin + 1, offset)


def _place(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1, mark.index)


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> Diagnostic:
    at = error.problem_mark or error.context_mark
    began = error.context_mark
    return syntax.explain(
        syntax.YamlProblem(
            problem=error.problem or "this cannot be read",
            context=error.context or "",
            at=_place(at) if at else EMPTY.start,
            context_at=_place(began) if began else None,
        ),
        text,
    )


class _UnreadableError(Exception):
    """Reading on would be of no use, or too dear."""

    def __init__(self, finding: Diagnostic) -> None:
        self.finding = finding
        super().__init__(finding.message)


@dataclass(slots=True)
class _Cost:
    """What a finished node costs each time it is repeated."""

    nodes: int
    characters: int
    depth: int


class _Builder:
    """Makes nodes of events, and counts what they cost."""

    def __init__(self, text: str, budget: Budget, *, source: str | None = None) -> None:
        """``source`` is what libyaml reads, if not the text itself."""
        self.findings: list[Diagnostic] = []
        self._text = text
        self._budget = budget
        self._next_event: Callable[[], Any] = _LOADER(source or text).get_event
        self._nodes = 0
        self._characters = 0
        self._deepest = 0
        self._anchors: dict[str, tuple[Node, _Cost]] = {}
        self._open_anchors: set[str] = set()

    def document(self) -> Node | None:
        """Read the first document, and make sure that it is the only one."""
        self._next_event()
        if isinstance(event := self._next_event(), yaml.StreamEndEvent):
            message = "the document is empty"
            self.findings.append(syntax.EmptyDocument.finding(EMPTY, message))
            return None
        root = self._node(self._next_event(), 1)
        self._next_event()
        if not isinstance(event := self._next_event(), yaml.StreamEndEvent):
            span = Span(_place(event.start_mark), _place(event.end_mark))
            message = "a second document begins here"
            fix = "keep one document per text"
            self.findings.append(syntax.SeveralDocuments.finding(span, message, fix=fix))
        return root

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.anchor is None:
            return self._fresh_node(event, depth)
        return self._anchored(event, depth)

    def _fresh_node(self, event: Any, depth: int) -> Node:
        is_text = event.tag is not None and self._check_tag(event)
        if isinstance(event, yaml.ScalarEvent):
            self._spend(event, 1, len(event.value), depth)
            return self._scalar(event, is_text)
        self._spend(event, 1, 0, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(event, depth)
        return self._map(event, depth)

    def _scalar(self, event: Any, is_text: bool) -> Scalar:
        span = _span(event.start_mark, event.end_mark)
        raw = self._text[span.start.offset : span.end.offset]
        if raw[-1:].isspace():  # the end of a block scalar is the beginning of what follows it
            raw = raw.rstrip()
            span = Span(span.start, _position_after(span.start, raw))
        return Scalar(self._value(event, raw), not event.style and not is_text, span, raw)

    def _value(self, event: Any, _raw: str) -> str:
        return str(event.value)

    def _list(self, event: Any, depth: int) -> ListNode:
        items: list[Node] = []
        while not isinstance(last := self._next_event(), yaml.SequenceEndEvent):
            items.append(self._node(last, depth + 1))
        final = items[-1].span.end if items else None
        return ListNode(tuple(items), self._span_of(event, last, final))

    def _map(self, event: Any, depth: int) -> MapNode:
        own: dict[str, Entry] = {}
        merged: list[MapNode] = []
        final: Position | None = None
        while not isinstance(last := self._next_event(), yaml.MappingEndEvent):
            key = self._node(last, depth + 1)
            value = self._node(self._next_event(), depth + 1)
            final = value.span.end
            if not isinstance(key, Scalar):
                self._report_key(key)
            elif key.plain and key.text == "<<":
                merged += self._maps_to_merge(value)
            elif (first := own.get(key.text)) is not None:
                self._report_duplicate(key, first.key)
            else:
                own[key.text] = Entry(key, value)
        entries = _merge(own, merged) if merged else own
        return MapNode(tuple(entries.values()), self._span_of(event, last, final))

    def _span_of(self, first: Any, last: Any, final: Position | None) -> Span:
        # A block's end event stands where the next thing begins, lines below.
        if first.flow_style or final is None:
            return _span(first.start_mark, last.end_mark)
        start = _place(first.start_mark)
        return Span(start, max(start, final))

    def _alias(self, event: Any, depth: int) -> Node:
        span = _span(event.start_mark, event.end_mark)
        if event.anchor in self._open_anchors:
            message = f"the alias `*{event.anchor}` stands inside what it repeats"
            raise _UnreadableError(syntax.AliasInsideItself.finding(span, message))
        if event.anchor not in self._anchors:
            message = f"nothing before this line is marked `&{event.anchor}`"
            fix = "put text that begins with `*` in quotes"
            self.findings.append(syntax.UnknownAlias.finding(span, message, fix=fix))
            return Scalar(f"*{event.anchor}", plain=False, span=span)
        node, cost = self._anchors[event.anchor]
        self._spend(event, cost.nodes, cost.characters, depth + cost.depth)
        return node

    def _anchored(self, event: Any, depth: int) -> Node:
        nodes, characters, deepest = self._nodes, self._characters, self._deepest
        self._deepest = depth
        self._open_anchors.add(event.anchor)
        node = self._fresh_node(event, depth)
        self._open_anchors.discard(event.anchor)
        cost = _Cost(self._nodes - nodes, self._characters - characters, self._deepest - depth)
        self._anchors[event.anchor] = (node, cost)
        self._deepest = max(self._deepest, deepest)
        return node

    def _spend(self, event: Any, nodes: int, characters: int, depth: int) -> None:
        self._nodes += nodes
        self._characters += characters
        if depth > self._deepest:
            self._deepest = depth
        budget = self._budget
        if self._nodes > budget.nodes:
            self._too_dear(syntax.TooManyNodes, event, f"more than {budget.nodes:,} values")
        if self._characters > budget.text_characters:
            what = f"more than {budget.text_characters:,} characters of text"
            self._too_dear(syntax.TooLarge, event, what)
        if depth > budget.depth:
            self._too_dear(syntax.TooDeep, event, f"more than {budget.depth} levels")

    def _too_dear(self, rule: type[Rule], event: Any, what: str) -> None:
        span = _span(event.start_mark, event.end_mark)
        raise _UnreadableError(rule.finding(span, f"the document has {what}, aliases included"))

    def _check_tag(self, event: Any) -> bool:
        """Refuse a tag of one's own; tell whether the tag makes a scalar text."""
        tag = event.tag
        if tag == "!":
            return True
        kind = tag.removeprefix(_CORE_TAG)
        if kind != tag and kind in _CORE_TYPES:
            return bool(kind == "str")
        shown = f"!!{kind}" if kind != tag else tag
        message = f"the tag `{shown}` has no meaning here"
        fix = "write the value itself, or put text that begins with `!` in quotes"
        start = _place(event.start_mark)
        end = start._replace(column=start.column + 1, offset=start.offset + 1)
        self.findings.append(syntax.CustomTag.finding(Span(start, end), message, fix=fix))
        return False

    def _report_key(self, key: Node) -> None:
        braces = self._text[key.span.start.offset - 1 : key.span.start.offset + 1] == "{{"
        message = "text that begins with `{{` needs quotes" if braces else "a key must be text"
        fix = syntax.QUOTE_BRACES if braces else "write one word or quoted text before the `:`"
        edits = self._quoting(key.span.start) if braces else ()
        self.findings.append(syntax.KeyIsNotText.finding(key.span, message, fix=fix, edits=edits))

    def _quoting(self, inner: Position) -> tuple[Edit, ...]:
        """Quote the value whose second brace stands at ``inner``."""
        at = Position(inner.line, inner.column - 1, inner.offset - 1)
        ends = LINE_BREAK.search(self._text, at.offset)
        end = ends.start() if ends else len(self._text)
        return syntax.quoting(at, self._text[at.offset - at.column + 1 : end])

    def _report_duplicate(self, key: Scalar, first: Scalar) -> None:
        message = f"the key `{key.text}` comes twice in this map"
        label = f"first given in line {first.span.start.line}"
        fix = "remove one of the two"
        self.findings.append(syntax.DuplicateKey.finding(key.span, message, label=label, fix=fix))

    def _maps_to_merge(self, value: Node) -> list[MapNode]:
        parts = value.items if isinstance(value, ListNode) else (value,)
        for part in parts:
            if not isinstance(part, MapNode):
                message = "only maps can be merged with `<<`"
                self.findings.append(syntax.BadMergeKey.finding(part.span, message))
        return [part for part in parts if isinstance(part, MapNode)]


class _JsonBuilder(_Builder):
    """Makes nodes of JSON with characters that YAML cannot read."""

    def __init__(self, text: str, budget: Budget) -> None:
        super().__init__(text, budget, source=json_text.without_pairs(text))

    def _value(self, event: Any, raw: str) -> str:
        read = json_text.read_string(raw)
        return super()._value(event, raw) if read is None else read


def _merge(own: dict[str, Entry], merged: list[MapNode]) -> dict[str, Entry]:
    """Own keys win over merged ones, and an earlier merged map over a later."""
    entries = dict(own)
    for part in merged:
        for entry in part.entries:
            entries.setdefault(entry.key.text, entry)
    return entries


def _span(start: Any, end: Any) -> Span:
    return Span(_place(start), _place(end))


def _position_after(start: Position, raw: str) -> Position:
    line, column, offset = start
    begin = -column + 1
    for found in LINE_BREAK.finditer(raw):
        line, begin = line + 1, found.end()
    return Position(line, len(raw) - begin + 1, offset + len(raw))
