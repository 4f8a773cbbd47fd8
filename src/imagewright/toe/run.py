"""A run of one or more documents on one machine, with its log folder (``component-documents.md``
§8.2).

Documents run in the order given, each to its end; one that a step aborted ends the run (§4.3).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event as Flag
from typing import Any

from imagewright.clock import Clock, SystemClock
from imagewright.machines.machine import Machine, MachineError
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.modules.table import MODULES
from imagewright.runner.refusal import refusals_in
from imagewright.runner.reporting import Event, StepStarted
from imagewright.runner.result import RunResult, sum_up
from imagewright.runner.run import run_component
from imagewright.runner.state import RunState, StepState
from imagewright.runner.status import RunStatus
from imagewright.toe.asked import Asked
from imagewright.toe.console import Console
from imagewright.toe.detailed import DocumentRun, DocumentsRun, chaining, detailed_output
from imagewright.toe.documents import Loaded, file_name, kind_of_place
from imagewright.toe.log_folder import LogFolder

OnEvent = Callable[[str, Event], None]
"""Hears of every event, and of which document it is."""

_SUCCESS = "TOE has completed execution successfully"
_FAILURE = "TOE has completed execution with failure - Execution failed!"


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What the command prints at its end."""

    execution_id: str
    status: str
    failed_step_count: int = 0
    executed_step_count: int = 0
    ignored_failed_step_count: int = 0
    failure_message: str = ""
    log_url: str = ""

    @property
    def is_success(self) -> bool:
        """Ignored failures count as success."""
        return self.status in (RunStatus.SUCCESS, RunStatus.SUCCESS_WITH_IGNORED_FAILURE)

    def to_json(self) -> dict[str, str | int]:
        """Spell it as ``awstoe run`` does."""
        return {
            "executionId": self.execution_id,
            "status": self.status,
            "failedStepCount": self.failed_step_count,
            "executedStepCount": self.executed_step_count,
            "ignoredFailedStepCount": self.ignored_failed_step_count,
            "failureMessage": self.failure_message,
            "logUrl": self.log_url,
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """A document that ran, as far as it came."""

    document: Loaded
    result: RunResult


def why_not(documents: Sequence[Loaded], asked: Asked, environment: RunEnvironment) -> str:
    """Say what keeps one of the documents from running, before any of them runs (§2.3)."""
    for document, given in zip(documents, asked.documents, strict=True):
        problems = refusals_in(
            environment,
            document.component,
            modules=MODULES,
            phases=phases_of(document, asked),
            parameters=given.parameters,
        )
        if problems:
            return f"Document {document.place} failed! {'; '.join(problems)}"
    return ""


def phases_of(document: Loaded, asked: Asked) -> list[str]:
    """Return the phases of a document that are to run."""
    return [phase.name for phase in document.component.phases if asked.wants(phase.name)]


class DocumentsRunner:
    """Runs documents one after another."""

    def __init__(
        self,
        asked: Asked,
        folder: LogFolder,
        *,
        execution_id: str,
        earlier: Sequence[dict[str, Any]] = (),
        clock: Clock | None = None,
        cancel: Flag | None = None,
        on_event: OnEvent = lambda _place, _event: None,
    ) -> None:
        """``earlier``: where the documents stood when the host went down for a restart."""
        self._asked = asked
        self._folder = folder
        self._earlier = earlier
        self.states: list[dict[str, Any]] = list(earlier)
        """Where the documents that have begun stand, as ``RunState`` spells them."""
        self._clock = clock or SystemClock()
        self._cancel = cancel or Flag()
        self._on_event = on_event
        began = earlier[0]["started_at"] if earlier else self._clock.now().isoformat()
        self._run = DocumentsRun(execution_id, began)
        self.ended: list[Ended] = []

    def set_up(self, documents: Sequence[Loaded]) -> None:
        """Say what is to run, and keep a copy of it."""
        self._folder.say("Setup: STARTED SETUP")
        for number, document in enumerate(documents):
            what = kind_of_place(document.place)
            self._folder.say(f"Setup: Document {document.place} is {what}")
            self._folder.put(f"D{number}__{file_name(document.place)}", document.text)
        for phase in self._asked.phases or ():
            if not any(document.component.phase(phase) for document in documents):
                self._folder.say(f"Setup: [WARNING] no document has the phase {phase}")
        if len(documents) == 1:
            self._folder.put("document.yaml", documents[0].text)
        self._write()

    def go(
        self, documents: Sequence[Loaded], machine: Machine, environment: RunEnvironment
    ) -> Summary:
        """Run them, or what is left of them; a host's RestartDue goes on to the caller."""
        environment = replace(environment, log_url=self._folder.url)
        if why := why_not(documents, self._asked, environment):
            return self.fail(why)
        over = max(len(self._earlier) - 1, 0)
        for number, document in enumerate(documents[:over]):
            self._take_over(document, RunState.from_json(self._earlier[number]))
        for number, document in enumerate(documents[over:], over):
            given = self._asked.documents[number].parameters
            if number >= len(self._earlier):
                self._folder.say(f"Document {document.place}")
            try:
                goes_on = self._document(number, document, given, machine, environment)
            except (ComponentRefused, MachineError) as error:
                self._break_off(document, str(error))
                return self.fail(f"Document {document.place} failed! {error}")
            if not goes_on:
                break
        return self._finish()

    def fail(self, message: str) -> Summary:
        """End a run that cannot begin, or cannot go on."""
        self._folder.say(f"[ERROR] {message}")
        return self._finish(message)

    def _document(
        self,
        number: int,
        document: Loaded,
        parameters: Mapping[str, str],
        machine: Machine,
        environment: RunEnvironment,
    ) -> bool:
        """Run one document, and tell whether the run goes on behind it."""
        component, now = document.component, self._clock.now().isoformat()
        earlier = self._taken_up(number)
        state = RunState(started_at=now) if earlier is None else RunState.from_json(earlier)
        shown = DocumentRun(document.place, component, state.started_at, state)
        if earlier is None:  # a document without a step saves nothing by itself
            self.states.append(state.to_json())
        self._run.documents.append(shown)
        self._write()
        console = Console(self._folder.say, self._folder.debug, document=document.place)
        if number == len(self._earlier) - 1:
            console.recovered()
        result = run_component(
            component,
            machine=machine,
            phases=phases_of(document, self._asked),
            parameters=parameters,
            environment=environment,
            reporter=_Reporter(
                document.place, console, shown, self._clock, self._write, self._on_event
            ),
            cancel=self._cancel,
            saved=earlier,
            save=lambda state: self._keep(number, shown, state),
            clock=self._clock,
        )
        self.ended.append(Ended(document, result))
        self._end(shown, result, self._clock.now().isoformat())
        self._write()
        if result.failure is not None:
            self._say_failure(document, result, console)
        return not result.is_aborted

    def _take_over(self, document: Loaded, state: RunState) -> None:
        """Show a document that was over before the host went down, as it was."""
        result = sum_up(document.component, state)
        shown = DocumentRun(document.place, document.component, state.started_at, state)
        ends = (step.ended_at or "" for step in state.steps)
        self._end(shown, result, max(ends, default=state.started_at))
        self._run.documents.append(shown)
        self.ended.append(Ended(document, result))

    def _end(self, shown: DocumentRun, result: RunResult, ended_at: str) -> None:
        shown.status, shown.ended_at = result.status.value, ended_at
        if result.status in (RunStatus.FAILED, RunStatus.CANCELLED):
            shown.failure = f"Document {shown.place} failed!"

    def _break_off(self, document: Loaded, why: str) -> None:
        """Say where the document stood that cannot go on, and that it failed there."""
        shown, now = self._run.documents[-1], self._clock.now().isoformat()
        shown.state.break_off(why, now)
        shown.status, shown.ended_at = RunStatus.FAILED.value, now
        shown.failure = f"Document {document.place} failed!"
        self.ended.append(Ended(document, sum_up(document.component, shown.state)))

    def _taken_up(self, number: int) -> dict[str, Any] | None:
        """Return where a document stood; the restart that it asked for is done."""
        if number >= len(self._earlier):
            return None
        return {**self._earlier[number], "reboot_pending": False}

    def _keep(self, number: int, shown: DocumentRun, state: dict[str, Any]) -> None:
        shown.state = RunState.from_json(state)
        self.states[number:] = [state]
        self._write()

    def _say_failure(self, document: Loaded, result: RunResult, console: Console) -> None:
        """Name the first step that failed, a line for each fact."""
        failure = result.failure
        assert failure is not None  # noqa: S101 - the caller looked
        facts = {
            "Document": document.component.name or "",
            "ComponentArn": document.place if document.place.startswith("arn:") else "",
            "Phase": failure.phase,
            "Step": failure.step,
            "Action": failure.action,
        }
        if failure.message:
            facts["ErrorMessage"] = failure.message
        if stderr := console.stderr_of(failure.phase, failure.step):
            facts["Stderr"] = stderr
        for name, value in facts.items():
            self._folder.say(f"    {name}: {value}")

    def _finish(self, message: str = "") -> Summary:
        results = [ended.result for ended in self.ended]
        failed = next((d for d in self._run.documents if d.failure), None)
        if not message and failed is not None:
            message = failed.failure
        status = RunStatus.FAILED if message else _overall(results)
        if self._cancel.is_set():
            status, message = RunStatus.FAILED, message or "The run was cancelled."
        self._run.status, self._run.failure = status.value, message
        self._run.ended_at = self._clock.now().isoformat()
        self._folder.say(_FAILURE if status is RunStatus.FAILED else _SUCCESS)
        self._write()
        return Summary(
            execution_id=self._run.execution_id,
            status=status.value,
            failed_step_count=sum(each.failed_step_count for each in results),
            executed_step_count=sum(each.executed_step_count for each in results),
            ignored_failed_step_count=sum(each.ignored_failed_step_count for each in results),
            failure_message=message,
            log_url=self._folder.url,
        )

    def _write(self) -> None:
        phases = self._asked.phases
        selected = None if phases is None else frozenset(phases)
        self._folder.put_json("detailedoutput.json", detailed_output(self._run))
        self._folder.put_json("chaining.json", chaining(self._run, selected))


@dataclass(frozen=True, slots=True)
class _Reporter:
    """Hands each event to the console, the files and whoever watches."""

    place: str
    console: Console
    shown: DocumentRun
    clock: Clock
    write: Callable[[], None]
    on_event: OnEvent

    def report(self, event: Event) -> None:
        self.console.report(event)
        if isinstance(event, StepStarted) and self._is_new(event):
            self._begin(event)
        self.on_event(self.place, event)

    def _is_new(self, event: StepStarted) -> bool:
        return self.shown.state.find(event.phase, event.step) is None

    def _begin(self, event: StepStarted) -> None:
        """Show that the step runs; what it comes to, the saved state will say."""
        running = StepState(
            phase=event.phase,
            step=event.step,
            action=event.action,
            started_at=self.clock.now().isoformat(),
        )
        self.shown.state = replace(self.shown.state, steps=[*self.shown.state.steps, running])
        self.write()


def _overall(results: Sequence[RunResult]) -> RunStatus:
    """Sum up documents as steps are summed up."""
    seen = {result.status for result in results}
    for status in (RunStatus.FAILED, RunStatus.SUCCESS_WITH_IGNORED_FAILURE):
        if status in seen:
            return status
    return RunStatus.SUCCESS
