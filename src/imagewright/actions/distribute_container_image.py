"""Push the container image from the machine that built it to repositories in the target regions.

A workflow with this action must not hold DistributeImage, ModifyImageAttributes or
ApplyImageConfigurations.
"""

from dataclasses import dataclass, field

from imagewright.actions.common import HOUR, OneInstance
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where it arrived."""

    status: str = field(metadata=about("How the pushing ended, `Success` when it ended well."))
    succeeded_regions: list[str] = field(metadata=about("Where the image arrived."))
    failed_regions: list[str] = field(metadata=about("Where it did not."))


SPEC = ActionSpec(
    name="DistributeContainerImage",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.DOCKER}),
    timeout_default_seconds=2 * HOUR,
    timeout_max_seconds=12 * HOUR,
    unbuilt_because=(
        "which pushes the image of a container recipe, and this release builds none yet; "
        "DistributeImage sends an image recipe's image to registries too"
    ),
    excludes=frozenset({"DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations"}),
)
