"""Make an image of snapshots.

With `includeSnapshotTags`, the image gets the tags of the first snapshot in `blockDeviceMapping`
too; where both have a tag, the image's own wins, and tags that begin with `aws:` are left out.
"""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.actions.common import HOUR
from imagewright.documents.specs import ActionSpec, Effect, ImageType, about


@dataclass(frozen=True, kw_only=True)
class Ebs:
    """A volume, in the words of EC2."""

    snapshot_id: str | None = field(
        default=None, metadata=about("What it starts as.", wire="SnapshotId")
    )
    volume_size: int | None = field(
        default=None, metadata=about("In GiB.", wire="VolumeSize", whole_min=1)
    )
    volume_type: str | None = field(
        default=None, metadata=about("`gp3` for one.", wire="VolumeType")
    )
    delete_on_termination: bool | None = field(
        default=None,
        metadata=about("Whether it ends with its machine.", wire="DeleteOnTermination"),
    )
    encrypted: bool | None = field(
        default=None, metadata=about("Whether it is encrypted.", wire="Encrypted")
    )
    kms_key_id: str | None = field(
        default=None, metadata=about("The key it is encrypted with.", wire="KmsKeyId")
    )
    iops: int | None = field(
        default=None, metadata=about("Operations a second.", wire="Iops", whole_min=1)
    )
    throughput: int | None = field(
        default=None, metadata=about("In MiB a second.", wire="Throughput", whole_min=1)
    )


@dataclass(frozen=True, kw_only=True)
class BlockDevice:
    """One disk of the image, in the words of EC2."""

    device_name: str | None = field(
        default=None, metadata=about("`/dev/sda1` for one.", wire="DeviceName")
    )
    ebs: Ebs | None = field(default=None, metadata=about("The volume behind it.", wire="Ebs"))
    virtual_name: str | None = field(
        default=None, metadata=about("`ephemeral0` for one.", wire="VirtualName")
    )
    no_device: str | None = field(
        default=None, metadata=about("Empty text: leave this device out.", wire="NoDevice")
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the image is made of; nothing is required."""

    architecture: Literal["i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"] | None = field(
        default=None, metadata=about("What the image runs on.")
    )
    block_device_mapping: list[BlockDevice] | None = field(
        default=None, metadata=about("Its disks.")
    )
    boot_mode: Literal["legacy-bios", "uefi", "uefi-preferred"] | None = field(
        default=None, metadata=about("How it boots.")
    )
    description: str | None = field(default=None, metadata=about("What it is."))
    ena_support: bool | None = field(
        default=None, metadata=about("Whether enhanced networking (ENA) is on.")
    )
    image_location: str | None = field(
        default=None, metadata=about("The manifest of an image that S3 backs.")
    )
    imds_support: Literal["v2.0"] | None = field(
        default=None, metadata=about("Ask for version 2 of the metadata service.")
    )
    include_snapshot_tags: bool = field(
        default=False, metadata=about("Give the image the tags of its first snapshot.")
    )
    kernel_id: str | None = field(default=None, metadata=about("The kernel."))
    ramdisk_id: str | None = field(default=None, metadata=about("The RAM disk."))
    root_device_name: str | None = field(
        default=None, metadata=about("The disk it boots from, `/dev/sda1` for one.")
    )
    sriov_net_support: str | None = field(
        default=None, metadata=about("`simple`: enhanced networking with the Intel driver.")
    )
    tpm_support: Literal["v2.0"] | None = field(
        default=None, metadata=about("Give it a trusted platform module.")
    )
    uefi_data: str | None = field(
        default=None, metadata=about("The UEFI variable store, in base64.")
    )
    virtualization_type: Literal["hvm", "paravirtual"] | None = field(
        default=None, metadata=about("How it is virtualised.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The image."""

    image_id: str = field(metadata=about("The id of the image, `ami-` and 17 hex digits."))


SPEC = ActionSpec(
    name="RegisterImage",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=9 * HOUR,
    timeout_max_seconds=12 * HOUR,
    effect=Effect.MAKES_IMAGE,
)
