"""Reading the keys of one map: known ones with their kind, unknown and missing ones as findings."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias, TypeGuard, TypeVar

from imagewright.documents.diagnostics import (
    Diagnostic,
    did_you_mean,
    one_of,
    surely_meant,
)
from imagewright.documents.edits import replacing
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, kind_of, native
from imagewright.documents.places import Span
from imagewright.documents.workflow.rules.structure import (
    MissingKey,
    UnknownKey,
    WrongChoice,
    WrongCount,
    WrongKind,
    WrongLength,
)

Report: TypeAlias = Callable[[Diagnostic], None]

_Choice = TypeVar("_Choice", bound=StrEnum)


class Hint(NamedTuple):
    """What to say of a key that is mistaken for another, and the other."""

    key: str
    help: str


class Fields:
    """One map of the document, ``what`` for a message: ``a step``."""

    def __init__(
        self,
        node: MapNode,
        what: str,
        report: Report,
        *,
        known: Sequence[str],
        required: Sequence[str] = (),
        hints: Mapping[str, Hint] | None = None,
    ) -> None:
        self.node = node
        self._what = what
        self._report = report
        self._refuse_unknown(known, hints or {})
        for name in required:
            if node.get(name) is None:
                self._refuse_missing(name)

    def node_of(self, name: str) -> Node | None:
        """The value of a key; None if it is not there."""
        entry = self.node.get(name)
        return entry.value if entry else None

    def scalar(self, name: str) -> Scalar | None:
        """A value that is neither list nor map nor empty; None if there is none to go on with."""
        node = self.node_of(name)
        if node is None:
            return None
        if not isinstance(node, Scalar):
            self.wrong_kind(name, node, "text")
            return None
        if native(node) is None:
            self._report(WrongKind.finding(self._span_of(name), f"`{name}` has no value"))
            return None
        return node

    def text(self, name: str, *, least: int = 1, most: int = 1024) -> str | None:
        """Text of a certain length, as written: a number without quotes is text too."""
        node = self.scalar(name)
        if node is None:
            return None
        if not least <= len(node.text) <= most:
            message = f"`{name}` has {len(node.text):,} characters; it needs {least} to {most:,}"
            self._report(WrongLength.finding(self._span_of(name), message))
        return node.text

    def choice(self, name: str, choices: type[_Choice]) -> _Choice | None:
        """One of a few words."""
        node = self.scalar(name)
        if node is None:
            return None
        try:
            return choices(node.text)
        except ValueError:
            words = list(choices)
            meant = did_you_mean(node.text, words)
            message = f"`{name}` must be {one_of(words)}, not `{node.text[:60]}`"
            fix = f"did you mean `{meant}`?" if meant else ""
            edits = replacing(node.span, node.text, surely_meant(node.text, words))
            self._report(WrongChoice.finding(node.span, message, fix=fix, edits=edits))
            return None

    def maps(self, name: str, *, least: int, most: int, read_most: int) -> list[MapNode]:
        """The maps of a list, of which there are ``least`` to ``most``.

        A list that is too long is read on up to ``read_most``, to find what else is wrong.
        """
        node = self.node_of(name)
        if node is None:
            return []
        if isinstance(node, Scalar) and native(node) is None:
            # A key above entries that are all commented out is as good as none.
            node = ListNode((), node.span)
        if not isinstance(node, ListNode):
            fix = "begin each entry with `-`" if isinstance(node, MapNode) else ""
            self.wrong_kind(name, node, "a list", fix=fix)
            return []
        if not least <= len(node.items) <= most:
            self._refuse_count(name, node, least, most)
        for item in node.items[:read_most]:
            if not _is_map(item):
                message = f"each entry of `{name}` must be a map, not {kind_of(item)}"
                self._report(WrongKind.finding(item.span, message))
        return [item for item in node.items[:read_most] if _is_map(item)]

    def wrong_kind(self, name: str, node: Node, asked: str, *, fix: str = "") -> None:
        """Report that a key holds something of another kind."""
        message = f"`{name}` must be {asked}, not {kind_of(node)}"
        self._report(WrongKind.finding(self._span_of(name), message, fix=fix))

    def _span_of(self, name: str) -> Span:
        entry = self.node.get(name)
        if entry is None:
            return self.node.span
        # The value of an empty key has no extent, and a whole block is too much to underline.
        if isinstance(entry.value, Scalar) and entry.value.raw:
            return entry.value.span
        return entry.key.span

    def _refuse_count(self, name: str, node: ListNode, least: int, most: int) -> None:
        if len(node.items) > most:
            message = f"{len(node.items):,} {name}; a document has at most {most}"
            span = node.items[most].span
        else:
            message = f"`{name}` is empty"
            span = self._span_of(name)
        self._report(WrongCount.finding(span, message))

    def _refuse_unknown(self, known: Sequence[str], hints: Mapping[str, Hint]) -> None:
        for key in (entry.key for entry in self.node.entries):
            if key.text in known:
                continue
            meant = did_you_mean(key.text, known)
            default = f"did you mean `{meant}`?" if meant else f"{self._what} has {_all(known)}"
            message = f"{self._what} has no key `{key.text}`"
            fix = hints[key.text].help if key.text in hints else default
            sure = hints[key.text].key if key.text in hints else surely_meant(key.text, known)
            free = sure is not None and self.node.get(sure) is None
            edits = replacing(key.span, key.text, sure if free else None)
            self._report(UnknownKey.finding(key.span, message, fix=fix, edits=edits))

    def _refuse_missing(self, name: str) -> None:
        named = self.node.get("name")
        if named is not None:
            span = named.value.span
        elif self.node.entries:
            span = self.node.entries[0].key.span
        else:
            span = self.node.span
        self._report(MissingKey.finding(span, f"{self._what} needs the key `{name}`"))


def _is_map(node: Node) -> TypeGuard[MapNode]:
    return isinstance(node, MapNode)


def _all(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
