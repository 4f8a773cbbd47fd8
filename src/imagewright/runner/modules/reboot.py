"""Restarts the machine; the run goes on with the next step.

The step's time-out does not apply. On the sandbox every process ends and the disk stays.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, Platform, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module, RebootNeeded


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What Reboot takes."""

    delay_seconds: int = field(
        default=0,
        metadata=about("How long to wait before.", whole_min=0, whole_max=604_800),
    )


def run(inputs: Inputs, guest: Guest) -> None:
    """Wait, and ask for it."""
    guest.pause(inputs.delay_seconds)
    raise RebootNeeded(runs_again=False)


MODULE = Module(
    ModuleSpec(
        name="Reboot",
        page=__doc__,
        inputs=Inputs,
        inputs_optional=True,
        platforms=frozenset({Platform.LINUX, Platform.WINDOWS}),
        built=True,
    ),
    run,
)
