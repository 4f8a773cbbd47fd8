"""Running a shell script on a machine, kept as a layer."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError, StepContext, Work
from imagewright.machines.machine import Command, Line, Machine, MachineError

OUTPUT_CHARACTERS_MAX = 24_000
"""As much of the output as Systems Manager keeps; the log has it all."""

_LAST_LINES = 5
_LAST_LINE_CHARACTERS_MAX = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script for the guest's ``sh``, and where and how it runs."""

    name: str
    text: str
    directory: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: int | None = None
    """Beneath the step's own time-out."""


def run_script(script: Script, instance_id: str, context: StepContext) -> str:
    """Run a script once and return what it printed on standard output.

    Raises ActionError with the exit code and the last lines when it fails.
    """
    work = Work(
        name=script.name,
        facts={
            "script": script.text,
            "directory": script.directory,
            "environment": dict(script.environment),
        },
        run=lambda machine: _execute(script, machine, context),
    )
    done = context.machines.apply(
        instance_id, work, plan=context.plan, token=context.token, unit=0, log=context.log
    )
    return str(done.outputs["output"])


def _execute(script: Script, machine: Machine, context: StepContext) -> Mapping[str, Any]:
    said = _Said()

    def hear(line: Line) -> None:
        pass_by(CrashPoint.COMMAND_RUNNING)
        context.log.line(line.stream, line.text, continues=line.continues)
        said.take(line)

    limits = [context.seconds_left, script.timeout_seconds]
    command = Command(
        argv=("sh", "-c", script.text),
        env=script.environment,
        cwd=script.directory,
        timeout_seconds=min(limit for limit in limits if limit is not None),
    )
    try:
        ended = machine.run(command, on_line=hear, cancel=context.stop)
    except MachineError as error:
        raise ActionError(f"{script.name} could not run: {error}") from error
    if ended.reason != "exited" or ended.code != 0:
        how = f"exited with {ended.code}" if ended.reason == "exited" else ended.reason
        tail = f" Its last lines: {' / '.join(said.last)}" if said.last else " It printed nothing."
        status = "TimedOut" if ended.reason == "timed out" else "Failed"
        raise ActionError(
            f"{script.name} {how} after {ended.seconds:.1f} s.{tail}",
            outputs={"status": status, "output": said.output},
        )
    return {"output": said.output}


class _Said:
    """What a script says, as far as it is kept."""

    def __init__(self) -> None:
        self.output = ""
        """The beginning of its standard output."""
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        """The last lines of both streams, of a long one its beginning."""
        self._is_amid: set[str] = set()

    def take(self, line: Line) -> None:
        if line.stream == "stdout" and len(self.output) < OUTPUT_CHARACTERS_MAX:
            self.output = (self.output + line.as_written)[:OUTPUT_CHARACTERS_MAX]
        if line.stream not in self._is_amid:
            self.last.append(line.text[:_LAST_LINE_CHARACTERS_MAX])
        if line.continues:
            self._is_amid.add(line.stream)
        else:
            self._is_amid.discard(line.stream)
