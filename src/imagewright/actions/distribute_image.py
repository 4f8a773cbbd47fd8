"""Copy the image to regions and accounts.

With `distributions`, those are used and the distribution configuration of the image is not;
without, the configuration is. What is copied is the image's own output, the build workflow's
`ImageId`. Copies that finished before a later failure stay.
"""

from dataclasses import dataclass, field

from imagewright.actions.common import HOUR, DistributedImage
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One region."""

    region: str = field(metadata=about("Where the copy goes.", length_min=1, length_max=1024))
    name: str | None = field(default=None, metadata=about("The name of the copy."))
    description: str | None = field(default=None, metadata=about("What the copy is."))
    target_account_ids: list[str] | None = field(
        default=None, metadata=about("The accounts that get a copy.")
    )
    ami_tags: dict[str, str] | None = field(
        default=None, metadata=about("The copy's tags.", length_max=50)
    )
    kms_key_id: str | None = field(
        default=None, metadata=about("The key the copy is encrypted with.")
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where to, if not to where the configuration says."""

    distributions: list[Distribution] | None = field(
        default=None, metadata=about("One entry for each region.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The copies."""

    distributed_images: list[DistributedImage] = field(
        metadata=about("One entry for each region and account.")
    )


SPEC = ActionSpec(
    name="DistributeImage",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=6 * HOUR,
    timeout_max_seconds=12 * HOUR,
)
