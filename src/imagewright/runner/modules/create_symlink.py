"""Makes a symbolic link.

``path`` is the link, ``target`` what it points at, which must be there. A target that is not
absolute is meant from the link's folder, as links are. Folders on the way to the link are made.
``force`` replaces a link of that name; anything else of that name is always an error.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What CreateSymlink takes, for each entry."""

    path: str = field(metadata=about("The link.", length_min=1))
    target: str = field(metadata=about("What it points at.", length_min=1))
    force: bool = field(default=False, metadata=about("Replace a link of that name."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Make it."""
    path = guest.path(inputs.path)
    if path.endswith("/"):
        raise ModuleFailure(f"the path names a folder, not a link: {inputs.path}")
    guest.path(inputs.target)
    guest.script(_LINK, path, inputs.target, "yes" if inputs.force else "no")


_LINK = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
if [ -L "$1" ]; then
    [ "$3" = yes ] || fail "the link exists and force is false: $1"
elif [ -e "$1" ]; then
    fail "something that is no link has that name: $1"
fi
folder=${1%/*}/
case $2 in /*) meant=$2 ;; *) meant=$folder$2 ;; esac
mkdir -p "$folder" || exit 1
[ -e "$meant" ] || fail "the target does not exist: $2"
rm -f "$1" && ln -s -- "$2" "$1"
"""

MODULE = Module(
    ModuleSpec(
        name="CreateSymlink",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
