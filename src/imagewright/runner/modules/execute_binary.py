"""Runs a program.

No shell is involved: the arguments reach the program as they are written. ``path`` may also be
the bare name of a program on the machine's PATH. Exit code 0 is success; 194 restarts the
machine and runs the step again; anything else is failure.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, about
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.modules.execute_bash import Outputs, outcome


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What ExecuteBinary takes."""

    path: str = field(metadata=about("The program, or its bare name.", length_min=1))
    arguments: list[str] = field(
        default_factory=list, metadata=about("What it is given, word by word.")
    )


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Run it."""
    program = guest.path(inputs.path) if "/" in inputs.path else inputs.path
    if "/" in program:
        _check(program, guest)
    elif not guest.has(program):
        raise ModuleFailure(f"the machine has no program `{program}` on its PATH")
    return outcome(guest.stream((program, *inputs.arguments)))


def _check(program: str, guest: Guest) -> None:
    if not guest.file_exists(program):
        raise ModuleFailure(f"the program does not exist: {program}")
    guest.script('[ -x "$1" ] || { echo "this cannot be executed: $1" >&2; exit 1; }', program)


MODULE = Module(
    ModuleSpec(name="ExecuteBinary", page=__doc__, inputs=Inputs, outputs=Outputs, built=True),
    run,
)
