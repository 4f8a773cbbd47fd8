"""Undoing what a failed workflow did, backwards (``workflow-documents.md`` §4.5)."""

from collections.abc import Mapping
from dataclasses import replace

from imagewright.documents.workflow.evaluation import undoes
from imagewright.documents.workflow.resolve import ResolveError
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import Records, StepAction
from imagewright.engine.records import RollbackStatus, StepExecution, WorkflowStatus
from imagewright.engine.scene import Scene, Scenes
from imagewright.engine.steps import Steps
from imagewright.engine.stop import Stop


class Rollback:
    """Rolls workflow executions back. Repeatable: a step that was undone is not undone again."""

    def __init__(
        self,
        *,
        records: Records,
        scenes: Scenes,
        steps: Steps,
        actions: Mapping[str, StepAction],
    ) -> None:
        self._records = records
        self._scenes = scenes
        self._steps = steps
        self._actions = actions

    def run(self, execution_id: str, *, is_cancelled: bool) -> bool:
        """Undo every step that ran, the last first; return whether anything was undone.

        A step that cannot be undone, or must not, is SKIPPED (§14.2); an undo that fails is
        FAILED and stops no other. Where nothing is to be undone, no step is touched (§14.17).
        """
        scene = self._scenes.of(execution_id)
        steps = [step for step in self._records.steps(execution_id) if step.status.has_run]
        by_name = {step.name: step for step in steps}
        undoable = [step for step in steps if self._can_be_undone(step, scene, by_name)]
        if not undoable:
            return False
        execution = self._records.execution(execution_id)
        if execution.status is WorkflowStatus.RUNNING:
            status = WorkflowStatus.ROLLBACK_IN_PROGRESS
            self._records.save_execution(replace(execution, status=status))
        pass_by(CrashPoint.ROLLBACK_BEGUN)
        for step in reversed(steps):
            self._undo_once(step, scene, eligible=step in undoable, is_cancelled=is_cancelled)
        return True

    def _undo_once(
        self, step: StepExecution, scene: Scene, *, eligible: bool, is_cancelled: bool
    ) -> None:
        if step.rollback_status not in {None, RollbackStatus.RUNNING}:
            return
        if not eligible:
            self._save(step, RollbackStatus.SKIPPED)
            return
        self._save(step, RollbackStatus.RUNNING)
        context = self._steps.context(step, scene, Stop(), undoes=True)
        context = replace(context, is_cancelled=is_cancelled)
        undo = self._actions[step.action].undo
        try:
            if undo is not None:
                undo(step.results, context)
        except Exception as error:  # an undo that breaks stops no other either
            context.log.note(f"The rollback of the step {step.name} failed: {error}")
            self._save(step, RollbackStatus.FAILED)
        else:
            self._save(step, RollbackStatus.COMPLETED)

    def _save(self, step: StepExecution, status: RollbackStatus) -> None:
        self._records.save_step(replace(step, rollback_status=status))

    def _can_be_undone(
        self, step: StepExecution, scene: Scene, steps: Mapping[str, StepExecution]
    ) -> bool:
        if self._actions[step.action].undo is None:
            return False
        try:
            return undoes(scene.step(step), scene.scope(steps))
        except ResolveError:
            return True  # what the document means is lost; the default is to undo
