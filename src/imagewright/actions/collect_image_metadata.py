"""Note which operating system and which packages the machine has.

What it finds is kept with the image; `ListImagePackages` returns it. Only images of type AMI have
such an inventory. Rollback removes what was noted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imagewright.actions.common import HOUR, MINUTE, OneInstance, command_id
from imagewright.documents.specs import ActionSpec, ImageType, about
from imagewright.engine.ports import StepContext


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What was found."""

    os_version: str = field(
        metadata=about("Name and version of the operating system, `Debian GNU/Linux 12`.")
    )
    association_id: str = field(metadata=about("The id of this inventory."))


SPEC = ActionSpec(
    name="CollectImageMetadata",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=30 * MINUTE,
    timeout_max_seconds=12 * HOUR,
    rollback=True,
    built=True,
)


def run(inputs: OneInstance, context: StepContext) -> Outputs:
    """Take stock."""
    os_version = context.machines.inventory(inputs.instance_id, plan=context.plan)
    return Outputs(os_version=os_version, association_id=command_id(context.token))


def undo(_outputs: Mapping[str, Any] | None, context: StepContext) -> None:
    """Forget what was found."""
    context.machines.forget_inventory(context.plan)
