"""The encodings of file modules (``component-documents.md`` §7.0), applied on the host's side."""

import re
from typing import Final

from imagewright.runner.failures import ModuleFailure

PATTERN: Final = r"(?i:utf-?8|utf-?(?:16|32)(?:-(?:le|be))?)"
SAYS: Final = "utf8, utf16 or utf32 (the latter two with -LE or -BE if wanted)"

_MARKS: Final = {
    "utf-8": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\x00\x00",
    "utf-32-be": b"\x00\x00\xfe\xff",
}


def encode(text: str, encoding: str, *, mark: bool = True) -> bytes:
    """Turn text into bytes; ``mark``: utf16 and utf32 without a suffix begin with a BOM (O-11)."""
    codec, suffixed = _codec(encoding)
    begins_with = b"" if suffixed or codec == "utf-8" or not mark else _MARKS[codec]
    return begins_with + text.encode(codec)


def decode(content: bytes, encoding: str) -> str:
    """Turn bytes into text; a BOM is taken off, and decides where there is no suffix (O-11).

    Raises ModuleFailure if the bytes are no such text.
    """
    codec, suffixed = _codec(encoding)
    opposite = codec.replace("-le", "-be")
    if not suffixed and content.startswith(_MARKS[opposite]):
        codec = opposite
    try:
        return content.removeprefix(_MARKS[codec]).decode(codec)
    except UnicodeDecodeError as error:
        raise ModuleFailure(
            f"this is no {encoding} text: {error.reason} at byte {error.start}"
        ) from None


def _codec(encoding: str) -> tuple[str, bool]:
    width, order = re.sub(r"^utf-?", "", encoding.lower()).partition("-")[::2]
    return ("utf-8", True) if width == "8" else (f"utf-{width}-{order or 'le'}", bool(order))
