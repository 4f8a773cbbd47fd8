"""Copies folders with all they hold.

``*`` in the last part of ``source`` selects several folders, no files. A destination that ends
with a slash keeps the source's name inside; any other is the folder that the contents go into.
What is there is merged: files of the same name are replaced, others stay. Symbolic links are
copied as links.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.transfer import transfer


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What CopyFolder takes, for each entry."""

    source: str = field(metadata=about("The folder, or folders.", length_min=1))
    destination: str = field(metadata=about("Where the contents go.", length_min=1))
    overwrite: bool = field(default=True, metadata=about("Merge into what is there."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Copy them."""
    transfer(guest, "copy_folder", inputs.source, inputs.destination, overwrite=inputs.overwrite)


MODULE = Module(
    ModuleSpec(
        name="CopyFolder",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
