"""Reading a map key by key, and saying what is missing, of the wrong kind, or unknown."""

from typing import TypeVar

from imagewright.documents.component import rules
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, one_of, surely_meant
from imagewright.documents.edits import replacing
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, as_bool, kind_of
from imagewright.documents.places import Span

_Kind = TypeVar("_Kind", Scalar, ListNode, MapNode)
_KIND_NAMES = {Scalar: "text", ListNode: "a list", MapNode: "a map"}


def is_absent(node: Node | None) -> bool:
    """Tell whether nothing stands there: no key, or a key without a value."""
    return node is None or (isinstance(node, Scalar) and node.plain and node.text == "")


def first_line(node: Node) -> Span:
    """Where a node begins, for findings that concern all of it."""
    match node:
        case MapNode(entries=(first, *_)):
            return first.key.span
        case _:
            return node.span


class Fields:
    """The keys of one map. Take each by name, then say ``done``; what is left is unknown."""

    def __init__(
        self, node: MapNode, findings: list[Diagnostic], *, what: str, context: str = ""
    ) -> None:
        self._node = node
        self._findings = findings
        self._what = what
        self._context = context
        self._known: list[str] = []

    @property
    def span(self) -> Span:
        """Where the map begins."""
        return first_line(self._node)

    def node(self, name: str, *, required: bool = False) -> Node | None:
        """Take whatever stands under a key; None when nothing does."""
        self._known.append(name)
        entry = self._node.get(name)
        if entry is not None and not is_absent(entry.value):
            return entry.value
        if required:
            span = entry.key.span if entry is not None else self.span
            message = f"{self._what} needs `{name}`"
            finding = rules.MissingKey.finding(span, message, context=self._context)
            self._findings.append(finding)
        return None

    def scalar(self, name: str, *, required: bool = False) -> Scalar | None:
        """Take a text."""
        return self.of_kind(self.node(name, required=required), Scalar, name)

    def list(self, name: str, *, required: bool = False) -> ListNode | None:
        """Take a list."""
        return self.of_kind(self.node(name, required=required), ListNode, name)

    def map(self, name: str, *, required: bool = False) -> MapNode | None:
        """Take a map."""
        return self.of_kind(self.node(name, required=required), MapNode, name)

    def truth(self, name: str, *, default: bool) -> bool:
        """Take a truth value."""
        scalar = self.scalar(name)
        if scalar is None:
            return default
        value = as_bool(scalar.text)
        if value is None:
            self.wrong_kind(scalar, f"`{name}` must be true or false, not `{scalar.text}`")
        return default if value is None else value

    def of_kind(self, node: Node | None, kind: type[_Kind], name: str) -> _Kind | None:
        """Hold a node against the kind that belongs here."""
        if node is None or isinstance(node, kind):
            return node
        self.wrong_kind(node, f"`{name}` must be {_KIND_NAMES[kind]}, not {kind_of(node)}")
        return None

    def wrong_kind(self, node: Node, message: str) -> None:
        """Say that something of another kind belongs there."""
        finding = rules.WrongKind.finding(first_line(node), message, context=self._context)
        self._findings.append(finding)

    def done(self) -> None:
        """Warn of every key that was not taken."""
        for entry in self._node.entries:
            name = entry.key.text
            if name not in self._known:
                meant = did_you_mean(name, self._known)
                fix = f"did you mean `{meant}`?" if meant else f"known are {_all(self._known)}"
                message = f"{self._what} has no key `{name}`; it is ignored"
                sure = surely_meant(name, self._known)
                is_free = sure is not None and self._node.get(sure) is None
                finding = rules.UnknownKey.finding(
                    entry.key.span,
                    message,
                    fix=fix,
                    context=self._context,
                    edits=replacing(entry.key.span, name, sure if is_free else None),
                )
                self._findings.append(finding)


def _all(names: list[str]) -> str:
    return one_of(names).replace(" or ", " and ")
