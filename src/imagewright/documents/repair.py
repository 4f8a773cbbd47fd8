"""Making the obvious repairs of a document: what ``imagewright validate --fix`` stands on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imagewright.documents.edits import Edit, apply
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
    mark. A repaired document repairs to itself.
    """
    result = check(content)
    made: list[Edit] = []
    for _ in range(ROUNDS_MAX):
        edits = [edit for finding in result.findings for edit in finding.edits]
        if not edits or len(content) > SIZE_BYTES_MAX:
            break
        mark = _MARK if result.text.startswith(_MARK) else ""
        text, changes = apply(result.text.removeprefix(_MARK), edits)
        if not changes:
            break
        content = f"{mark}{text}".encode()
        made += changes
        result = check(content)
    return Repaired(content, tuple(made), result)
