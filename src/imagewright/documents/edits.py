"""Edits: how a finding's one obvious repair changes the text, and nothing else of it.

An edit says what it expects at its place. Where that is not what stands there (a folded block, an
escape, the value behind an alias), it changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from imagewright.documents.places import Span

_QUOTES = ("'", '"')


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``new`` in place of ``old``, which stands at ``span``, in quotes or without."""

    span: Span
    old: str
    new: str
    about: str = field(default="", compare=False)
    """What it does, for a person: ``write `Launch` for `Lanch```."""

    def __str__(self) -> str:
        """Say what it does."""
        return self.about or f"write `{self.new}` for `{self.old}`"


def replacing(span: Span, old: str, new: str | None) -> tuple[Edit, ...]:
    """Make the edit that puts one name in place of another; none where no name was meant."""
    return (Edit(span, old, new),) if new and new != old else ()


def apply(text: str, edits: Iterable[Edit]) -> tuple[str, tuple[Edit, ...]]:
    """Make the edits that fit the text; return it with the edits that were made, in order.

    ``text`` is without byte order mark, as spans count. Of edits that overlap, the first is made.
    """
    line_end = "\r\n" if "\r\n" in text else "\n"
    made: list[Edit] = []
    parts: list[str] = []
    at = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda edit: edit.span):
        place = _place(text, edit)
        if place is None or place[0] < at:
            continue
        start, end = place
        parts += [text[at:start], edit.new.replace("\n", line_end)]
        made.append(edit)
        at = end
    return "".join([*parts, text[at:]]), tuple(made)


def _place(text: str, edit: Edit) -> tuple[int, int] | None:
    start, end = edit.span.start.offset, edit.span.end.offset
    found = text[start:end]
    if found == edit.old:
        return start, end
    quoted = len(found) >= 2 and found[0] == found[-1] and found[0] in _QUOTES
    if quoted and found[1:-1] == edit.old:
        return start + 1, end - 1
    return None
