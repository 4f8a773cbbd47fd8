"""Copies files.

``*`` in the last part of ``source`` selects several files of one folder, none of its folders.
A destination that ends with a slash, or is a folder, keeps the source's name inside; any other
is the new name. Folders on the way are made. A symbolic link is copied as the file behind it.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.transfer import transfer


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What CopyFile takes, for each entry."""

    source: str = field(metadata=about("The file, or files.", length_min=1))
    destination: str = field(metadata=about("A folder, or the new name.", length_min=1))
    overwrite: bool = field(default=True, metadata=about("Replace what is there."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Copy them."""
    transfer(guest, "copy_file", inputs.source, inputs.destination, overwrite=inputs.overwrite)


MODULE = Module(
    ModuleSpec(
        name="CopyFile",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
