"""The tokens in names of copies that stand for facts of their build (``api-behaviour.md`` DST-03).

``{{ imagebuilder:buildDate }}``, perhaps with a format behind a further colon, and
``{{ imagebuilder:buildVersion }}``; spaces within the braces are optional.
"""

import re
from dataclasses import dataclass

BUILD_DATE, BUILD_VERSION = "imagebuilder:buildDate", "imagebuilder:buildVersion"

_TOKEN = re.compile(r"\{\{\s*(imagebuilder:build(?:Date|Version))(?::([^{}]+?))?\s*\}\}")


@dataclass(frozen=True, slots=True)
class BuildToken:
    """One token of a text."""

    name: str
    """``BUILD_DATE`` or ``BUILD_VERSION``."""
    format: str | None
    """What stands behind the name's colon, as it was written."""
    start: int
    end: int
    """Where it stands in the text, its braces included."""


def build_tokens(text: str) -> list[BuildToken]:
    """Return the tokens of a text in their order. Other text in braces is none."""
    found = (
        BuildToken(match[1], match[2], match.start(), match.end())
        for match in _TOKEN.finditer(text)
    )
    return [token for token in found if token.format is None or token.name == BUILD_DATE]


def without_tokens(text: str) -> str:
    """Return what a text says beside its tokens."""
    for token in reversed(build_tokens(text)):
        text = text[: token.start] + text[token.end :]
    return text
