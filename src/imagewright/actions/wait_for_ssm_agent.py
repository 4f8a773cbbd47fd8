"""Wait until a machine takes commands again, after a reboot for one."""

from dataclasses import dataclass, field

from imagewright.actions.common import HOUR, MINUTE, OneInstance
from imagewright.documents.specs import ActionSpec, about


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """How the machine is reached."""

    status: str = field(metadata=about("The state of the connection, `Online`."))


SPEC = ActionSpec(
    name="WaitForSSMAgent",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    timeout_default_seconds=HOUR,
    timeout_max_seconds=180 * MINUTE,
)
