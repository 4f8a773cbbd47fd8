"""Templates to values: what a step's inputs come to at the moment it starts (§5.6)."""

from typing import Final

from imagewright.documents.nodes import Plain, Scalar
from imagewright.documents.places import Span
from imagewright.documents.workflow.references import Reference
from imagewright.documents.workflow.scope import Scope, UnresolvedError, as_text
from imagewright.documents.workflow.templates import (
    Broken,
    ListTemplate,
    Literal,
    MapTemplate,
    Mixed,
    Template,
    Whole,
)

TEXT_CHARACTERS_MAX: Final = 1 << 20
"""A few references to a long output must not grow into gigabytes."""


class ResolveError(Exception):
    """A reference that finds nothing, or a value that cannot serve; knows its place."""

    def __init__(self, message: str, span: Span, fix: str = "") -> None:
        self.message = message
        self.span = span
        self.fix = fix
        super().__init__(message, span, fix)

    def __str__(self) -> str:
        """The message, its place and the way out, in one line."""
        line, column, _ = self.span.start
        place = f"{self.message} (line {line}, column {column})"
        return f"{place}; {self.fix}" if self.fix else place


def resolve(template: Template, scope: Scope) -> Plain:
    """Give a template's value; keys lose their ``.$``. Raises ResolveError."""
    match template:
        case MapTemplate():
            return {member.name: resolve(member.value, scope) for member in template.members}
        case ListTemplate():
            return [resolve(item, scope) for item in template.items]
        case Literal():
            return template.value
        case Whole():
            return _lookup(template.reference, template.node, scope)
        case Mixed():
            return _join(template, scope)
        case Broken():
            raise ResolveError("this is no reference", template.span)


def _join(template: Mixed, scope: Scope) -> str:
    pieces: list[str] = []
    room = TEXT_CHARACTERS_MAX
    for piece in template.pieces:
        pieces.append(_piece(piece, template.node, scope))
        room -= len(pieces[-1])
        if room < 0:
            message = f"this text comes to more than {TEXT_CHARACTERS_MAX:,} characters"
            raise ResolveError(message, template.span)
    return "".join(pieces)


def _piece(piece: str | Reference, node: Scalar, scope: Scope) -> str:
    return piece if isinstance(piece, str) else as_text(_lookup(piece, node, scope))


def _lookup(reference: Reference, node: Scalar, scope: Scope) -> Plain:
    try:
        return scope.lookup(reference)
    except UnresolvedError as error:
        span = node.part(error.start, error.end)
        raise ResolveError(error.message, span, error.fix) from None
