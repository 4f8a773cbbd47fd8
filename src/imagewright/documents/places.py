"""Places in a text: what every node and every finding carries."""

import re
from typing import NamedTuple


class Position(NamedTuple):
    """One point in a text; compares by where it stands."""

    line: int
    """From 1. A line ends where YAML says so: LF, CR, CRLF, NEL, LS or PS."""
    column: int
    """From 1, in characters."""
    offset: int
    """From 0, in characters; a byte order mark in front does not count."""


class Span(NamedTuple):
    """A stretch of text from ``start`` up to, and without, ``end``."""

    start: Position
    end: Position


START = Position(1, 1, 0)
EMPTY = Span(START, START)
"""The very beginning: the place of what concerns a document as a whole."""

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What YAML 1.1 takes for the end of a line."""


def split_lines(text: str) -> list[str]:
    """Cut a text into lines as positions count them, without their ends."""
    return LINE_BREAK.split(text.removeprefix("\ufeff"))
