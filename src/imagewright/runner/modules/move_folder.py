"""Moves folders with all they hold.

``*`` in the last part of ``source`` selects several folders, no files. A destination that ends
with a slash keeps the source's name inside; any other is the folder that the contents go into.
What is there is merged: files of the same name are replaced, others stay.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.transfer import transfer


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What MoveFolder takes, for each entry."""

    source: str = field(metadata=about("The folder, or folders.", length_min=1))
    destination: str = field(metadata=about("Where the contents go.", length_min=1))
    overwrite: bool = field(default=True, metadata=about("Merge into what is there."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Move them."""
    transfer(guest, "move_folder", inputs.source, inputs.destination, overwrite=inputs.overwrite)


MODULE = Module(
    ModuleSpec(
        name="MoveFolder",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
