"""Text with references in braces: ``image {{ $.imagebuilder.imageName }} is ready`` (§5.3).

Braces around anything that does not begin with ``$.`` are left alone; the distribution-style
variables such as ``{{ imagebuilder:buildDate }}`` are for others to expand.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from imagewright.documents.workflow.references import Reference, parse_reference

Pieces: TypeAlias = tuple[str | Reference, ...]

_OPENING: Final = re.compile(r"\{\{\s*(?=\$\.)")


def has_references(text: str) -> bool:
    """Tell whether text holds at least one ``{{ $.… }}``."""
    found = _OPENING.search(text)
    return found is not None and text.find("}}", found.end()) >= 0


def parse_text(text: str) -> Pieces:
    """Cut text into literal pieces and references, none of them empty.

    Raises BadReferenceError for braces that begin a reference and do not hold one. Braces that
    never close are literal.
    """
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[str | Reference]:
    at = 0
    while (found := _OPENING.search(text, at)) is not None:
        closing = text.find("}}", found.end())
        if closing < 0:
            break
        if found.start() > at:
            yield text[at : found.start()]
        yield parse_reference(text, found.end(), closing)
        at = closing + 2
    if at < len(text):
        yield text[at:]
