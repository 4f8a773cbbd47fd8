"""Adds text to the end of a file that is there.

Nothing stands between what the file held and the content; begin the content with a newline if
one is wanted. No byte order mark is added.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import encodings
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What AppendFile takes, for each entry."""

    path: str = field(metadata=about("The file.", length_min=1))
    content: str = field(default="", metadata=about("What to add."))
    encoding: str = field(
        default="utf8",
        metadata=about("Of the content.", pattern=encodings.PATTERN, pattern_says=encodings.SAYS),
    )


def run(inputs: Inputs, guest: Guest) -> None:
    """Add it."""
    content = encodings.encode(inputs.content, inputs.encoding, mark=False)
    guest.script(_APPEND, guest.path(inputs.path), stdin=content)


_APPEND = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
[ -e "$1" ] || fail "the file does not exist: $1"
[ -f "$1" ] || fail "this is not a file: $1"
[ -w "$1" ] || fail "the file cannot be written: $1"
cat >>"$1"
"""

MODULE = Module(
    ModuleSpec(
        name="AppendFile",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
