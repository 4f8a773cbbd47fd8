"""Telling a build's watchers what a component does, while it does it."""

from imagewright.engine.ports import StepLog
from imagewright.runner.reporting import (
    Event,
    Notice,
    OutputLine,
    PhaseStarted,
    Rebooting,
    StepEnded,
    StepStarted,
)
from imagewright.runner.status import StepStatus


class ComponentLog:
    """A ``Reporter`` that writes into the log of the build's step."""

    def __init__(self, log: StepLog, component_arn: str) -> None:
        self._log = log
        self._component = component_arn

    def report(self, event: Event) -> None:
        """Take one event."""
        match event:
            case OutputLine():
                self._log.line(
                    event.stream,
                    event.text,
                    continues=event.continues,
                    component=self._component,
                    phase=event.phase,
                    component_step=event.step,
                )
            case PhaseStarted(phase=phase):
                self._note(f"Phase {phase}", phase=phase)
            case StepStarted(phase=phase, step=step, action=action):
                again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
                self._note(f"Step {step}: {action}{again}", phase=phase, component_step=step)
            case StepEnded(phase=phase, step=step, status=status) if event.message:
                self._note(
                    f"Step {step} {status.value}: {event.message}", phase=phase, component_step=step
                )
            case StepEnded(phase=phase, step=step, status=StepStatus.SKIPPED):
                self._note(f"Step {step} skipped by its `if`", phase=phase, component_step=step)
            case Notice(phase=phase, step=step, text=text):
                self._note(text, phase=phase, component_step=step)
            case Rebooting(phase=phase, step=step):
                then = f"then {step} runs again" if event.runs_again else "then the run goes on"
                self._note(f"The machine reboots, {then}", phase=phase, component_step=step)
            case _:
                return

    def _note(self, text: str, **facts: str) -> None:
        self._log.note(text, component=self._component, **facts)
