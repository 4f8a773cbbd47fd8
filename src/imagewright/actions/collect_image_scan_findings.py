"""Look for known vulnerabilities in what the machine under test has installed.

Scanning must be switched on for the image (`imageScanningConfiguration`), and the server needs a
folder of advisories in the OSV form: the setting `scanning.advisories`. What is found is kept with
the image; `ListImageScanFindings` returns it, and `ListImageScanFindingAggregations` counts it.
Findings do not fail the step.

The event `EC2 Image Builder CVE Detected` tells the numbers, with the machine as `resource-id`, to
the event bus of the setting `aws.event_bus` and to the webhooks of `webhooks.urls`.
"""

from imagewright.actions.common import HOUR, CommandOutputs, OneInstance, command_id
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.events import vulnerabilities_counted
from imagewright.engine.ports import StepContext

SPEC = ActionSpec(
    name="CollectImageScanFindings",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    stages=frozenset({Stage.TEST}),
    timeout_default_seconds=2 * HOUR,
    timeout_max_seconds=12 * HOUR,
    built=True,
)

_WORST_FIRST = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNTRIAGED")


def run(inputs: OneInstance, context: StepContext) -> CommandOutputs:
    """Scan."""
    counts = context.machines.scan(
        inputs.instance_id, plan=context.plan, stop=context.stop, log=context.log
    )
    pass_by(CrashPoint.FINDINGS_RECORDED)
    context.world.events.tell(
        vulnerabilities_counted(
            context.plan,
            context.step,
            instance_id=inputs.instance_id,
            counts=counts,
            at=context.clock.now(),
        )
    )
    found = ", ".join(f"{counts[each]} {each}" for each in _WORST_FIRST if counts.get(each))
    output = f"{sum(counts.values())} vulnerabilities{': ' + found if found else ''}"
    context.log.note(f"Found {output}.")
    return CommandOutputs(run_command_id=command_id(context.token), status="Success", output=output)
