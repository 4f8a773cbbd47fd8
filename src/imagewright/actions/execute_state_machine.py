"""Start an execution of a Step Functions state machine and wait for its end.

The step fails if the execution does not succeed: its outputs then hold the execution's `error`,
`cause` and `status`, beside `errorMessage`. The state machine must be of type STANDARD.

The execution is named after the step, so that a server that was lost on the way finds it again
and starts no second one. When the step's time is up or its build is cancelled, the execution is
stopped. While Step Functions is out of reach, the step goes on looking for five minutes.

Which Step Functions: the setting `aws.stepfunctions_endpoint`, else AWS, in the region of the ARN,
with the key of `aws.access_key_id`. That key needs `states:StartExecution`,
`states:DescribeExecution` and `states:StopExecution`.
"""

import time
from dataclasses import dataclass, field

from imagewright.actions.common import DAY, HOUR, KIB
from imagewright.documents.specs import ActionSpec, about
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import (
    ActionError,
    OutOfReachError,
    StateMachineExecution,
    StepContext,
)

_LOOK_SECONDS = 0.2
_LOOK_SECONDS_MAX = 5.0
"""Between two looks, at first and at last: an account may describe some fifteen a second."""
_PATIENCE_SECONDS = 300.0


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
    built=True,
    services={"stateMachineArn": "stepfunctions"},
)


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Start the execution, or find it again, and follow it to its end."""
    machines = context.world.state_machines
    arn = machines.start(inputs.state_machine_arn, name=context.token, text=inputs.input)
    pass_by(CrashPoint.EXECUTION_STARTED)
    context.log.note(f"The execution {arn} runs.")
    ended = _followed(arn, context)
    context.log.note(f"The execution ended: {ended.status}.")
    if ended.status != "SUCCEEDED":
        told = {"error": ended.error, "cause": ended.cause, "status": ended.status}
        why = ": ".join(part for part in (ended.error, ended.cause) if part)
        raise ActionError(
            f"DescribeExecution returned the terminal state {ended.status} for the execution "
            f"'{arn}'{': ' if why else '.'}{why}",
            outputs={name: value for name, value in told.items() if value is not None},
        )
    return Outputs(execution_arn=arn, output=ended.output or "", status=ended.status)


def abandon(inputs: Inputs, context: StepContext) -> None:
    """Stop the execution of a run that was lost."""
    machines = context.world.state_machines
    arn = machines.arn_of(inputs.state_machine_arn, name=context.token)
    machines.stop(arn, cause="The build was cancelled.")


def _followed(arn: str, context: StepContext) -> StateMachineExecution:
    """Look until the execution is over; stop it if the step is to end before."""
    machines = context.world.state_machines
    pause, reached_at = _LOOK_SECONDS, time.monotonic()
    while True:
        try:
            found = machines.describe(arn)
        except OutOfReachError as error:
            if time.monotonic() - reached_at > _PATIENCE_SECONDS:
                raise
            context.log.note(str(error))
        else:
            reached_at = time.monotonic()
            if found.is_over:
                return found
        if context.stop.wait(pause):
            machines.stop(arn, cause="The step's time was up, or its build was cancelled.")
            raise ActionError(f"The execution '{arn}' was stopped.")
        pause = min(pause * 1.5, _LOOK_SECONDS_MAX)
