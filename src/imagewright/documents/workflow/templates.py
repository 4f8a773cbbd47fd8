"""Inputs as trees of literals and references that know their places (§5.2, §5.3, §5.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from imagewright.documents.nodes import ListNode, MapNode, Node, Plain, Scalar, native
from imagewright.documents.places import Span
from imagewright.documents.values import UNKNOWN, Path
from imagewright.documents.workflow.interpolation import Pieces
from imagewright.documents.workflow.references import Reference

SUFFIX = ".$"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands for itself."""

    value: Plain
    node: Node
    suffixed: bool = False
    """It stands below a key that ends in ``.$`` all the same."""

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span


@dataclass(frozen=True, slots=True)
class Whole:
    """A reference whose value is taken as it is, with its type."""

    reference: Reference
    node: Scalar

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span


@dataclass(frozen=True, slots=True)
class Mixed:
    """Text with references in braces; comes out as text."""

    pieces: Pieces
    node: Scalar

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span


@dataclass(frozen=True, slots=True)
class Broken:
    """What was meant as a reference and is none; its finding refuses the document."""

    node: Scalar

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span


@dataclass(frozen=True, slots=True)
class ListTemplate:
    """A list."""

    items: tuple["Template", ...]
    node: ListNode

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span


@dataclass(frozen=True, slots=True)
class MemberTemplate:
    """One key of a map."""

    name: str
    """Without ``.$``."""
    key: Scalar
    value: "Template"


@dataclass(frozen=True, slots=True)
class MapTemplate:
    """A map; no two of its keys have one name."""

    members: tuple[MemberTemplate, ...]
    node: MapNode

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span

    def member(self, name: str) -> MemberTemplate | None:
        """Return the member of this name."""
        return next((member for member in self.members if member.name == name), None)


Leaf: TypeAlias = Literal | Whole | Mixed | Broken
Template: TypeAlias = Leaf | ListTemplate | MapTemplate


@dataclass(frozen=True, slots=True)
class Located:
    """A reference together with the scalar it stands in."""

    reference: Reference
    node: Scalar

    def span(self, start: int, end: int) -> Span:
        """Find a stretch of the reference's text in the source."""
        return self.node.part(start, end)


def leaves(template: Template) -> Iterator[Leaf]:
    """Give every leaf, in order."""
    match template:
        case MapTemplate():
            for member in template.members:
                yield from leaves(member.value)
        case ListTemplate():
            for item in template.items:
                yield from leaves(item)
        case _:
            yield template


def members(template: Template) -> Iterator[MemberTemplate]:
    """Give every key of every map, in order."""
    match template:
        case MapTemplate():
            for member in template.members:
                yield member
                yield from members(member.value)
        case ListTemplate():
            for item in template.items:
                yield from members(item)
        case _:
            return


def references_in(template: Template) -> Iterator[Located]:
    """Give every reference, in order."""
    for leaf in leaves(template):
        if isinstance(leaf, Whole):
            yield Located(leaf.reference, leaf.node)
        elif isinstance(leaf, Mixed):
            for piece in leaf.pieces:
                if isinstance(piece, Reference):
                    yield Located(piece, leaf.node)


def known_part(template: Template) -> object:
    """Give the plain value as far as the document says it; UNKNOWN stands for the rest."""
    match template:
        case MapTemplate():
            return {member.name: known_part(member.value) for member in template.members}
        case ListTemplate():
            return [known_part(item) for item in template.items]
        case Literal():
            return template.value
        case _:
            return UNKNOWN


def raw(template: Template) -> Plain:
    """Give the inputs as written, ``.$`` and all, as records show a skipped step (§5.2)."""
    return native(template.node)


def raw_leaf(leaf: Leaf) -> str:
    """Give a leaf as its author wrote it."""
    return str(native(leaf.node))


def key_at(template: Template, path: Path) -> Scalar | None:
    """Find the key that a path ends in, if it ends in one."""
    if not path or not isinstance(path[-1], str):
        return None
    parent = value_at(template, path[:-1])
    member = parent.member(path[-1]) if isinstance(parent, MapTemplate) else None
    return member.key if member else None


def value_at(template: Template, path: Path) -> Template:
    """Find the part a path leads to, or the nearest one above it that the author wrote."""
    for key in path:
        inner = _step_into(template, key)
        if inner is None:
            return template
        template = inner
    return template


def _step_into(template: Template, key: str | int) -> Template | None:
    if isinstance(template, MapTemplate) and isinstance(key, str):
        member = template.member(key)
        return member.value if member else None
    if isinstance(template, ListTemplate) and isinstance(key, int):
        return template.items[key] if key < len(template.items) else None
    return template if key == 0 else None  # a single map where a list of maps may stand
