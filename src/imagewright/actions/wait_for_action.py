"""Pause the workflow until someone answers `RESUME` or `STOP`.

The step shows as `WAITING` and is listed by `ListWaitingWorkflowSteps`; `SendWorkflowStepAction`
answers it. `RESUME` completes the step, `STOP` fails it, and `onFailure` decides what follows.
With a topic or a function, those are told; with neither, only the event is published. In a build
the machine keeps running meanwhile.
"""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.actions.common import DAY, KIB
from imagewright.documents.specs import ActionSpec, about
from imagewright.engine.ports import Pause, StepContext


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Whom to tell, and what."""

    sns_topic_arn: str | None = field(default=None, metadata=about("The SNS topic to notify."))
    lambda_function_name: str | None = field(
        default=None, metadata=about("The Lambda function to invoke, by name or ARN.")
    )
    payload: str | None = field(
        default=None,
        metadata=about(
            "Text of your own that is sent along; JSON is embedded as such.",
            size_bytes_max=16 * KIB,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The answer."""

    action: Literal["RESUME", "STOP"] = field(metadata=about("What was answered."))
    reason: str | None = field(
        default=None, metadata=about("The reason given; absent when none was.")
    )


SPEC = ActionSpec(
    name="WaitForAction",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    timeout_default_seconds=3 * DAY,
    timeout_max_seconds=7 * DAY,
    built=True,
    unbuilt_inputs=frozenset({"snsTopicArn", "lambdaFunctionName"}),
)


def run(inputs: Inputs, context: StepContext) -> Pause:
    """Begin to wait."""
    context.log.note(f"The step {context.step.name} waits for RESUME or STOP.")
    return Pause()
