"""Start an execution of a Step Functions state machine and wait for its end.

The step fails if the execution does not succeed.
"""

from dataclasses import dataclass, field

from imagewright.actions.common import DAY, HOUR, KIB
from imagewright.documents.specs import ActionSpec, about


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What to start, and with what."""

    state_machine_arn: str = field(
        metadata=about(
            "The state machine.",
            pattern=r"arn:[^:]+:states:[^:]*:[0-9]{12}:stateMachine:\S+",
            pattern_says="the ARN of a state machine",
        )
    )
    input: str = field(
        default="{}",
        metadata=about("What the execution is given, as JSON.", json=True, size_bytes_max=16 * KIB),
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What came of it."""

    execution_arn: str = field(metadata=about("The execution."))
    output: str = field(metadata=about("What the execution put out, as JSON."))
    status: str = field(metadata=about("How it ended, `SUCCEEDED` when it ended well."))


SPEC = ActionSpec(
    name="ExecuteStateMachine",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    timeout_default_seconds=6 * HOUR,
    timeout_max_seconds=DAY,
)
