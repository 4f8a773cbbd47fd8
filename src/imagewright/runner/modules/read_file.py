"""Reads a text file, for other steps to use.

Symbolic links are followed. A byte order mark is taken off. The content reaches the log only
with ``printFileContent``. A file may have 1 MiB.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import encodings
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module

SIZE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What ReadFile takes, for each entry."""

    path: str = field(metadata=about("The file.", length_min=1))
    encoding: str = field(
        default="utf8",
        metadata=about("Of the file.", pattern=encodings.PATTERN, pattern_says=encodings.SAYS),
    )
    print_file_content: bool = field(default=False, metadata=about("Show it in the log."))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What ReadFile gives."""

    content: str = field(metadata=about("What the file holds."))


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Read it."""
    content = guest.read_file(inputs.path, size_bytes_max=SIZE_BYTES_MAX)
    text = encodings.decode(content, inputs.encoding)
    if inputs.print_file_content:
        guest.tell(text)
    return Outputs(content=text)


MODULE = Module(
    ModuleSpec(
        name="ReadFile",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
