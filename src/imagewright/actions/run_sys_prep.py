"""Generalise a Windows machine with Sysprep, so that each copy of the image sets itself up anew."""

from imagewright.actions.common import HOUR, CommandOutputs, OneInstance
from imagewright.documents.specs import ActionSpec, ImageType, Platform

SPEC = ActionSpec(
    name="RunSysPrep",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    image_types=frozenset({ImageType.AMI}),
    platforms=frozenset({Platform.WINDOWS}),
    timeout_default_seconds=HOUR,
    timeout_max_seconds=12 * HOUR,
    unbuilt_because=(
        "which the driver sandbox cannot do: it runs Linux and no Windows. The driver qemu could, "
        "in a virtual machine, but this release does not have it yet"
    ),
)
