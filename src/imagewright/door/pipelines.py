"""Pipelines at the second door: runs with parameters that no tag could hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from imagewright.api.members import given
from imagewright.api.shapes import (
    StartImagePipelineExecutionRequest,
    StartImagePipelineExecutionResponse,
)
from imagewright.call import Call
from imagewright.door.asked import Asked
from imagewright.wire.checking import check_parameters
from imagewright.wire.model import service
from imagewright.wire.reading import read_parameters

START = "StartImagePipelineExecution"

Json = Mapping[str, Any]


class StartPipeline(Protocol):
    """StartImagePipelineExecution, which heeds members that AWS does not have."""

    def __call__(
        self, request: StartImagePipelineExecutionRequest, call: Call
    ) -> StartImagePipelineExecutionResponse:
        """Start a run."""
        ...


@dataclass(frozen=True, slots=True)
class Pipelines:
    """The operations on pipelines."""

    start_pipeline: StartPipeline
    client_token_required: bool

    def start(self, asked: Asked) -> Json:
        """Start a run as StartImagePipelineExecution does, with parameters beside its members.

        ``parameters`` are those of workflows, ``componentParameters`` those of components; see
        ``api.run_parameters``.
        """
        operation = service().operations[START]
        parameters = read_parameters(
            operation, asked.request, None, client_token_required=self.client_token_required
        )
        check_parameters(operation, parameters)
        own = given(asked.body(), "parameters", "componentParameters")
        request = cast("StartImagePipelineExecutionRequest", {**parameters, **own})
        return cast("Json", self.start_pipeline(request, asked.call))
