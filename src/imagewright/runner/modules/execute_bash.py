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
from contextlib import suppress
from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, Platform, about
from imagewright.runner.culprit import culprit, prelude
from imagewright.runner.failures import ModuleFailure, exit_message
from imagewright.runner.guest import Finished, Guest
from imagewright.runner.module import Module, RebootNeeded

REBOOT_EXIT_CODE = 194
_NOT_FOUND = 127
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
    """Write the script, run it, take it away."""
    number = secrets.randbelow(9 * 10**8) + 10**8
    script = "\n".join(inputs.commands) + "\n"
    folder = f"{_place(script, guest)}/AWSTOE{number}"
    file = f"{folder}/script-{number}.sh"
    argv = ("bash", "-c", _RUN, "imagewright", folder, file, prelude(f"{folder}/where"))
    where, ended = "", False
    try:
        finished = guest.stream(argv, shown=("bash", file), stdin=script.encode())
        if finished.exit_code not in {0, REBOOT_EXIT_CODE}:
            with suppress(ModuleFailure):  # the machine is broken; its failure is told all the same
                # A quoted command may be cut: what is secret goes before.
                hide = guest.environment.secrets.mask
                noted = hide(guest.script(_WHERE, folder))
                where = culprit(noted, hide(script), finished.exit_code)
        ended = True
    finally:
        if not ended:
            _clear(guest, folder)
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


def _clear(guest: Guest, folder: str) -> None:
    """Take the folder away after the script was killed together with the shell around it."""
    guest.clean_up('rm -rf "$1"', folder)


_RUN = """
[ -d "${1%/*}" ] || mkdir -p "${1%/*}"
mkdir -m 700 "$1" && cat >"$2" || exit 1
printf %s "$3" >"$1/before"
BASH_ENV=$1/before bash "$2" </dev/null
code=$?
[ -s "$1/where" ] || rm -rf "$1"
exit "$code"
"""

_WHERE = """
[ ! -f "$1/where" ] || cat "$1/where"
rm -rf "$1"
"""

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
