"""Writes a file.

The content is written as it stands: no newline is added, no backslash means anything. Folders
on the way are made. A file that is there is emptied first, keeping its owner and permissions,
unless ``overwrite`` is false, which makes it an error.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import encodings, ownership
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What CreateFile takes, for each entry."""

    path: str = field(metadata=about("The file.", length_min=1))
    content: str = field(default="", metadata=about("What to write."))
    encoding: str = field(
        default="utf8",
        metadata=about("Of the content.", pattern=encodings.PATTERN, pattern_says=encodings.SAYS),
    )
    owner: str | None = field(default=None, metadata=ownership.account("Not on Windows."))
    group: str | None = field(default=None, metadata=ownership.account("Not on Windows."))
    permissions: str | None = field(
        default=None, metadata=ownership.permissions("By default 0666 less umask.")
    )
    overwrite: bool = field(default=True, metadata=about("Replace what a file holds."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Write it; with permissions given, nobody else ever sees the content."""
    path = guest.path(inputs.path)
    content = encodings.encode(inputs.content, inputs.encoding)
    replace = "yes" if inputs.overwrite else "no"
    private = "no" if inputs.permissions is None else "yes"
    guest.script(_WRITE, path, replace, private, stdin=content)
    ownership.apply(guest, path, owner=inputs.owner, group=inputs.group, mode=inputs.permissions)


_WRITE = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
case $1 in */) fail "the path names a folder, not a file: $1" ;; esac
[ ! -d "$1" ] || fail "a folder of that name exists: $1"
[ ! -p "$1" ] || fail "a named pipe of that name exists: $1"
if [ "$2" = no ] && { [ -e "$1" ] || [ -L "$1" ]; }; then
    fail "the file exists and overwrite is false: $1"
fi
[ -d "${1%/*}/" ] || mkdir -p "${1%/*}/" || exit 1
[ "$3" = no ] || umask 077
cat >"$1"
"""

MODULE = Module(
    ModuleSpec(
        name="CreateFile",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
