"""Runs a program.

No shell is involved: the arguments reach the program as they are written. ``path`` may also be
the bare name of a program on the machine's PATH. Exit code 0 is success; 194 restarts the
machine and runs the step again; anything else is failure.

What a program is given, everyone sees who may list the processes of the host, or of the machine,
while it runs. A secret parameter is masked in the log, and not there: hand it to a script of
ExecuteBash, which lies where only root can read it.
"""

from collections.abc import Sequence
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
    finished = guest.stream((program, *inputs.arguments))
    if finished.exit_code != 0 and (reason := _why_not_started(program, guest.last_lines)):
        raise ModuleFailure(reason, exit_code=finished.exit_code)
    return outcome(finished)


def _check(program: str, guest: Guest) -> None:
    if not guest.file_exists(program):
        raise ModuleFailure(f"the program does not exist: {program}")
    guest.script(_IS_EXECUTABLE, program)


def _why_not_started(program: str, last_lines: Sequence[str]) -> str | None:
    """Explain what the kernel says of a program that is there and may be executed."""
    match last_lines:
        case [line] if line == f"{program}: No such file or directory":
            return "what runs it, by its `#!` line or as its loader, is not on the machine"
        case [line] if line == f"{program}: Exec format error":
            return "it is no program for this machine, and no script that begins with `#!`"
        case _:
            return None


_IS_EXECUTABLE = """
[ -x "$1" ] && exit
echo "the program may not be executed, for want of permissions such as 0755: $1" >&2
exit 1
"""

MODULE = Module(
    ModuleSpec(name="ExecuteBinary", page=__doc__, inputs=Inputs, outputs=Outputs, built=True),
    run,
)
