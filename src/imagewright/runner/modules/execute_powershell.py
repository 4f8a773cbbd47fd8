"""Runs commands, or a script, with PowerShell.

Errors that do not end the script leave the exit code at 0; begin with
``$ErrorActionPreference = 'Stop'``. Exit code 3010 restarts the machine and runs the step again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, Platform, Problem, about
from imagewright.runner.module import Module
from imagewright.runner.modules.execute_bash import Outputs


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


MODULE = Module(
    ModuleSpec(
        name="ExecutePowerShell",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=_one_of_both,
    )
)
