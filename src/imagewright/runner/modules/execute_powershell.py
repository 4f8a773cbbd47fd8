"""Runs commands, or a script, with PowerShell.

All of ``commands`` is one script, in a fresh folder below ``%TEMP%`` that goes away afterwards;
``file`` is a script of the machine. Both are run by Windows PowerShell with ``-File``.

Errors that do not end the script leave the exit code at 0; begin with
``$ErrorActionPreference = 'Stop'``. Exit code 0 is success; 3010 restarts the machine and runs the
step again; anything else is failure. ``[Environment]::Exit(n)`` sets it for certain.

It was tested against a recording of what it sends to a machine, and not on Windows: no driver of
this release gives a Windows machine, and a component that needs one is refused by name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, Platform, Problem, about
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Finished, Guest
from imagewright.runner.module import Module, RebootNeeded
from imagewright.runner.modules.execute_bash import Outputs
from imagewright.runner.powershell import PROGRAM
from imagewright.runner.windows import REBOOT_EXIT_CODE, Windows, exit_words

_MARK = b"\xef\xbb\xbf"
"""Windows PowerShell reads a script without it in the code page of the machine."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What ExecutePowerShell takes: one of the two."""

    commands: list[str] | None = field(
        default=None, metadata=about("The script, line by line.", length_min=1)
    )
    file: str | None = field(
        default=None,
        metadata=about(
            "A script on the machine.", pattern=r"(?is).*\.ps1", pattern_says="a .ps1 file"
        ),
    )


def _one_of_both(values: Mapping[str, object]) -> Iterator[Problem]:
    if ("commands" in values) == ("file" in values):
        yield Problem("wrong value", (), "it needs either `commands` or `file`")


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Run the file, or write the script, run it and take it away."""
    windows = Windows(guest)
    if inputs.file is not None:
        path = windows.path(inputs.file)
        windows.check_file(path)
        return _outcome(guest.stream((*PROGRAM, "-File", path)))
    script = "\r\n".join(inputs.commands or ()) + "\r\n"
    with windows.folder() as (folder, number):
        path = f"{folder}\\script-{number}.ps1"
        guest.machine.put_file(path, _MARK + script.encode())
        return _outcome(guest.stream((*PROGRAM, "-File", path)))


def _outcome(finished: Finished) -> Outputs:
    """Judge an exit code (§4.5)."""
    if finished.exit_code == REBOOT_EXIT_CODE:
        raise RebootNeeded(runs_again=True)
    if finished.exit_code != 0:
        raise ModuleFailure(
            exit_words(finished),
            exit_code=finished.exit_code,
            outputs={"stdout": finished.stdout},
        )
    return Outputs(stdout=finished.stdout)


MODULE = Module(
    ModuleSpec(
        name="ExecutePowerShell",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=_one_of_both,
        built=True,
    ),
    run,
)
