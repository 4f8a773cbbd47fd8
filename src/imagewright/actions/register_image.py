"""Make an image of a snapshot.

Every image built here has one snapshot, its disk as it was when the image was made: that of
`ami-0123456789abcdef0` is `snap-0123456789abcdef0`, with the same digits. The new image has an id
of its own and the same content; the old one may be deleted.

A machine here is a sandbox: it has one disk, this host's processors and this host's kernel. So
`blockDeviceMapping` must name just one snapshot, and what is said about devices, sizes, firmware,
kernels and virtual hardware is passed over, which the log says. An image that S3 backs
(`imageLocation`) cannot be registered. Snapshots here have no tags, so that `includeSnapshotTags`
adds none.
"""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from imagewright.actions.common import HOUR
from imagewright.documents.specs import UNKNOWN, ActionSpec, Effect, ImageType, about, to_plain
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError, Foreseen, Prospect, StepContext

_ARCHITECTURES: Final = {"aarch64": "arm64", "amd64": "x86_64"}
"""What EC2 calls processors that the kernel, or Debian, calls otherwise."""


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
        default=None,
        metadata=about("What the image runs on.", choices_elsewhere=_ARCHITECTURES),
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
    built=True,
)

_HEEDED: Final = frozenset({"architecture", "blockDeviceMapping", "includeSnapshotTags"})


def foresee(inputs: Mapping[str, object], _prospect: Prospect) -> Foreseen:
    """Refuse what no sandbox can be registered as."""
    return Foreseen(problems=[*_problems(inputs)])


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Register the image."""
    given = to_plain(inputs)
    if problem := next(_problems(given), None):
        raise ActionError(f"The image cannot be registered: {problem}.")
    (snapshot_id,) = _snapshots(given)
    passed_over = sorted(given.keys() - _HEEDED)
    if passed_over:
        context.log.note(f"Passed over, as a sandbox knows nothing of it: {', '.join(passed_over)}")
    image_id = context.machines.register_image(snapshot_id, plan=context.plan, token=context.token)
    pass_by(CrashPoint.IMAGE_RECORDED)
    return Outputs(image_id=image_id)


def _problems(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Say why an image cannot be registered; what is UNKNOWN is taken to be right."""
    here = _ARCHITECTURES.get(platform.machine(), platform.machine())
    architecture = inputs.get("architecture")
    if architecture not in {None, UNKNOWN, here}:
        yield f"its architecture is {architecture}, and images of the driver sandbox are {here}"
    if inputs.get("imageLocation"):
        yield "it has an imageLocation, and the driver sandbox has no images that S3 backs"
    devices = inputs.get("blockDeviceMapping")
    if devices is UNKNOWN or (isinstance(devices, list) and UNKNOWN in devices):
        return
    snapshots = _snapshots(inputs)
    if len(snapshots) != 1:
        yield (
            f"its blockDeviceMapping names {len(snapshots) or 'no'} snapshots, and an image of the "
            "driver sandbox is made of one: write `- Ebs: {SnapshotId: snap-…}`"
        )


def _snapshots(inputs: Mapping[str, Any]) -> list[Any]:
    devices = inputs.get("blockDeviceMapping")
    volumes = [each.get("Ebs") for each in devices or () if isinstance(each, dict)]
    return [
        UNKNOWN if volume is UNKNOWN else volume["SnapshotId"]
        for volume in volumes
        if volume is UNKNOWN or (isinstance(volume, dict) and volume.get("SnapshotId"))
    ]
