"""JSON where YAML reads it otherwise: characters beyond U+FFFF, written as two escapes.

JSON spells an emoji ``\\ud83d\\ude00``, and so do the programs that write JSON in ASCII alone;
to YAML each half is an escape that stands for nothing. (``workflow-documents.md`` §1.1.)
"""

import json
import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def has_pairs(text: str) -> bool:
    """Tell whether a text is JSON and spells characters by two escapes."""
    if not any(found.group(1) for found in _ESCAPE.finditer(text)):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def without_pairs(text: str) -> str:
    """Put escapes that YAML can read in place of the pairs; nothing else moves or changes."""
    return _ESCAPE.sub(_stand_in, text)


def read_string(raw: str) -> str | None:
    """Return what a JSON string with pairs says; None where it has none."""
    if not any(found.group(1) for found in _ESCAPE.finditer(raw)):
        return None
    return str(json.loads(raw))


def _stand_in(found: re.Match[str]) -> str:
    return r"\ufffd\ufffd" if found.group(1) else found.group()
