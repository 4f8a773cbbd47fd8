"""Runs commands with bash.

All of ``commands`` is one script, so a variable, a function or a ``cd`` carries over from one
entry to the next, and ``set -e`` in the first holds for all. Without it, the exit code of the
last command decides. The script lies in a fresh folder below ``/tmp`` that goes away afterwards,
and needs no permission to execute there. It reads nothing on standard input. Of shells, bash
alone is needed.

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
    folder = f"/tmp/AWSTOE{number}"  # noqa: S108  (of the machine; made anew, for root alone)
    script = "\n".join(inputs.commands) + "\n"
    file = f"{folder}/script-{number}.sh"
    argv = ("bash", "-c", _RUN, "imagewright", folder, file, prelude(f"{folder}/where"))
    where, ended = "", False
    try:
        finished = guest.stream(argv, shown=("bash", file), stdin=script.encode())
        if finished.exit_code not in {0, REBOOT_EXIT_CODE}:
            with suppress(ModuleFailure):  # the machine is broken; its failure is told all the same
                where = culprit(guest.script(_WHERE, folder), script, finished.exit_code)
        ended = True
    finally:
        if not ended:
            _clear(guest, folder)
    if finished.exit_code == _NOT_FOUND and not guest.has("bash"):
        raise ModuleFailure("the machine has no bash; install it in an earlier component or base")
    return outcome(finished, where)


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
