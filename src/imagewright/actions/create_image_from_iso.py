"""Make an image of the installation medium that is on the machine, and wait until it is there."""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.actions.common import HOUR, OneInstance
from imagewright.documents.specs import ActionSpec, Effect, ImageType, about


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The image and what it stands on."""

    image_id: str = field(metadata=about("The id of the image, `ami-` and 17 hex digits."))
    ami_name: str = field(metadata=about("The name of the image."))
    snapshot_id: str = field(metadata=about("The snapshot of its disk."))
    architecture: Literal["x86_64", "arm64"] = field(metadata=about("What it runs on."))


SPEC = ActionSpec(
    name="CreateImageFromIso",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=12 * HOUR,
    timeout_max_seconds=12 * HOUR,
    effect=Effect.MAKES_IMAGE,
    unbuilt_because=(
        "which the driver sandbox cannot do: it boots no installation medium. The driver qemu "
        "could, in a virtual machine, but this release does not have it yet"
    ),
)
