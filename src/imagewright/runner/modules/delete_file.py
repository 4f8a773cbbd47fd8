"""Deletes files.

``*`` in the last part of ``path`` selects several files of one folder, none of its folders.
Where nothing is there to delete, all is well; a path without a star gets a warning. A symbolic
link is deleted itself, never what it points at.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.wildcards import select, walk


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What DeleteFile takes, for each entry."""

    path: str = field(metadata=about("The file, or files.", length_min=1))


def run(inputs: Inputs, guest: Guest) -> None:
    """Delete them."""
    selection = select(guest.path(inputs.path))
    missing = guest.script(
        walk(selection, _DELETE if selection.has_wildcard else _DELETE_ONE),
        selection.folder,
        *selection.pieces,
    )
    if missing:
        guest.warn(f"there is no file to delete: {inputs.path}")


_DELETE = """
    if [ -L "$entry" ] || [ ! -d "$entry" ]; then rm -f "$entry" || exit 1; fi
"""
_DELETE_ONE = """
if [ -d "$entry" ] && [ ! -L "$entry" ]; then
    printf '%s\\n' "this is a folder, not a file: $entry" >&2
    exit 1
fi
if [ -e "$entry" ] || [ -L "$entry" ]; then rm -f "$entry"; else echo missing; fi
"""

MODULE = Module(
    ModuleSpec(
        name="DeleteFile",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
