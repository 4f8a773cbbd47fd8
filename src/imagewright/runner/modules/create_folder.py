"""Makes a folder, and those on the way to it.

A folder that is there keeps what it holds and gets the owner and permissions given; with
``overwrite`` false it is an error. Owner and permissions are those of the last folder only.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import ownership
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What CreateFolder takes, for each entry."""

    path: str = field(metadata=about("The folder.", length_min=1))
    owner: str | None = field(default=None, metadata=ownership.account("Not on Windows."))
    group: str | None = field(default=None, metadata=ownership.account("Not on Windows."))
    permissions: str | None = field(
        default=None, metadata=ownership.permissions("By default 0777 less umask.")
    )
    overwrite: bool = field(default=True, metadata=about("Let the folder be there already."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Make it."""
    path = guest.path(inputs.path)
    found = guest.script(_MAKE, path.rstrip("/") or "/", "yes" if inputs.overwrite else "no")
    if found:
        guest.tell(f"the folder exists and keeps what it holds: {inputs.path}")
    ownership.apply(guest, path, owner=inputs.owner, group=inputs.group, mode=inputs.permissions)


_MAKE = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
if [ -d "$1" ]; then
    [ "$2" = yes ] || fail "the folder exists and overwrite is false: $1"
    echo found
    exit
fi
if [ -e "$1" ] || [ -L "$1" ]; then fail "something else of that name exists: $1"; fi
mkdir -p "$1"
"""

MODULE = Module(
    ModuleSpec(
        name="CreateFolder",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
