"""Make an image of the machine as it is now.

The machine must be running when the step starts. The image gets its name and tags from the
distribution configuration and the recipe.

Its disk is the snapshot with the same digits: that of `ami-0123456789abcdef0` is
`snap-0123456789abcdef0`, of which `RegisterImage` makes another image.

A build workflow for an AMI hands the image on through an output of the document that is called
exactly `ImageId`.
"""

from dataclasses import dataclass, field

from imagewright.actions.common import DAY, HOUR, OneInstance
from imagewright.documents.specs import ActionSpec, Effect, ImageType, about
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import StepContext


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The image."""

    image_id: str = field(metadata=about("The id of the image, `ami-` and 17 hex digits."))


SPEC = ActionSpec(
    name="CreateImage",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=12 * HOUR,
    timeout_max_seconds=3 * DAY,
    effect=Effect.MAKES_IMAGE,
    built=True,
)


def run(inputs: OneInstance, context: StepContext) -> Outputs:
    """Make the image."""
    image_id = context.machines.make_image(
        inputs.instance_id, plan=context.plan, token=context.token
    )
    pass_by(CrashPoint.IMAGE_RECORDED)
    return Outputs(image_id=image_id)
