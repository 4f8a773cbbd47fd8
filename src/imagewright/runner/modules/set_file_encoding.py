"""Turns a file from UTF-8 into another encoding, in its place.

utf16 and utf32 without a suffix get a byte order mark and are little-endian. A file may have
64 MiB.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import encodings
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetFileEncoding takes, for each entry."""

    path: str = field(metadata=about("The file.", length_min=1))
    encoding: str = field(
        default="utf8",
        metadata=about("The one wanted.", pattern=encodings.PATTERN, pattern_says=encodings.SAYS),
    )


def run(inputs: Inputs, guest: Guest) -> None:
    """Convert it; owner and permissions stay."""
    text = encodings.decode(guest.read_file(inputs.path), "utf8")
    converted = encodings.encode(text, inputs.encoding)
    guest.script('cat >"$1"', guest.path(inputs.path), stdin=converted)


MODULE = Module(
    ModuleSpec(
        name="SetFileEncoding",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
