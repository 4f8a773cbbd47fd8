"""Gives a file to a user.

Without ``group``, it goes to the user's own group; a number that belongs to no user has none, and
the file keeps its group. On a symbolic link it is the file behind it that changes hands.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner import ownership
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetFileOwner takes, for each entry."""

    path: str = field(metadata=about("The file.", length_min=1))
    owner: str = field(metadata=ownership.account("The user."))
    group: str | None = field(default=None, metadata=ownership.account("The group."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Change it."""
    ownership.give_file(guest, inputs.path, inputs.owner, inputs.group)


MODULE = Module(
    ModuleSpec(
        name="SetFileOwner",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
)
