"""Gives a folder to a user, by default with all it holds.

Without ``group``, it goes to the user's own group. Symbolic links within change hands
themselves, never what they point at.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import ownership
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetFolderOwner takes, for each entry."""

    path: str = field(metadata=about("The folder.", length_min=1))
    owner: str = field(metadata=ownership.account("The user."))
    group: str | None = field(default=None, metadata=ownership.account("The group."))
    recursive: bool = field(default=True, metadata=about("With all it holds."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Change it."""
    ownership.give_folder(
        guest, inputs.path, inputs.owner, inputs.group, recursive=inputs.recursive
    )


MODULE = Module(
    ModuleSpec(
        name="SetFolderOwner",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
