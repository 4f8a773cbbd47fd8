"""Bytes that should be text in UTF-8, and where they are none."""

from imagewright.documents.places import Position, split_lines


class NoText(ValueError):
    """Bytes are no text in UTF-8; the message says where they stop being it."""


def decode(content: bytes) -> str:
    """Return the text, without a byte order mark. Raises NoText."""
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        place = place_of_byte(content, error.start)
        raise NoText(
            f"the byte 0x{content[error.start]:02X} at line {place.line}, column {place.column} "
            "is not UTF-8"
        ) from None


def place_of_byte(content: bytes, at: int) -> Position:
    """Say where a byte stands; those before it are text."""
    before = content[:at].decode("utf-8-sig")
    lines = split_lines(before)
    return Position(len(lines), len(lines[-1]) + 1, len(before))
