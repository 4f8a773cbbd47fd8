"""Deletes a folder.

A folder that holds something is deleted only with ``force``; with it, a file is deleted too. A
folder that is not there is an error. A symbolic link is deleted itself, never what it points at.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What DeleteFolder takes, for each entry."""

    path: str = field(metadata=about("The folder.", length_min=1))
    force: bool = field(default=False, metadata=about("Delete what it holds as well."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Delete it."""
    path = guest.path(inputs.path).rstrip("/")
    if path.rpartition("/")[2] in ("", ".", ".."):
        raise ModuleFailure(f"the folder must be called by its name: {inputs.path}")
    guest.script(_DELETE, path, "yes" if inputs.force else "no")


_DELETE = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
if [ -L "$1" ]; then rm -f "$1"; exit; fi
[ -e "$1" ] || fail "the folder does not exist: $1"
if [ "$2" = yes ]; then rm -rf "$1"; exit; fi
[ -d "$1" ] || fail "this is a file, not a folder: $1"
for entry in "$1"/* "$1"/.*; do
    case ${entry##*/} in .|..) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then
        fail "the folder is not empty and force is false: $1"
    fi
done
rmdir "$1"
"""

MODULE = Module(
    ModuleSpec(
        name="DeleteFolder",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
