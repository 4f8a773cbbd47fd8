"""End a machine and free what it held.

The step goes on without waiting for the machine's end, unless `waitForTermination` is true.
It has no outputs.
"""

from dataclasses import dataclass, field

from imagewright.actions.common import HOUR, MINUTE
from imagewright.documents.specs import ActionSpec, Effect, about
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import StepContext


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Which machine, and whether to wait."""

    instance_id: str = field(
        metadata=about("The machine to end: the `instanceId` put out by the step that launched it.")
    )
    wait_for_termination: bool = field(
        default=False, metadata=about("Wait until the machine has ended.")
    )


SPEC = ActionSpec(
    name="TerminateInstance",
    page=__doc__,
    inputs=Inputs,
    timeout_default_seconds=30 * MINUTE,
    timeout_max_seconds=12 * HOUR,
    effect=Effect.ENDS_MACHINE,
    built=True,
)


def run(inputs: Inputs, context: StepContext) -> None:
    """End the machine; it is gone at once, waited for or not."""
    context.machines.terminate(inputs.instance_id, plan=context.plan)
    pass_by(CrashPoint.MACHINE_TERMINATED)
