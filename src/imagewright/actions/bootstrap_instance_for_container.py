"""See that a machine can build or test a container image.

Elsewhere this installs Docker and the AWS CLI on a machine that builds the image. Here the machine
stands on the container's own file system and takes the commands itself, so that nothing is
installed and nothing of it is left in the image. What is looked at is that it takes commands,
for which the image needs a shell, `/bin/sh`.
"""

from imagewright.actions.common import HOUR, CommandOutputs, OneInstance, command_id
from imagewright.documents.specs import ActionSpec, ImageType
from imagewright.engine.ports import ActionError, NoAnswer, StepContext

SPEC = ActionSpec(
    name="BootstrapInstanceForContainer",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    image_types=frozenset({ImageType.DOCKER}),
    timeout_default_seconds=HOUR,
    timeout_max_seconds=12 * HOUR,
    built=True,
)


def run(inputs: OneInstance, context: StepContext) -> CommandOutputs:
    """Ask the machine for an answer."""
    try:
        context.machines.ask(inputs.instance_id, plan=context.plan, stop=context.stop)
    except NoAnswer as silence:
        raise ActionError(
            f"{silence}. A container image is built and tested with the shell that its parent "
            "image has, /bin/sh"
        ) from silence
    return CommandOutputs(
        run_command_id=command_id(context.token),
        status="Success",
        output=(
            "Nothing was installed: the machine is the container, and takes commands without "
            "Docker and the AWS CLI."
        ),
    )
