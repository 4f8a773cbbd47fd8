"""Change attributes of distributed images: in practice, who may launch them.

With `attributes`, those are used and the distribution configuration of the image is not; without,
the configuration is.
"""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.actions.common import HOUR, DistributedImage
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about


@dataclass(frozen=True, kw_only=True)
class LaunchPermission:
    """Who may launch an image."""

    user_ids: list[str] | None = field(default=None, metadata=about("Accounts."))
    user_groups: list[str] | None = field(default=None, metadata=about("Groups: `all`."))
    organization_arns: list[str] | None = field(default=None, metadata=about("Organizations."))
    organizational_unit_arns: list[str] | None = field(
        default=None, metadata=about("Organizational units.")
    )


@dataclass(frozen=True, kw_only=True)
class RegionAttributes:
    """What changes in one region."""

    region: str = field(metadata=about("The region."))
    launch_permission: LaunchPermission | None = field(
        default=None, metadata=about("Who may launch the image there.")
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Which images, and what changes."""

    distributed_images: list[DistributedImage] = field(
        metadata=about(
            "The `distributedImages` of a DistributeImage step of the same workflow.",
            reference_root="stepOutputs",
        )
    )
    attributes: list[RegionAttributes] | None = field(
        default=None, metadata=about("One entry for each region.")
    )


@dataclass(frozen=True, kw_only=True)
class ModifiedImage:
    """What became of one image."""

    region: str = field(metadata=about("Where it lies."))
    name: str | None = field(default=None, metadata=about("Its name."))
    ami_id: str | None = field(default=None, metadata=about("Its id."))
    account_id: str | None = field(default=None, metadata=about("Whose it is."))
    date_started: str | None = field(default=None, metadata=about("In UTC."))
    date_stopped: str | None = field(default=None, metadata=about("In UTC."))
    status: Literal["Completed", "Failed", "Cancelled", "TimedOut"] = field(
        metadata=about("How it ended.")
    )
    step: Literal["Completed", "ModifyAmiRunning"] = field(metadata=about("Where it stopped."))
    error_message: str | None = field(default=None, metadata=about("Why it failed."))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What became of the images."""

    modified_images: list[ModifiedImage] = field(metadata=about("One entry for each image."))


SPEC = ActionSpec(
    name="ModifyImageAttributes",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=2 * HOUR,
    timeout_max_seconds=3 * HOUR,
)
