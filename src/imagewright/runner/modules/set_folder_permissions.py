"""Sets the permissions of a folder, by default with all it holds, files and folders alike.

Symbolic links within are left alone, and so is what they point at.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import ownership
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetFolderPermissions takes, for each entry."""

    path: str = field(metadata=about("The folder.", length_min=1))
    permissions: str = field(metadata=ownership.permissions("The new ones."))
    recursive: bool = field(default=True, metadata=about("With all it holds."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Set them."""
    ownership.set_folder_mode(guest, inputs.path, inputs.permissions, recursive=inputs.recursive)


MODULE = Module(
    ModuleSpec(
        name="SetFolderPermissions",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
