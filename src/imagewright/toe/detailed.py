"""``detailedoutput.json`` and ``chaining.json`` (``component-documents.md`` §9.3, §9.4).

Made anew from the state of the run whenever that changes. Where a step does not log, its inputs
and outputs are masked: the folder may go to a bucket.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component, Counting, Phase, Step
from imagewright.documents.reading import ADMITTED
from imagewright.runner.modules.table import SPECS
from imagewright.runner.result import masked, sum_up
from imagewright.runner.state import NestedRun, RunState, StepState
from imagewright.runner.status import RunStatus, StepStatus, combine

Json = dict[str, Any]

RUNNING = "running"

_NOT_GIVEN: Mapping[str, Json] = {
    "ExecuteDocument": {
        "document": "",
        "document-s3-bucket-owner": "",
        "phases": "",
        "parameters": None,
    }
}
"""How inputs that were not given appear, in the order of the module's own (§9.3)."""
_NUMBERS: Mapping[str, frozenset[str]] = {
    "ExecuteDocument": frozenset(
        {"executedStepCount", "failedStepCount", "ignoredFailedStepCount"}
    ),
    "InstallMSI": frozenset({"msiExitCode"}),
    "UninstallMSI": frozenset({"msiExitCode"}),
}
"""Outputs that are numbers (§7.1, §7.5, §8.2)."""


@dataclass(slots=True)
class DocumentRun:
    """A document that has begun, as far as it came."""

    place: str
    component: Component
    started_at: str
    state: RunState
    status: str = RUNNING
    ended_at: str = ""
    failure: str = ""


@dataclass(slots=True)
class DocumentsRun:
    """All of a run."""

    execution_id: str
    started_at: str
    status: str = RUNNING
    ended_at: str = ""
    failure: str = ""
    documents: list[DocumentRun] = field(default_factory=list)


def detailed_output(run: DocumentsRun) -> Json:
    """Return the tree of results."""
    return {
        "executionId": run.execution_id,
        "status": run.status,
        "startTime": _second(run.started_at),
        "endTime": _second(run.ended_at),
        "failureMessage": run.failure,
        "documents": [_document(document) for document in run.documents],
    }


def chaining(run: DocumentsRun, selected: frozenset[str] | None) -> list[Json]:
    """Return what steps may read of each other; all phases are there, chosen or not."""
    return [
        {"phases": [_chained_phase(each, phase, selected) for phase in each.component.phases]}
        for each in run.documents
    ]


def _document(document: DocumentRun) -> Json:
    return {
        "name": document.component.name or "",
        "filePath": document.place,
        "status": document.status,
        "description": document.component.description or "",
        "startTime": _second(document.started_at),
        "endTime": _second(document.ended_at),
        "failureMessage": document.failure,
        "phases": list(_phases(document)),
    }


def _phases(document: DocumentRun) -> Iterator[Json]:
    for phase in document.component.phases:
        steps = {step.name: step for step in phase.steps}  # there may be hundreds
        begun = [state for state in document.state.steps if state.phase == phase.name]
        if not begun:
            continue
        is_over = all(state.ended_at for state in begun)
        failed = next((s for s in begun if s.status is StepStatus.FAILED), None)
        yield {
            "name": phase.name,
            "status": combine(s.status for s in begun).value if is_over else RUNNING,
            "startTime": _second(begun[0].started_at),
            "endTime": _second(begun[-1].ended_at or ""),
            "failureMessage": "" if failed is None else f"Step {failed.step} failed!",
            "steps": [_step(steps[state.step], state) for state in begun],
        }


def _step(step: Step, state: StepState) -> Json:
    inputs, outputs = _shown(step, state)
    return {
        "name": state.step,
        "status": state.status.value,
        "failureMessage": state.message,
        "timeoutSeconds": -1 if step.timeout_seconds is None else step.timeout_seconds,
        "onFailure": step.on_failure.value,
        "maxAttempts": step.attempts_max,
        "action": step.action,
        "startTime": _second(state.started_at),
        "endTime": _second(state.ended_at or ""),
        "inputs": _packed(inputs),
        "outputs": _packed([outputs] if outputs else []),
        "loop": _loop(step, state),
        "detailedOutput": _nested(state) if step.logging and state.nested else None,
    }


def _nested(state: StepState) -> list[Json]:
    """Return the trees of the documents that a step executes, a run for each (§7.1)."""
    return [
        detailed_output(_nested_run(nested, is_over=state.ended_at is not None or n < state.round))
        for n, nested in enumerate(state.nested)
    ]


def _nested_run(nested: NestedRun, *, is_over: bool) -> DocumentsRun:
    component = load_component(nested.text, modules=SPECS, budget=ADMITTED).component
    assert component is not None, "it was checked before it ran"  # noqa: S101
    result, began = sum_up(component, nested.state), nested.state.started_at
    ended = _last_end(nested.state) if is_over else ""
    status = result.status.value if ended else RUNNING
    failure = f"Document {nested.document} failed!" if ended and result.failure else ""
    if nested.refusal:
        status, failure = RunStatus.FAILED.value, nested.refusal
    document = DocumentRun(
        nested.document, component, began, nested.state, status, ended_at=ended, failure=failure
    )
    return DocumentsRun(
        nested.execution_id, began, status, ended, failure=failure, documents=[document]
    )


def _last_end(state: RunState) -> str:
    return max((step.ended_at or "" for step in state.steps), default=state.started_at)


def _chained_phase(document: DocumentRun, phase: Phase, selected: frozenset[str] | None) -> Json:
    begun = {state.step: state for state in document.state.steps if state.phase == phase.name}
    return {
        "name": phase.name,
        "isSelected": selected is None or phase.name in selected,
        "steps": [_chained_step(step, begun.get(step.name)) for step in phase.steps],
    }


def _chained_step(step: Step, state: StepState | None) -> Json:
    inputs, outputs = ([], {}) if state is None else _shown(step, state)
    return {
        "name": step.name,
        "inputs": _packed(inputs),
        "outputs": _packed([outputs] if outputs else []),
        "loop": None if state is None else _loop(step, state),
        "documents": None,
    }


def _shown(step: Step, state: StepState) -> tuple[list[Any], Mapping[str, Any]]:
    inputs, outputs = state.inputs, state.output
    if not step.logging:
        inputs, outputs = masked(inputs), masked(outputs)
    zeros = _NOT_GIVEN.get(step.action, {})
    return [{**zeros, **entry} for entry in inputs], _typed(step, outputs)


def _typed(step: Step, outputs: Mapping[str, str]) -> Mapping[str, Any]:
    """Spell as a number what is one; the rounds of a loop, joined, are none."""
    numbers = _NUMBERS.get(step.action, ())
    return {
        name: int(text) if name in numbers and text.isdecimal() else text
        for name, text in outputs.items()
    }


def _loop(step: Step, state: StepState) -> Json | None:
    """Tell of a loop's rounds; the shape is our own, for none was ever seen (O-19)."""
    if step.loop is None:
        return None
    is_counting = isinstance(step.loop.over, Counting)
    values = state.loop_values or []
    return {
        "name": step.loop.name or "loop",
        "type": "for" if is_counting else "forEach",
        "iterations": [
            {
                "index": number,
                "value": value if step.logging else masked(value),
                "status": _round_status(state, number),
                "outputs": _packed([_round_outputs(step, state, number)]),
            }
            for number, value in enumerate(values)
            if number < state.round or (number == state.round and not _is_whole(state))
        ],
    }


def _is_whole(state: StepState) -> bool:
    return state.status in (StepStatus.SUCCESS, StepStatus.SKIPPED)


def _round_status(state: StepState, number: int) -> str:
    return (StepStatus.SUCCESS if number < state.round else state.status).value


def _round_outputs(step: Step, state: StepState, number: int) -> Mapping[str, Any]:
    outputs = state.outputs[number] if number < len(state.outputs) else {}
    return _typed(step, outputs if step.logging else masked(outputs))


def _packed(values: object) -> str:
    """Spell a list as the text that the files have in place of it."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _second(moment: str) -> str:
    """Cut a moment down to RFC 3339 with whole seconds."""
    if not moment:
        return ""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
