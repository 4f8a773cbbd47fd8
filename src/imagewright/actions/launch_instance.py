"""Start a machine and wait until commands can be run on it.

A build starts it from the recipe's base image, a test from the image that the build made;
`imageIdOverride` names another, built here or named in the setting `parents`. Of a container
recipe the machine is the container: it has no Docker, and `imageIdOverride` is refused.

What kind of machine it is follows from the infrastructure configuration's instance types, or from
`instanceTypesOverride`, which are tried in order until one launches: a sandbox has this host's
processors, so that a type with other ones, a Mac or a word that is no type cannot be had.

With the health check `STATUS_CHECK_PASSED` the machine is brought up and must run a command, unless
one ran before on the very state it starts from. With `RUNNING` it is brought up by the first step
that works on it, and that step fails if it cannot be.

From step to step the machine keeps its disk, `/tmp` included, and nothing else: processes that a
step leaves in the background, what it writes into `/run` or `/dev/shm`, and a name it gives the
host end with the step. Start what a later step needs in that step.

Rollback does what the infrastructure configuration says: it ends the machine, or keeps it for a
look inside when `terminateInstanceOnFailure` is false.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imagewright.actions.common import HOUR, MINUTE
from imagewright.documents.specs import ActionSpec, Effect, Stage, about
from imagewright.documents.workflow.evaluation import IMAGE_ID
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import Foreseen, Prospect, StepContext


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What to start, and when it counts as started."""

    wait_for: Literal["ssmAgent"] = field(
        metadata=about(
            "What to wait for: that the machine takes commands.", example="waitFor: ssmAgent"
        )
    )
    image_id_override: str | None = field(
        default=None,
        metadata=about(
            "The image to start from.",
            pattern=IMAGE_ID,
            pattern_says="an image id, `ami-` and 8 or 17 hex digits",
        ),
    )
    instance_types_override: list[str] | None = field(
        default=None,
        metadata=about(
            "The instance types to try, in order.",
            length_min=1,
            mistaken_for={
                "instanceType": "write `instanceTypesOverride`, a list, for the types to try",
                "instanceTypes": "write `instanceTypesOverride` for the types to try",
            },
        ),
    )
    health_check: Literal["RUNNING", "STATUS_CHECK_PASSED"] = field(
        default="STATUS_CHECK_PASSED",
        metadata=about("How healthy the machine must be: running, or past its status checks."),
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The machine."""

    instance_id: str = field(metadata=about("The id of the machine."))
    instance_type: str | None = field(
        default=None,
        metadata=about("The instance type it was launched as.", shown=False),
    )


SPEC = ActionSpec(
    name="LaunchInstance",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    timeout_default_seconds=75 * MINUTE,
    timeout_max_seconds=12 * HOUR,
    effect=Effect.STARTS_MACHINE,
    rollback=True,
    built=True,
)


def foresee(inputs: Mapping[str, object], prospect: Prospect) -> Foreseen:
    """Refuse what has no meaning where the machine is the container."""
    if prospect.plan.container is None or not inputs.get("imageIdOverride"):
        return Foreseen()
    why = (
        "imageIdOverride names what a machine that runs Docker starts from; here the machine is "
        "the container itself and starts from the recipe's parentImage, so leave it out"
    )
    return Foreseen(problems=[why])


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Start the machine."""
    infrastructure = context.plan.infrastructure
    launched = context.machines.launch(
        image_id=inputs.image_id_override or context.base_image_id or _made(context),
        plan=context.plan,
        instance_types=inputs.instance_types_override or infrastructure.instance_types,
        token=context.token,
        stop=context.stop,
        log=context.log,
    )
    pass_by(CrashPoint.MACHINE_LAUNCHED)
    if inputs.health_check == "STATUS_CHECK_PASSED":
        context.machines.check_status(launched.instance_id, plan=context.plan, stop=context.stop)
    return Outputs(instance_id=launched.instance_id, instance_type=launched.instance_type)


def _made(context: StepContext) -> str | None:
    """Return the container image that is to be tested; None: the parent image."""
    is_under_test = context.plan.container is not None and context.stage is not Stage.BUILD
    return context.machines.container_image(context.plan) if is_under_test else None


def undo(outputs: Mapping[str, Any] | None, context: StepContext) -> None:
    """End the machine, or keep it where the infrastructure configuration says so (§4.5).

    A launch that was ended half-way may have made one or not.
    """
    instance_id = outputs["instanceId"] if outputs else context.machines.launched(context.token)
    if instance_id is None:
        return
    wishes = context.plan.infrastructure
    if wishes.terminate_on_completion if context.is_cancelled else wishes.terminate_on_failure:
        context.machines.terminate(instance_id, plan=context.plan)
    elif context.machines.keep(instance_id):
        context.log.note(f"The machine {instance_id} is kept for a look inside.")
