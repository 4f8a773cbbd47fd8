"""What came of a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from imagewright.documents.component.model import Component, OnFailure, Step
from imagewright.masking import MASK
from imagewright.runner.hints import hint
from imagewright.runner.state import RunState, StepState
from imagewright.runner.status import PhaseStatus, RunStatus, StepStatus, combine


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step that ran, or was skipped."""

    phase: str
    step: str
    action: str
    status: StepStatus
    attempts: int
    inputs: tuple[Any, ...]
    """As resolved, one for each entry; masked where the step does not log."""
    outputs: dict[str, str]
    """Masked likewise."""
    exit_code: int | None
    message: str
    """Why it failed; empty otherwise."""
    started_at: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """One phase of which at least one step began."""

    phase: str
    status: PhaseStatus
    steps: tuple[StepResult, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The first step that failed, as the API's ``componentFailure`` has it (§10.3)."""

    phase: str
    step: str
    action: str
    message: str
    last_lines: str
    """What it wrote last; empty if there is nothing, or the step does not log."""
    hint: str
    """What may help; empty where nothing is known that does."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run."""

    status: RunStatus
    phases: tuple[PhaseResult, ...]
    failure: Failure | None
    """The first; an ignored one is none."""
    executed_step_count: int
    """Skipped ones are not among them."""
    failed_step_count: int
    """Ignored ones are not among them."""
    ignored_failed_step_count: int
    reboots: int
    seconds: float
    """Of all steps together."""
    is_aborted: bool
    """A step ended the run (§4.3): nothing follows, also no other document."""


def sum_up(component: Component, state: RunState) -> RunResult:
    """Say what came of a run."""
    steps = state.steps
    failed = [step for step in steps if step.status is StepStatus.FAILED]
    return RunResult(
        status=combine(step.status for step in steps),
        phases=tuple(_phases(component, steps)),
        failure=_failure(component, failed[0]) if failed else None,
        executed_step_count=sum(step.status is not StepStatus.SKIPPED for step in steps),
        failed_step_count=len(failed),
        ignored_failed_step_count=sum(s.status is StepStatus.IGNORED_FAILURE for s in steps),
        reboots=state.reboots,
        seconds=sum(step.seconds for step in steps),
        is_aborted=any(_aborts(component, step) for step in steps),
    )


def masked(value: Any) -> Any:
    """Keep a value's shape and hide its texts."""
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return MASK


def _phases(component: Component, steps: list[StepState]) -> Iterable[PhaseResult]:
    for name in dict.fromkeys(step.phase for step in steps):
        of_phase = [step for step in steps if step.phase == name]
        status = combine(step.status for step in of_phase)
        yield PhaseResult(name, status, tuple(_step(component, step) for step in of_phase))


def _step(component: Component, state: StepState) -> StepResult:
    shown = _logs(component, state)
    return StepResult(
        phase=state.phase,
        step=state.step,
        action=state.action,
        status=state.status,
        attempts=state.attempt,
        inputs=tuple(state.inputs if shown else masked(state.inputs)),
        outputs=state.output if shown else masked(state.output),
        exit_code=state.exit_code,
        message=state.message,
        started_at=state.started_at,
        seconds=state.seconds,
    )


def _failure(component: Component, state: StepState) -> Failure:
    last_lines = state.last_lines if _logs(component, state) else []
    return Failure(
        phase=state.phase,
        step=state.step,
        action=state.action,
        message=state.message,
        last_lines="\n".join(last_lines),
        hint=hint(state.message, last_lines, exit_code=state.exit_code),
    )


def _aborts(component: Component, state: StepState) -> bool:
    if state.status is StepStatus.CANCELLED:
        return True
    step = _document_step(component, state)
    is_abort = step is not None and step.on_failure is OnFailure.ABORT
    return is_abort and state.status is StepStatus.FAILED


def _logs(component: Component, state: StepState) -> bool:
    step = _document_step(component, state)
    return step is not None and step.logging


def _document_step(component: Component, state: StepState) -> Step | None:
    phase = component.phase(state.phase)
    return None if phase is None else phase.step(state.step)
