"""Asking another service on behalf of a step: what goes wrong becomes the step's failure."""

from typing import Any

from imagewright.aws.clients import AwsClients
from imagewright.engine.ports import ActionError, OutOfReachError
from imagewright.errors import ServiceUnavailable

_NAMES = {
    "ec2": "EC2",
    "events": "EventBridge",
    "lambda": "Lambda",
    "logs": "CloudWatch Logs",
    "s3": "S3",
    "sns": "SNS",
    "ssm": "Systems Manager",
    "stepfunctions": "Step Functions",
    "sts": "STS",
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_THROTTLED = {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}

_TEXT_MAX = 1000
"""Of a service's words, in characters: what is not understood is quoted whole otherwise."""


class RefusedError(ActionError):
    """A service answered that it will not; ``code`` is its word for why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def ask(
    clients: AwsClients,
    service: str,
    region: str,
    operation: str,
    failure: str,
    *,
    endpoint: str | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """Call an operation; ``failure`` begins the message if it fails: what could not be done.

    ``endpoint``: where the service is, if not where the settings say.

    Raises RefusedError, and OutOfReachError if the service is out of reach, throttles or breaks.
    Without an endpoint or a key in the settings it raises ActionError, which names them.
    """
    from botocore.exceptions import BotoCoreError, ParamValidationError
    from botocore.exceptions import ClientError as BotoClientError

    name = _NAMES[service]
    try:
        client = clients.get(service, region, endpoint=endpoint)
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
    except ServiceUnavailable as error:
        raise ActionError(f"{failure}: {error}") from None
    except BotoClientError as error:
        raise _refusal(error.response, f"{failure}: {name}") from error
    except ParamValidationError as error:
        raise RefusedError(f"{failure}: {error}", "ParamValidationError") from error
    except BotoCoreError as error:
        whence = f" (the setting aws.{service}_endpoint says where it is)" if not endpoint else ""
        raise OutOfReachError(f"{failure}: {name} is out of reach: {error}{whence}.") from error
    return answer


def _refusal(response: Any, failure: str) -> ActionError:
    code, text = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    why = f"{code}: {text[:_TEXT_MAX]}"
    if status >= 500 or code in _THROTTLED:
        return OutOfReachError(f"{failure} failed: {why}")
    is_denied = code in _DENIED or status in {401, 403}
    whose = " (asked with the key of the setting aws.access_key_id)" if is_denied else ""
    return RefusedError(f"{failure} refuses: {why}{whose}", code)
