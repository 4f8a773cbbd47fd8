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
)
