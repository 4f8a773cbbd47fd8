"""Telling a build's watchers what a component does, while it does it."""

from imagewright.engine.ports import StepLog
from imagewright.runner.reporting import (
    Event,
    InDocument,
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

    def __init__(self, log: StepLog, component_arn: str, within: InDocument | None = None) -> None:
        """``within``: the step of the component that executes the document which is told of."""
        self._log = log
        self._component = component_arn
        self._within = within

    def report(self, event: Event) -> None:
        """Take one event."""
        match event:
            case OutputLine():
                self._log.line(
                    event.stream,
                    event.text,
                    continues=event.continues,
                    component=self._component,
                    **self._place(event.phase, event.step),
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
            case InDocument(event=inner):
                within = self._within or event
                ComponentLog(self._log, self._component, within).report(inner)
            case _:
                return

    def _note(self, text: str, **facts: str) -> None:
        if self._within is not None:
            text = f"{self._within.document}: {text}"
            facts |= self._place("", "")
        self._log.note(text, component=self._component, **facts)

    def _place(self, phase: str, step: str) -> dict[str, str]:
        """Say where it happens: of the component itself, never of a document that it executes."""
        within = self._within
        if within is not None:
            phase, step = within.phase, within.step
        return {"phase": phase, "component_step": step}
