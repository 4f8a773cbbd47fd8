"""Checking workflow documents for the API (``api-behaviour.md`` §4.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from imagewright.documents.diagnostics import has_errors
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.reading import ADMITTED
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.parameters import details
from imagewright.errors import InvalidParameterValue


@dataclass(frozen=True, slots=True)
class WorkflowChecker:
    """Knows the step actions, and so which documents can be."""

    actions: Mapping[str, ActionSpec]

    def check(
        self, text: str, workflow_type: Literal["BUILD", "TEST", "DISTRIBUTION"], member: str
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the document's parameters as the API shows them (CRT-13).

        Raises InvalidParameterValue for ``member``, with every error and its place (CRT-41).
        """
        checked = load_workflow(
            text, actions=self.actions, stage=Stage(workflow_type), budget=ADMITTED
        )
        if checked.workflow is None or has_errors(checked.findings):
            raise InvalidParameterValue(member, wire_message(checked.findings))
        return tuple(dict(detail) for detail in details(checked.workflow))
