"""Pause the workflow until someone answers `RESUME` or `STOP`.

The step shows as `WAITING` and is listed by `ListWaitingWorkflowSteps`; `SendWorkflowStepAction`
answers it, and so does `imagewright runs approve`. `RESUME` completes the step, `STOP` fails it,
and `onFailure` decides what follows. The machine stays meanwhile, with all that is on its disk.

Once the step waits, those who may answer are told, at least once and after a crash perhaps again:

- the SNS topic `snsTopicArn` gets a message, and the Lambda function `lambdaFunctionName` is
  invoked asynchronously with the same, as JSON: `imageArn`, `workflowArn`, `workflowExecutionId`,
  `workflowStepExecutionId`, `workflowStepName`, `version` (`1.0`) and, if there is a `payload`,
  `customPayload`. If one of them cannot be told, the step fails and says why.
- the event `EC2 Image Builder Workflow Step Waiting` goes to the event bus of the setting
  `aws.event_bus` and to the webhooks of `webhooks.urls`. If one of them cannot be told, the logs
  say so, and the step waits on.

Which SNS and Lambda: the settings `aws.sns_endpoint` and `aws.lambda_endpoint`, else AWS, in the
region of the ARN, with the key of `aws.access_key_id`, which needs `sns:Publish` and
`lambda:InvokeFunction`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imagewright.actions.common import DAY, KIB
from imagewright.documents.specs import ActionSpec, about
from imagewright.engine.events import step_waits
from imagewright.engine.ports import Pause, StepContext


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Whom to tell, and what."""

    sns_topic_arn: str | None = field(
        default=None,
        metadata=about(
            "The SNS topic to notify.",
            pattern=r"arn:[^:]+:sns:[^:]*:[0-9]{12}:\S+",
            pattern_says="the ARN of an SNS topic",
        ),
    )
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
    services={"snsTopicArn": "sns", "lambdaFunctionName": "lambda"},
)


def run(inputs: Inputs, context: StepContext) -> Pause:
    """Begin to wait."""
    return Pause(tell=lambda: _tell(inputs, context))


def _tell(inputs: Inputs, context: StepContext) -> None:
    context.log.note(f"The step {context.step.name} waits for RESUME or STOP.")
    messages, message = context.world.messages, _message(inputs, context)
    if inputs.sns_topic_arn is not None:
        messages.publish(inputs.sns_topic_arn, message, token=context.token)
    if inputs.lambda_function_name is not None:
        messages.invoke(inputs.lambda_function_name, message, region=context.plan.region)
    context.world.events.tell(step_waits(context.plan, context.execution, context.step))


def _message(inputs: Inputs, context: StepContext) -> Mapping[str, Any]:
    """Return what a topic and a function are told (§12.4)."""
    message = {
        "imageArn": context.step.image_arn,
        "workflowArn": context.execution.workflow_arn,
        "workflowExecutionId": context.execution.id,
        "workflowStepExecutionId": context.step.id,
        "workflowStepName": context.step.name,
        "version": "1.0",
    }
    if inputs.payload is None:
        return message
    return {**message, "customPayload": _embedded(inputs.payload)}


def _embedded(payload: str) -> object:
    """Return the object or list that a payload spells as JSON, else its text (§14.14)."""
    try:
        value = json.loads(payload, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return payload
    return value if isinstance(value, dict | list) else payload


def _refuse(constant: str) -> None:
    """NaN and its like are no JSON, though Python reads them."""
    raise ValueError(constant)
