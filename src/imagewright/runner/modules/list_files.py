"""Lists the files of a folder.

The paths are those of the folder as given with the files' names behind, in the order of their
bytes, with commas between. Folders are not listed; with ``recursive`` the files within them are.
Symbolic links to folders are not followed.
"""

import posixpath
import re
from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What ListFiles takes, for each entry."""

    path: str = field(metadata=about("The folder.", length_min=1))
    file_name_pattern: str | None = field(
        default=None, metadata=about("Of the files wanted; `*` stands for any characters.")
    )
    recursive: bool = field(default=False, metadata=about("Look into the folders within."))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What ListFiles gives."""

    files: str = field(metadata=about("The paths, with commas between."))


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """List them."""
    folder = guest.path(inputs.path).rstrip("/")
    deep = "yes" if inputs.recursive else "no"
    # A name may hold a line end, so each ends in NUL as well.
    found = (guest.script(_LIST, folder, deep) + "\n").split("\0\n")[:-1]
    wanted = _matcher(inputs.file_name_pattern or "*")
    paths = [
        inputs.path.rstrip("/") + path.removeprefix(folder)
        for path in found
        if wanted.fullmatch(posixpath.basename(path))
    ]
    return Outputs(files=",".join(sorted(paths, key=lambda path: path.encode())))


def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in pattern.split("*")), re.DOTALL)


_LIST = """
list() {
    for entry in "$1"/* "$1"/.*; do
        case ${entry##*/} in .|..) continue ;; esac
        if [ -f "$entry" ]; then
            printf '%s\\0\\n' "$entry"
        elif [ "$2" = yes ] && [ -d "$entry" ] && [ ! -L "$entry" ]; then
            (list "$entry" yes) || return 1
        fi
    done
}
if [ ! -d "$1/" ]; then
    printf '%s\\n' "the folder does not exist: $1/" >&2
    exit 1
fi
list "$1" "$2"
"""

MODULE = Module(
    ModuleSpec(
        name="ListFiles",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        input_shape=InputShape.LIST,
        outputs_joined_by=",",
        built=True,
    ),
    run,
)
