"""Apply licences, launch templates, export, fast launch and SSM parameters to distributed images.

It works in the source account only, except for SSM parameters, which may go to other accounts.
With `configurations`, those are used and the distribution configuration of the image is not;
without, the configuration is.
"""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.actions.common import HOUR, DistributedImage
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about


@dataclass(frozen=True, kw_only=True)
class LaunchTemplateConfiguration:
    """A launch template that is to name the new image."""

    launch_template_id: str = field(metadata=about("The launch template."))
    account_id: str | None = field(default=None, metadata=about("Whose it is."))
    set_default_version: bool | None = field(
        default=None, metadata=about("Make the new version the default one.")
    )


@dataclass(frozen=True, kw_only=True)
class S3ExportConfiguration:
    """An export of the image as a disk file."""

    role_name: str = field(metadata=about("The role that may write the file."))
    disk_image_format: Literal["VMDK", "RAW", "VHD"] = field(metadata=about("Its format."))
    s3_bucket: str = field(metadata=about("The bucket it goes to."))
    s3_prefix: str | None = field(default=None, metadata=about("What its key begins with."))


@dataclass(frozen=True, kw_only=True)
class SnapshotConfiguration:
    """The snapshots that fast launch keeps ready."""

    target_resource_count: int | None = field(
        default=None, metadata=about("How many.", whole_min=1, whole_max=10_000)
    )


@dataclass(frozen=True, kw_only=True)
class FastLaunchTemplate:
    """The launch template that fast launch uses, by id or by name."""

    launch_template_id: str | None = field(default=None, metadata=about("Its id."))
    launch_template_name: str | None = field(default=None, metadata=about("Its name."))
    launch_template_version: str | None = field(default=None, metadata=about("Its version."))


@dataclass(frozen=True, kw_only=True)
class FastLaunchConfiguration:
    """Fast launch of Windows images."""

    enabled: bool = field(metadata=about("Whether it is on."))
    snapshot_configuration: SnapshotConfiguration | None = field(
        default=None, metadata=about("The snapshots kept ready.")
    )
    max_parallel_launches: int | None = field(
        default=None, metadata=about("How many machines prepare snapshots at once.", whole_min=1)
    )
    launch_template: FastLaunchTemplate | None = field(
        default=None, metadata=about("The launch template to use.")
    )
    account_id: str | None = field(default=None, metadata=about("Whose images."))


@dataclass(frozen=True, kw_only=True)
class SsmParameterConfiguration:
    """A parameter that is to hold the id of the new image."""

    parameter_name: str = field(metadata=about("Its name."))
    ami_account_id: str | None = field(default=None, metadata=about("Whose image it names."))
    data_type: Literal["text", "aws:ec2:image"] | None = field(
        default=None, metadata=about("Its data type.")
    )


@dataclass(frozen=True, kw_only=True)
class RegionConfiguration:
    """What is applied in one region."""

    region: str = field(metadata=about("The region."))
    license_configuration_arns: list[str] | None = field(
        default=None, metadata=about("Licence configurations.", length_min=1, length_max=50)
    )
    launch_template_configurations: list[LaunchTemplateConfiguration] | None = field(
        default=None, metadata=about("Launch templates.", length_min=1, length_max=100)
    )
    s3_export_configuration: list[S3ExportConfiguration] | None = field(
        default=None, metadata=about("Exports; one map or a list.", one_or_many=True)
    )
    fast_launch_configurations: list[FastLaunchConfiguration] | None = field(
        default=None, metadata=about("Fast launch.", length_min=1, length_max=1000)
    )
    ssm_parameter_configurations: list[SsmParameterConfiguration] | None = field(
        default=None, metadata=about("SSM parameters; one map or a list.", one_or_many=True)
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Which images, and what is applied."""

    distributed_images: list[DistributedImage] = field(
        metadata=about(
            "The `distributedImages` of a DistributeImage step of the same workflow.",
            reference_root="stepOutputs",
        )
    )
    configurations: list[RegionConfiguration] | None = field(
        default=None, metadata=about("One entry for each region.")
    )


@dataclass(frozen=True, kw_only=True)
class ConfiguredImage:
    """What became of one image."""

    account_id: str | None = field(default=None, metadata=about("Whose it is."))
    name: str | None = field(default=None, metadata=about("Its name."))
    ami_id: str | None = field(default=None, metadata=about("Its id."))
    region: str = field(metadata=about("Where it lies."))
    date_started: str | None = field(default=None, metadata=about("In UTC."))
    date_stopped: str | None = field(default=None, metadata=about("In UTC."))
    step: Literal[
        "Completed",
        "AssociateLicensesRunning",
        "UpdateLaunchTemplateRunning",
        "PutSsmParametersRunning",
        "UpdateFastLaunchConfiguration",
        "ExportAmiQueued",
        "ExportAmiRunning",
    ] = field(metadata=about("Where it stopped."))
    status: Literal["Completed", "Failed", "Cancelled", "TimedOut"] = field(
        metadata=about("How it ended.")
    )
    error_message: str | None = field(default=None, metadata=about("Why it failed."))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What became of the images."""

    configured_images: list[ConfiguredImage] = field(metadata=about("One entry for each image."))


SPEC = ActionSpec(
    name="ApplyImageConfigurations",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=6 * HOUR,
    timeout_max_seconds=12 * HOUR,
)
