"""Look for known vulnerabilities in what the machine under test has installed.

Scanning must be switched on for the image (`imageScanningConfiguration`).
"""

from imagewright.actions.common import HOUR, CommandOutputs, OneInstance
from imagewright.documents.specs import ActionSpec, Stage

SPEC = ActionSpec(
    name="CollectImageScanFindings",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    stages=frozenset({Stage.TEST}),
    timeout_default_seconds=2 * HOUR,
    timeout_max_seconds=12 * HOUR,
)
