"""The state of a build's machine before or after one of its steps: a layer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from imagewright.door.asked import Asked
from imagewright.door.finding import find_image
from imagewright.engine.records import StepExecution, StepStatus
from imagewright.errors import InvalidParameterValue, InvalidRequest, ResourceNotFound
from imagewright.store import builds, layers, retries
from imagewright.store.database import Database

Json = Mapping[str, Any]

_LAUNCH = "LaunchInstance"
_MOMENTS = ("before", "after")


@dataclass(frozen=True, slots=True)
class States:
    """Finds what a machine stood on."""

    database: Database

    def of_step(self, asked: Asked) -> Json:
        """Return the layer that a machine stood on ``before`` or ``after`` a step.

        ``step`` is its name or id; without it, the step that failed last. Of several executions
        that have a step of the name, it is the one that ran last.
        Raises ResourceNotFound; InvalidRequest where there was no machine, or its layer is gone.
        """
        moment = asked.query.get("when", "before")
        if moment not in _MOMENTS:
            raise InvalidParameterValue("when", "It must be before or after.")
        with self.database.read() as connection:
            image = find_image(connection, asked.text("image"), asked.call)
            arn = str(image.arn)
            step = _find_step(connection, arn, asked.query.get("step"))
            siblings = builds.steps_of(connection, step.workflow_execution_id)
            past = [each for each in siblings if each.ordinal < step.ordinal]
            instance_id = _machine_of(step, past, moment)
            done = [*builds.steps_before(connection, step.workflow_execution_id), *past]
            if moment == "after":
                done.append(step)
            layer_id = retries.layer_after(
                connection, instance_id, tuple(each.id for each in reversed(done))
            )
            if layer_id is None or layers.get(connection, layer_id) is None:
                raise InvalidRequest(
                    f"What the machine {instance_id} stood on {moment} the step '{step.name}' was "
                    "freed since."
                )
        return {
            "imageBuildVersionArn": arn,
            "stepExecutionId": step.id,
            "name": step.name,
            "status": step.status.value,
            "instanceId": instance_id,
            "layer": layer_id,
        }


def _find_step(connection: Connection, image_arn: str, wanted: str | None) -> StepExecution:
    """Return the step that is meant; the executions are looked at from the last to the first."""
    for execution in reversed(builds.executions_of(connection, image_arn)):
        begun = [
            step
            for step in builds.steps_of(connection, execution.id)
            if step.status is not StepStatus.PENDING
        ]
        for step in reversed(begun):
            if wanted in {step.name, step.id} or (wanted is None and _stopped_it(step)):
                return step
    if wanted is None:
        raise InvalidRequest(f"No step of the build of '{image_arn}' failed; name one.")
    raise ResourceNotFound(wanted)


def _stopped_it(step: StepExecution) -> bool:
    return step.status in {StepStatus.FAILED, StepStatus.CANCELLED}


def _machine_of(step: StepExecution, past: Sequence[StepExecution], moment: str) -> str:
    """Return the machine that a step worked on; of a step without one, that launched last.

    Where its workflow launched none, that is the one of another workflow that it used last.
    """
    if step.action == _LAUNCH:
        if moment == "after" and (launched := _launched(step)) is not None:
            return launched
    elif (given := _given(step)) is not None:
        return given
    for machine_of in (_launched, _given):
        for earlier in reversed(past):
            if (found := machine_of(earlier)) is not None:
                return found
    raise InvalidRequest(f"There was no machine {moment} the step '{step.name}'.")


def _launched(step: StepExecution) -> str | None:
    if step.action != _LAUNCH or not step.results:
        return None
    return str(step.results["instanceId"])


def _given(step: StepExecution) -> str | None:
    inputs = json.loads(step.inputs) if step.inputs else {}
    given = inputs.get("instanceId") if isinstance(inputs, dict) else None
    return given if isinstance(given, str) else None
