"""Sets the permissions of a file, as ``chmod`` does."""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import ownership
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetFilePermissions takes, for each entry."""

    path: str = field(metadata=about("The file.", length_min=1))
    permissions: str = field(metadata=ownership.permissions("The new ones."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Set them."""
    ownership.set_file_mode(guest, inputs.path, inputs.permissions)


MODULE = Module(
    ModuleSpec(
        name="SetFilePermissions",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
