"""Install on the machine what building and testing container images needs."""

from imagewright.actions.common import HOUR, CommandOutputs, OneInstance
from imagewright.documents.specs import ActionSpec, ImageType

SPEC = ActionSpec(
    name="BootstrapInstanceForContainer",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    image_types=frozenset({ImageType.DOCKER}),
    timeout_default_seconds=HOUR,
    timeout_max_seconds=12 * HOUR,
    unbuilt_because=(
        "which prepares a machine for container recipes, and this release builds none yet; an "
        "`if` that asks whether $.imagebuilder.imageType is DOCKER skips it"
    ),
)
