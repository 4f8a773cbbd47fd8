"""Executions of Step Functions: ``engine.ports.StateMachines`` (§7.11)."""

from typing import Any

from imagewright.aws.asking import RefusedError, ask
from imagewright.aws.clients import AwsClients
from imagewright.engine.ports import ActionError, StateMachineExecution


class StateMachines:
    """Starts, watches and stops executions in the region that an ARN names."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def start(self, state_machine_arn: str, *, name: str, text: str) -> str:
        """See ``engine.ports.StateMachines``."""
        failure = f"The state machine '{state_machine_arn}' could not be started"
        try:
            started = self._ask(
                state_machine_arn,
                "start_execution",
                failure,
                stateMachineArn=state_machine_arn,
                name=name,
                input=text,
            )
        except RefusedError as error:
            if error.code == "ExecutionAlreadyExists":  # and has ended: else it answers as at first
                return self.arn_of(state_machine_arn, name=name)
            raise
        arn = str(started["executionArn"])
        if arn.split(":")[5] == "express":
            raise ActionError(
                f"{failure} so that its end is seen: it is of type EXPRESS, and Step Functions "
                "describes only executions of type STANDARD."
            )
        return arn

    def arn_of(self, state_machine_arn: str, *, name: str) -> str:
        """See ``engine.ports.StateMachines``."""
        parts = state_machine_arn.split(":")
        return ":".join([*parts[:5], "execution", parts[6], name])

    def describe(self, execution_arn: str) -> StateMachineExecution:
        """See ``engine.ports.StateMachines``."""
        failure = f"The execution '{execution_arn}' could not be followed"
        found = self._ask(execution_arn, "describe_execution", failure, executionArn=execution_arn)
        return StateMachineExecution(
            status=found["status"],
            output=found.get("output"),
            error=found.get("error"),
            cause=found.get("cause"),
        )

    def stop(self, execution_arn: str, *, cause: str) -> None:
        """See ``engine.ports.StateMachines``."""
        failure = f"The execution '{execution_arn}' could not be stopped"
        try:
            self._ask(
                execution_arn, "stop_execution", failure, executionArn=execution_arn, cause=cause
            )
        except RefusedError as error:
            if error.code != "ExecutionDoesNotExist":
                raise

    def _ask(self, arn: str, operation: str, failure: str, **parameters: Any) -> dict[str, Any]:
        region = arn.split(":")[3]
        return ask(self._clients, "stepfunctions", region, operation, failure, **parameters)
