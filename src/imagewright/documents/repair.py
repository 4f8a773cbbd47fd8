"""Making the obvious repairs of a document: what ``imagewright validate --fix`` stands on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imagewright.documents.edits import Edit, apply
from imagewright.documents.syntax import DuplicateKey
from imagewright.documents.validation import SIZE_BYTES_MAX, Validated

ROUNDS_MAX: Final = 20
"""A repair may bring to light what another one mends; a text that never settles is left there."""

_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of a file's content."""

    content: bytes
    edits: tuple[Edit, ...]
    """What was changed, in the order in which it was; places count at the moment of the change."""
    result: Validated
    """What is found in the content now."""


def repair(content: bytes, check: Callable[[bytes], Validated]) -> Repaired:
    """Make the repairs that findings name, check again, and go on until there are none.

    Whatever no edit names stays as it is, byte for byte: comments, layout, line ends, a byte order
    mark. A repaired document repairs to itself. Two keys of one map that each are surely the same
    third one stay as they are: which of them was meant, only the author knows.
    """
    result = check(content)
    made: list[Edit] = []
    left: set[str] = set()
    for _ in range(ROUNDS_MAX):
        edits = [
            edit for finding in result.findings for edit in finding.edits if edit.new not in left
        ]
        if not edits or len(content) > SIZE_BYTES_MAX:
            break
        mark = _MARK if result.text.startswith(_MARK) else ""
        text, changes = apply(result.text.removeprefix(_MARK), edits)
        if not changes:
            break
        fresh = f"{mark}{text}".encode()
        mended = check(fresh)
        twice = {edit.new for edit in changes} & (_twice(mended) - _twice(result))
        if twice:
            left |= twice
            continue
        content, result = fresh, mended
        made += changes
    return Repaired(content, tuple(made), result)


def _twice(checked: Validated) -> set[str]:
    """Name the keys that a map has twice."""
    text = checked.text.removeprefix(_MARK)
    spans = [each.span for each in checked.findings if each.code == DuplicateKey.code]
    return {text[span.start.offset : span.end.offset].strip("\"'") for span in spans}
