"""The instants at which losing the server is tested, by name.

A test sets ``IMAGEWRIGHT_CRASH_AT`` to one of them, or for one action alone to
``step-started:WaitForSSMAgent``, or for one restart of a component's run to ``restart-due:2``;
nobody else does.
"""

import os
import signal
from enum import StrEnum


class CrashPoint(StrEnum):
    """Where a process may die: each lies between an intention and its effect, or behind it."""

    BUILD_BEGUN = "build-begun"
    """The executions are recorded; no step has started."""
    STEP_STARTED = "step-started"
    """The step is recorded as running; its action has not begun."""
    MACHINE_LAUNCHED = "machine-launched"
    """The machine's row is there; the step does not know of it."""
    MACHINE_ANSWERED = "machine-answered"
    """The machine took a command; the step that waited for it does not know."""
    EXECUTION_STARTED = "execution-started"
    """The state machine runs; the step does not know of it."""
    STEP_WAITING = "step-waiting"
    """The step is recorded as waiting; nobody was told."""
    WAITING_TOLD = "waiting-told"
    """Everyone was told that the step waits; the engine's journal does not know of it."""
    COMMAND_RUNNING = "command-running"
    """The first line of output came; the layer is half-written."""
    RESTART_DUE = "restart-due"
    """A component's run asked for a restart; its machine has not restarted."""
    RESTARTED = "restarted"
    """The machine restarted; the run has not gone on."""
    COMMAND_ENDED = "command-ended"
    """The work is done; its layer is not sealed."""
    LAYER_SEALED = "layer-sealed"
    """The layer is sealed and the machine stands on it; the step does not know of it."""
    FAILURE_LEFT = "failure-left"
    """The machine stands on what a failed work left; the step does not know of its failure."""
    IMAGE_RECORDED = "image-recorded"
    """The image's row is there; the step does not know of it."""
    COPY_UNDER_WAY = "copy-under-way"
    """The copy's files lie in its region; nothing there says that it is whole."""
    COPY_ARRIVED = "copy-arrived"
    """The copy lies in its region; its row is not there."""
    COPY_RECORDED = "copy-recorded"
    """The copy's row is there and the image shows it; the step does not know of it."""
    CONFIGURATION_APPLIED = "configuration-applied"
    """A parameter or a launch template names the copy; the step does not know of it."""
    FINDINGS_RECORDED = "findings-recorded"
    """What a scan found is kept; the step does not know of it."""
    STEP_ENDED = "step-ended"
    """The step's record is complete; the engine's journal is not."""
    OUTPUT_SHOWN = "output-shown"
    """The image shows what its workflow made; the execution does not know of its end."""
    ROLLBACK_BEGUN = "rollback-begun"
    """The failure is recorded; nothing is undone."""
    MACHINE_TERMINATED = "machine-terminated"
    """The machine is gone; the step does not know of it."""
    STAGE_ENDED = "stage-ended"
    """All workflows of a stage ended; the image's state says nothing of it."""


def pass_by(point: CrashPoint, *, which: str = "") -> None:
    """Die here, as if the power went, if a test asked for it."""
    if os.environ.get("IMAGEWRIGHT_CRASH_AT") in {point.value, f"{point.value}:{which}"}:
        os.kill(os.getpid(), signal.SIGKILL)
