"""Running one step: condition, inputs, action, record (``workflow-documents.md`` §4.3)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog

from imagewright.clock import Clock
from imagewright.documents.specs import to_plain
from imagewright.documents.workflow.evaluation import resolved_inputs, runs, typed_inputs
from imagewright.documents.workflow.model import Step
from imagewright.documents.workflow.resolve import ResolveError
from imagewright.documents.workflow.scope import Scope
from imagewright.engine.breakdown import cause_of
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import (
    ActionError,
    Distribution,
    Documents,
    Machines,
    Pause,
    Records,
    Skip,
    StepAction,
    StepContext,
    StepLog,
    World,
)
from imagewright.engine.records import MESSAGE_MAX, StepExecution, StepStatus
from imagewright.engine.scene import Scene, Scenes, as_json
from imagewright.engine.secrets import BuildSecrets
from imagewright.engine.stop import Stop, watching

_log = structlog.get_logger()


class Verdict(StrEnum):
    """What a step means for the steps after it."""

    GO_ON = "go on"
    WAIT = "wait"
    ABORT = "abort"
    CANCELLED = "cancelled"


class Steps:
    """Runs steps. Everything it does can be repeated: the record tells how far it came."""

    def __init__(
        self,
        *,
        records: Records,
        scenes: Scenes,
        actions: Mapping[str, StepAction],
        machines: Machines,
        distribution: Distribution,
        documents: Documents,
        world: World,
        clock: Clock,
        log: Callable[[BuildPlan, StepExecution], StepLog],
        secrets: BuildSecrets,
    ) -> None:
        self._records = records
        self._scenes = scenes
        self._actions = actions
        self._machines = machines
        self._distribution = distribution
        self._documents = documents
        self._world = world
        self._clock = clock
        self._log = log
        self._secrets = secrets

    def perform(self, step_id: str) -> Verdict:
        """Run a step to its end, or to where it waits for an answer.

        One that waits already was lost on the way here, so that those who may answer are told
        once more: perhaps nobody was.
        """
        step = self._records.step(step_id)
        if step.status not in {StepStatus.PENDING, StepStatus.RUNNING, StepStatus.WAITING}:
            return _verdict(step)
        if self._records.is_cancelled(step.image_arn):
            self._abandon(step)
            return self._cancel(step)
        try:
            return self._perform(step)
        except Exception as error:  # a defect of an action, a key that is gone: the step's failure
            _log.exception("a step broke off", step=step_id, action=step.action)
            message = f"{step.action} broke off: {cause_of(error)}"
            return self._fail(self._records.step(step_id), ActionError(message))

    def _perform(self, step: StepExecution) -> Verdict:
        scene = self._scenes.of(step.workflow_execution_id)
        try:
            started = self._start(step, scene)
        except ResolveError as error:
            return self._fail(replace(step, inputs=self._refused_inputs(step, scene)), error)
        return Verdict.GO_ON if started is None else self._act(*started, scene)

    def seconds_left(self, step_id: str) -> float:
        """Return how long a waiting step may still wait."""
        return self._seconds_left(self._records.step(step_id))

    def settle(self, step_id: str, answer: Mapping[str, str] | None) -> Verdict:
        """End a waiting step by its answer; None: nobody answered in time (§12.2).

        Returns WAIT where the answer came at the last moment: it counts, and is to be fetched.
        """
        step = self._records.step(step_id)
        if step.status is not StepStatus.WAITING:
            return _verdict(step)
        if self._records.is_cancelled(step.image_arn):
            return self._cancel(step)
        if answer is None:
            failed = self._failed(step, _timed_out(step))
            return _verdict(failed) if self._records.stop_waiting(failed) else Verdict.WAIT
        outputs = {name: answer[name] for name in ("action", "reason") if answer.get(name)}
        if answer["action"] == "STOP":
            reason = answer.get("reason")
            text = f"The step was stopped: {reason}" if reason else "The step was stopped."
            return self._fail(step, ActionError(text, outputs=outputs))
        return self._complete(step, outputs, outputs)

    def context(
        self, step: StepExecution, scene: Scene, stop: Stop, *, undoes: bool = False
    ) -> StepContext:
        """Return what a step's action is given.

        ``undoes``: it is to clear up, which shows nothing that a machine printed, and so waits for
        no secret to be read again. Otherwise raises ActionError where one cannot be.
        """
        if undoes:
            secrets = self._secrets.known(scene.plan.image_arn)
        else:
            secrets = self._secrets.of(scene.plan, begins=_begins(scene, step))
        return StepContext(
            plan=scene.plan,
            stage=scene.execution.stage,
            execution=scene.execution,
            step=step,
            base_image_id=scene.base_image_id,
            machines=self._machines,
            distribution=self._distribution,
            documents=self._documents,
            world=self._world,
            stop=stop,
            seconds_left=self._seconds_left(step),
            clock=self._clock,
            log=self._log(scene.plan, step),
            secrets=secrets,
        )

    def _start(self, step: StepExecution, scene: Scene) -> tuple[StepExecution, Any] | None:
        """Record that the step runs; return its record and typed inputs, None if it is skipped."""
        document, scope = scene.step(step), self._scope(step, scene)
        if step.status is StepStatus.PENDING and not runs(document, scope):
            self._skip(replace(step, inputs=_raw_inputs(document)))
            return None
        values = resolved_inputs(document, scope)
        inputs = typed_inputs(document, self._actions[step.action].spec, values)
        if step.status is StepStatus.PENDING:
            step = replace(
                step,
                status=StepStatus.RUNNING,
                started_at=self._clock.now(),
                inputs=as_json(values) if document.inputs is not None else None,
            )
            self._records.save_step(step)
            pass_by(CrashPoint.STEP_STARTED, which=step.action)
        return step, inputs

    def _refused_inputs(self, step: StepExecution, scene: Scene) -> str | None:
        """Return what a step that fails over its inputs shows: what they came to, or else raw."""
        document = scene.step(step)
        if document.inputs is None:
            return None
        try:
            return as_json(resolved_inputs(document, self._scope(step, scene)))
        except ResolveError:
            return _raw_inputs(document)

    def _scope(self, step: StepExecution, scene: Scene) -> Scope:
        before = {
            other.name: other
            for other in self._records.steps(step.workflow_execution_id)
            if other.ordinal < step.ordinal
        }
        return scene.scope(before)

    def _act(self, step: StepExecution, inputs: Any, scene: Scene) -> Verdict:
        action = self._actions[step.action]
        with watching(
            lambda: self._records.is_cancelled(step.image_arn), lambda: self._seconds_left(step)
        ) as stop:
            try:
                context = self.context(step, scene, stop)
                result = action.run(inputs, context)
            except ActionError as error:
                return self._fail_or_stop(step, stop, error)
            if isinstance(result, Pause):
                return self._wait(step, result)
        if isinstance(result, Skip):
            self._skip(replace(step, inputs=_raw_inputs(scene.step(step))))
            return Verdict.GO_ON
        if result is None:
            return self._complete(step, {}, {})
        return self._complete(step, to_plain(result), to_plain(result, hidden=True))

    def _wait(self, step: StepExecution, pause: Pause) -> Verdict:
        waiting = replace(step, status=StepStatus.WAITING)
        if step.status is not StepStatus.WAITING and not self._records.start_waiting(waiting):
            return self._cancel(step)
        pass_by(CrashPoint.STEP_WAITING)
        try:
            pause.tell()
        except ActionError as error:
            if self._records.is_cancelled(step.image_arn):
                return self._cancel(waiting)
            failed = self._failed(waiting, error)
            return _verdict(failed) if self._records.stop_waiting(failed) else Verdict.WAIT
        pass_by(CrashPoint.WAITING_TOLD)
        return Verdict.WAIT

    def _abandon(self, step: StepExecution) -> None:
        """End what a lost run of the step left going elsewhere."""
        abandon = self._actions[step.action].abandon
        if abandon is None or step.status is not StepStatus.RUNNING:
            return
        scene = self._scenes.of(step.workflow_execution_id)
        context = self.context(step, scene, Stop(), undoes=True)
        try:
            if (started := self._start(step, scene)) is not None:
                abandon(started[1], context)
        except (ActionError, ResolveError) as error:
            context.log.note(str(error))

    def _complete(self, step: StepExecution, shown: Any, results: Any) -> Verdict:
        secrets = self._secrets.known(step.image_arn)
        return self._end(
            step,
            status=StepStatus.COMPLETED,
            outputs=as_json(secrets.mask_all(shown)) if shown else None,
            results=secrets.mask_all(results),
        )

    def _skip(self, step: StepExecution) -> None:
        now = self._clock.now()
        self._records.save_step(
            replace(step, status=StepStatus.SKIPPED, started_at=now, ended_at=now)
        )

    def _fail_or_stop(self, step: StepExecution, stop: Stop, error: ActionError) -> Verdict:
        if stop.reason == "cancelled":
            return self._cancel(step)
        if stop.reason == "timed out" or self._seconds_left(step) <= 0:
            error = _timed_out(step, error)
        return self._fail(step, error)

    def _fail(self, step: StepExecution, error: Exception) -> Verdict:
        return self._end(self._failed(step, error))

    def _failed(self, step: StepExecution, error: Exception) -> StepExecution:
        outputs = error.outputs if isinstance(error, ActionError) else {}
        secrets = self._secrets.known(step.image_arn)
        message, results = secrets.mask(str(error)), secrets.mask_all(dict(outputs))
        told = {"errorMessage": message, **results}
        if isinstance(error, ActionError) and error.component is not None:
            told["componentFailure"] = secrets.mask_all(dict(error.component))
        now = self._clock.now()
        return replace(
            step,
            status=StepStatus.FAILED,
            message=_shortened(message),
            outputs=as_json(told),
            results=results or None,  # §5.6: what it put out all the same may be referred to
            started_at=step.started_at or now,
            ended_at=now,
        )

    def _cancel(self, step: StepExecution) -> Verdict:
        """A step that had not begun stays pending (EXE-03)."""
        if step.status is not StepStatus.PENDING:
            self._end(step, status=StepStatus.CANCELLED)
        return Verdict.CANCELLED

    def _end(self, step: StepExecution, **changes: Any) -> Verdict:
        ended = replace(step, ended_at=self._clock.now(), **changes)
        self._records.save_step(ended)
        pass_by(CrashPoint.STEP_ENDED, which=step.action)
        return _verdict(ended)

    def _seconds_left(self, step: StepExecution) -> float:
        started_at = step.started_at or self._clock.now()
        return _until(started_at + timedelta(seconds=step.timeout_seconds), self._clock.now())


def _raw_inputs(document: Step) -> str | None:
    return as_json(document.raw_inputs) if document.inputs else None


def _begins(scene: Scene, step: StepExecution) -> bool:
    return scene.execution.ordinal == 0 and step.ordinal == 0


def _verdict(step: StepExecution) -> Verdict:
    if step.status is StepStatus.CANCELLED:
        return Verdict.CANCELLED
    if step.status is StepStatus.FAILED and step.on_failure == "Abort":
        return Verdict.ABORT
    return Verdict.GO_ON


def _timed_out(step: StepExecution, cause: ActionError | None = None) -> ActionError:
    text = f"The step timed out: it did not end within {step.timeout_seconds} seconds."
    if cause is None:
        return ActionError(text)
    return ActionError(f"{text} {cause}", outputs=cause.outputs, component=cause.component)


def _until(moment: datetime, now: datetime) -> float:
    return (moment - now).total_seconds()


def _shortened(text: str) -> str:
    return text if len(text) <= MESSAGE_MAX else text[: MESSAGE_MAX - 1] + "…"
