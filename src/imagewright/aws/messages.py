"""Messages to SNS topics and Lambda functions: ``engine.ports.Messages`` (§12.4)."""

import json
from collections.abc import Mapping
from typing import Any

from imagewright.aws.asking import ask
from imagewright.aws.clients import AwsClients

_FIFO = ".fifo"


class Messages:
    """Tells others, in the region that an ARN names."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def publish(self, topic_arn: str, message: Mapping[str, Any], *, token: str) -> None:
        """See ``engine.ports.Messages``."""
        parameters = {"TopicArn": topic_arn, "Message": json.dumps(message, ensure_ascii=False)}
        if topic_arn.endswith(_FIFO):
            parameters.update(MessageGroupId=token, MessageDeduplicationId=token)
        failure = f"The topic '{topic_arn}' could not be told"
        ask(self._clients, "sns", topic_arn.split(":")[3], "publish", failure, **parameters)

    def invoke(self, function_name: str, event: Mapping[str, Any], *, region: str) -> None:
        """See ``engine.ports.Messages``."""
        parts = function_name.split(":")
        ask(
            self._clients,
            "lambda",
            parts[3] if parts[0] == "arn" and len(parts) > 3 else region,
            "invoke",
            f"The function '{function_name}' could not be invoked",
            FunctionName=function_name,
            InvocationType="Event",
            Payload=json.dumps(event, ensure_ascii=False).encode(),
        )
