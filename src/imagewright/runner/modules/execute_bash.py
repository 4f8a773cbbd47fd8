"""Runs commands with bash.

All of ``commands`` is one script, so a variable, a function or a ``cd`` carries over from one
entry to the next, and ``set -e`` in the first holds for all. Without it, the exit code of the
last command decides. The script lies in a fresh folder below ``/tmp`` that goes away afterwards,
or below ``/dev/shm`` where it holds a secret parameter, and needs no permission to execute there.
It reads nothing on standard input. Of shells, bash alone is needed.

Exit code 0 is success; 194 restarts the machine and runs the step again from its beginning, so
leave a mark for the second time; anything else is failure. The failure names the command that
the script ended with, and its line. A script that prints ``{"failureMessage": "…"}`` as its last
line before it fails says why in its own words instead.
"""

import secrets
from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, Platform, about
from imagewright.machines.machine import Scratch
from imagewright.runner.culprit import culprit, prelude
from imagewright.runner.failures import ModuleFailure, exit_message
from imagewright.runner.guest import Finished, Guest
from imagewright.runner.module import Module, RebootNeeded

REBOOT_EXIT_CODE = 194
_NOT_FOUND = 127
_BEFORE, _NOTE = "before", "where"
_IN_MEMORY = "/dev/shm"  # noqa: S108  (likewise)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What ExecuteBash takes."""

    commands: list[str] = field(metadata=about("The script, line by line.", length_min=1))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What ExecuteBash gives."""

    stdout: str = field(metadata=about("All the script printed, without line ends at its end."))


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Run the script from a folder that is there for as long as it runs."""
    number = secrets.randbelow(9 * 10**8) + 10**8
    script = "\n".join(inputs.commands) + "\n"
    folder, name = f"{_place(script, guest)}/AWSTOE{number}", f"script-{number}.sh"
    files = {name: script, _BEFORE: prelude(f"{folder}/{_NOTE}")}
    finished = guest.stream(
        ("bash", f"{folder}/{name}"),
        scratch=Scratch(folder=folder, files=files, note=_NOTE),
        variables={"BASH_ENV": f"{folder}/{_BEFORE}"},
    )
    # A quoted command may be cut: what is secret goes before.
    hide = guest.environment.secrets.mask
    where = culprit(hide(finished.note), hide(script), finished.exit_code)
    if finished.exit_code == _NOT_FOUND and not guest.has("bash"):
        raise ModuleFailure("the machine has no bash; install it in an earlier component or base")
    return outcome(finished, where)


def _place(script: str, guest: Guest) -> str:
    """Choose where the script lies: with a secret in it, where no disk and no layer is."""
    if guest.environment.secrets.are_in(script) and guest.folder_exists(_IN_MEMORY):
        return _IN_MEMORY
    return "/tmp"  # noqa: S108  (of the machine; the folder is made anew, for root alone)


def outcome(finished: Finished, where: str = "") -> Outputs:
    """Judge an exit code (§4.5); ``where`` says at which command the script ended."""
    if finished.exit_code == REBOOT_EXIT_CODE:
        raise RebootNeeded(runs_again=True)
    if finished.exit_code != 0:
        raise ModuleFailure(
            exit_message(finished.exit_code, finished.stdout, where),
            exit_code=finished.exit_code,
            outputs={"stdout": finished.stdout},
        )
    return Outputs(stdout=finished.stdout)


MODULE = Module(
    ModuleSpec(
        name="ExecuteBash",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.LINUX, Platform.MACOS}),
        built=True,
    ),
    run,
)
