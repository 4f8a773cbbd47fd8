"""Words of an instruction, still with their quotes and escapes."""

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from imagewright.documents.dockerfile.values import WrongValue

NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
"""Finds what no program can be given: NUL, and halves of characters."""


class Word(NamedTuple):
    """A word, and where it stands in its text."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Behind it."""
        return self.start + len(self.text)

    def after(self, length: int) -> "Word":
        """Leave out its first characters, and the blanks that follow them."""
        rest = self.text[length:]
        return Word(rest.lstrip(), self.end - len(rest.lstrip()))


_NO_BLANKS = re.compile(r"\S+")


def at_blanks(whole: Word) -> list[Word]:
    """Cut a text at its blanks, whatever quotes there are."""
    return [
        Word(found[0], whole.start + found.start()) for found in _NO_BLANKS.finditer(whole.text)
    ]


def cut_words(text: str, escape: str = "\\", start: int = 0) -> list[Word] | None:
    """Cut a text at the blanks that stand outside quotes; None if a quote stays open.

    ``start`` is where the text itself stands.
    """
    words: list[Word] = []
    begin: int | None = None
    quote, at = "", 0
    while at < len(text):
        character = text[at]
        if not quote and character.isspace():
            if begin is not None:
                words.append(Word(text[begin:at], start + begin))
            begin = None
        else:
            begin = at if begin is None else begin
            if character == escape and quote != "'":
                at += 1
            elif character == quote:
                quote = ""
            elif not quote and character in "'\"":
                quote = character
        at += 1
    if begin is not None:
        words.append(Word(text[begin:], start + begin))
    return None if quote else words


def unquote(text: str, escape: str = "\\") -> str:
    """Take the quotes and escapes away; variables stay as they are."""
    out: list[str] = []
    quote, at = "", 0
    while at < len(text):
        character = text[at]
        if character == escape and quote != "'" and at + 1 < len(text):
            at += 1
            out.append(text[at])
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        else:
            out.append(character)
        at += 1
    return "".join(out)


def json_words(text: str) -> Sequence[str] | None:
    """Read a JSON array of texts; None if it is no JSON array, which makes it a shell form.

    Raises WrongValue for an array that holds something else, or what is no text: escapes write
    every character.
    """
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(each, str) for each in value):
        raise WrongValue(
            "a JSON array of texts holds something else than texts",
            "put every element in double quotes",
        )
    if any(map(NO_TEXT.search, value)):
        raise WrongValue("a text holds only whole characters, and no NUL", "leave the escape out")
    return tuple(value)
