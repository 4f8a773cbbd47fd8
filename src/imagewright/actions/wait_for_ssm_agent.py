"""Wait until a machine takes commands again, after a reboot for one.

The machine is `Online` once it has run a command to its end; until then it is asked again and
again. A machine that has ended will never answer, so that the step fails at once.
"""

from dataclasses import dataclass, field
from typing import Final

from imagewright.actions.common import HOUR, MINUTE, OneInstance
from imagewright.documents.specs import ActionSpec, about
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import NoAnswer, StepContext


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """How the machine is reached."""

    status: str = field(metadata=about("The state of the connection, `Online`."))


SPEC = ActionSpec(
    name="WaitForSSMAgent",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    timeout_default_seconds=HOUR,
    timeout_max_seconds=180 * MINUTE,
    built=True,
)

_PAUSE_SECONDS: Final = 1.0
"""Before it is asked a second time; each further pause is twice as long."""
_PAUSE_SECONDS_MAX: Final = 30.0


def run(inputs: OneInstance, context: StepContext) -> Outputs:
    """Ask the machine until it answers."""
    pause, told = _PAUSE_SECONDS, ""
    while True:
        try:
            context.machines.ask(inputs.instance_id, plan=context.plan, stop=context.stop)
        except NoAnswer as silence:
            if str(silence) != told:
                told = str(silence)
                context.log.note(f"Not yet Online: {told}")
            if context.stop.wait(pause):
                raise
            pause = min(2 * pause, _PAUSE_SECONDS_MAX)
        else:
            pass_by(CrashPoint.MACHINE_ANSWERED)
            return Outputs(status="Online")
