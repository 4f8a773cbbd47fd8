"""A build from its plan to its end: stages, units of workflows, steps, one after another.

This is the text that the journal replays: what it decides on comes from journalled steps alone.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from imagewright.clock import Clock
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.evaluation import made_image, workflow_outputs
from imagewright.documents.workflow.resolve import ResolveError
from imagewright.engine.attempts import Attempt
from imagewright.engine.breakdown import cause_of, end_build, end_workflow
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.durable import Durable
from imagewright.engine.failures import STATES, failure_of
from imagewright.engine.groups import has_aborted, units
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import Machines, Records
from imagewright.engine.records import (
    MESSAGE_MAX,
    ImageStatus,
    StepExecution,
    WorkflowExecution,
    WorkflowStatus,
)
from imagewright.engine.rollback import Rollback
from imagewright.engine.scene import Scenes
from imagewright.engine.steps import Steps, Verdict

_log = structlog.get_logger()

OVERTAKEN = "overtaken by a retry"

End = str
"""How a workflow execution ended for its image: ``ok``, ``failed`` or ``cancelled``."""


class Builds:
    """Runs builds and the workflows in them."""

    def __init__(
        self,
        *,
        records: Records,
        scenes: Scenes,
        steps: Steps,
        rollback: Rollback,
        machines: Machines,
        clock: Clock,
        forewarn: Callable[[BuildPlan], None] = lambda _plan: None,
        new_uuid: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        """``forewarn`` says in a build's log what is known to be missing as it begins."""
        self._records = records
        self._scenes = scenes
        self._steps = steps
        self._rollback = rollback
        self._machines = machines
        self._clock = clock
        self._forewarn = forewarn
        self._new_uuid = new_uuid

    def run(self, run_id: str, durable: Durable) -> str:
        """Build an image and return the state it ends in; ``run_id`` is an ``Attempt``'s."""
        try:
            return self._run_stages(run_id, durable)
        except Exception as error:  # whatever it is, no build is left hanging
            _log.exception("a build broke off", run=run_id)
            if self._is_over(run_id):
                return OVERTAKEN
            return end_build(
                Attempt.of(run_id).image_arn,
                cause_of(error),
                records=self._records,
                machines=self._machines,
                now=self._clock.now(),
            ).value

    def _run_stages(self, run_id: str, durable: Durable) -> str:
        image_arn = Attempt.of(run_id).image_arn
        for stage, unit_list in durable.step("begin", self._begin, image_arn):
            durable.step(f"enter {stage}", self._enter, image_arn, stage)
            for grouped, execution_ids in unit_list:
                end = self._run_unit(execution_ids, durable, grouped=grouped)
                if end != "ok":
                    return durable.step("end", self._end, run_id, end)
        return durable.step("end", self._end, run_id, "ok")

    def run_workflow(self, execution_id: str, durable: Durable) -> End:
        """Run one workflow execution, step after step."""
        try:
            return self._run_steps(execution_id, durable)
        except Exception as error:  # whatever it is, no execution is left running
            _log.exception("a workflow broke off", execution=execution_id)
            now = self._clock.now()
            end_workflow(execution_id, cause_of(error), records=self._records, now=now)
            return self._end_after_failure(self._records.execution(execution_id))

    def _run_steps(self, execution_id: str, durable: Durable) -> End:
        step_ids: list[str] = durable.step("start", self._start, execution_id)
        for step_id in step_ids:
            verdict: str = durable.step("step", self._steps.perform, step_id)
            if verdict == Verdict.WAIT:
                verdict = self._await_answer(step_id, durable)
            if verdict in {Verdict.ABORT, Verdict.CANCELLED}:
                return durable.step("stop", self._stop, execution_id, verdict)
        return durable.step("finish", self._finish, execution_id)

    def _run_unit(self, execution_ids: Sequence[str], durable: Durable, *, grouped: bool) -> End:
        if grouped:
            ends = durable.side_by_side(execution_ids)
        else:
            ends = [self.run_workflow(execution_ids[0], durable)]
        return next((end for end in ("cancelled", "failed") if end in ends), "ok")

    def _await_answer(self, step_id: str, durable: Durable) -> str:
        verdict: str = Verdict.WAIT
        build = self._records.step(step_id).image_arn
        while verdict == Verdict.WAIT:
            seconds = durable.step("time to wait", self._steps.seconds_left, step_id)
            answer = durable.receive(step_id, timeout_seconds=max(seconds, 0.0), build=build)
            verdict = durable.step("settle", partial(self._steps.settle, answer=answer), step_id)
        return verdict

    def _begin(self, image_arn: str) -> list[tuple[str, list[tuple[bool, list[str]]]]]:
        """Record every execution of the build; return what is to run, stage by stage.

        Nothing, if it was cancelled while it waited for its turn; of a retry, what is not done.
        Of each unit: whether it is a group, and the ids of its executions.
        """
        plan = self._records.plan(image_arn)
        if self._records.is_cancelled(image_arn):
            return []
        if not self._records.executions(image_arn):
            executions = [self._execution(plan, ordinal) for ordinal in range(len(plan.workflows))]
            steps = [step for execution in executions for step in self._steps_of(plan, execution)]
            self._forewarn(plan)
            self._records.begin(executions, steps)
        pass_by(CrashPoint.BUILD_BEGUN)
        recorded = self._records.executions(image_arn)
        running = [each for each in recorded if not each.status.is_final]
        stages = ((stage, [each for each in running if each.stage is stage]) for stage in Stage)
        return [
            (
                stage.value,
                [
                    (unit[0].parallel_group is not None, [each.id for each in unit])
                    for unit in units(of_stage)
                ],
            )
            for stage, of_stage in stages
            if of_stage
        ]

    def _execution(self, plan: BuildPlan, ordinal: int) -> WorkflowExecution:
        planned = plan.workflows[ordinal]
        skipped = planned.stage is Stage.TEST and not plan.tests_enabled
        now = self._clock.now() if skipped else None
        return WorkflowExecution(
            id=f"wf-{self._new_uuid()}",
            image_arn=plan.image_arn,
            ordinal=ordinal,
            planned=ordinal,
            workflow_arn=planned.arn,
            stage=planned.stage,
            status=WorkflowStatus.SKIPPED if skipped else WorkflowStatus.PENDING,
            parallel_group=planned.parallel_group,
            started_at=now,
            ended_at=now,
        )

    def _steps_of(self, plan: BuildPlan, execution: WorkflowExecution) -> list[StepExecution]:
        workflow = self._scenes.workflow(plan.workflows[execution.planned], plan.region)
        return [
            StepExecution(
                id=f"step-{self._new_uuid()}",
                workflow_execution_id=execution.id,
                image_arn=plan.image_arn,
                ordinal=ordinal,
                name=step.name,
                action=step.action,
                description=step.description,
                on_failure=step.on_failure.value,
                timeout_seconds=step.timeout_seconds,
            )
            for ordinal, step in enumerate(workflow.steps)
        ]

    def _enter(self, image_arn: str, stage: str) -> None:
        self._records.set_image_state(image_arn, STATES[Stage(stage)])

    def _start(self, execution_id: str) -> list[str]:
        execution = self._records.execution(execution_id)
        if self._a_sibling_aborted(execution):
            return []
        if execution.status is WorkflowStatus.PENDING:
            self._records.save_execution(
                replace(execution, status=WorkflowStatus.RUNNING, started_at=self._clock.now())
            )
        return [step.id for step in self._records.steps(execution_id)]

    def _a_sibling_aborted(self, execution: WorkflowExecution) -> bool:
        """Tell whether a test of the same group failed for good: none is started then (§10.2)."""
        if execution.parallel_group is None or execution.status is not WorkflowStatus.PENDING:
            return False
        plan = self._records.plan(execution.image_arn)
        return any(
            other.parallel_group == execution.parallel_group
            and not plan.workflows[other.planned].goes_on_after_failure
            and has_aborted(other, self._records.steps(other.id))
            for other in self._records.executions(execution.image_arn)
        )

    def _finish(self, execution_id: str) -> End:
        """End an execution whose steps are through: keep its outputs (§8)."""
        execution = self._records.execution(execution_id)
        if execution.status is WorkflowStatus.RUNNING:
            execution = self._completed(execution)
            self._records.save_execution(execution)
        if execution.status is WorkflowStatus.FAILED:
            return self._end_after_failure(execution)
        return "ok"

    def _completed(self, execution: WorkflowExecution) -> WorkflowExecution:
        """A build workflow that made no image has failed, well as its steps went."""
        scene = self._scenes.of(execution.id)
        scope = scene.scope({step.name: step for step in self._records.steps(execution.id)})
        ended = replace(execution, status=WorkflowStatus.COMPLETED, ended_at=self._clock.now())
        if execution.stage is Stage.BUILD and scene.plan.container is not None:
            if self._machines.container_image(scene.plan) is None:
                why = "no ExecuteComponents step went well"
                message = f"The workflow made no container image: {why}."
                return replace(ended, status=WorkflowStatus.FAILED, message=message)
        elif execution.stage is Stage.BUILD:
            try:
                made = made_image(scene.workflow, scope)
            except ResolveError as error:
                message = f"The workflow made no image: {error}"[:MESSAGE_MAX]
                return replace(ended, status=WorkflowStatus.FAILED, message=message)
            self._records.add_output_image(execution.image_arn, made)
            pass_by(CrashPoint.OUTPUT_SHOWN)
        return replace(ended, outputs=workflow_outputs(scene.workflow, scope))

    def _stop(self, execution_id: str, verdict: str) -> End:
        """End an execution after an abort or a cancel: undo, then record (§4.5)."""
        execution = self._records.execution(execution_id)
        if not execution.status.is_final:
            cancelled = verdict == Verdict.CANCELLED
            undone = self._rollback.run(execution_id, is_cancelled=cancelled)
            failed = WorkflowStatus.ROLLBACK_COMPLETED if undone else WorkflowStatus.FAILED
            self._records.save_execution(
                replace(
                    execution,
                    status=WorkflowStatus.CANCELLED if cancelled else failed,
                    ended_at=self._clock.now(),
                )
            )
        if verdict == Verdict.CANCELLED:
            return "cancelled"
        return self._end_after_failure(execution)

    def _end_after_failure(self, execution: WorkflowExecution) -> End:
        plan = self._records.plan(execution.image_arn)
        return "ok" if plan.workflows[execution.planned].goes_on_after_failure else "failed"

    def _is_over(self, run_id: str) -> bool:
        """Tell whether the build was retried since: its records are another run's now."""
        attempt = Attempt.of(run_id)
        return self._records.attempt(attempt.image_arn) != attempt.number

    def _end(self, run_id: str, end: End) -> str:
        """Give the machines back and let the image reach its last state."""
        pass_by(CrashPoint.STAGE_ENDED)
        if self._is_over(run_id):  # a crash took back the journal's word of this step
            return OVERTAKEN
        image_arn = Attempt.of(run_id).image_arn
        plan = self._records.plan(image_arn)
        failed = end == "failed" and not self._records.is_cancelled(image_arn)
        wishes = plan.infrastructure
        terminate = wishes.terminate_on_failure if failed else wishes.terminate_on_completion
        self._machines.settle_all(image_arn, keep=not terminate)
        if failed:
            reason, context = failure_of(image_arn, self._records)
            return self._records.set_image_state(
                image_arn, ImageStatus.FAILED, reason=reason, failure=context
            ).value
        is_built = any(each.stage is Stage.BUILD for each in plan.workflows)
        if end == "ok" and plan.container is None and not is_built:
            self._records.add_output_image(image_arn, self._machines.parent_image_id(plan))
        # Of a build that was to be cancelled this makes CANCELLED, however late that was asked for.
        return self._records.set_image_state(image_arn, ImageStatus.AVAILABLE).value
