"""Running scripts on a machine, kept as a layer."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError, StepContext, Work
from imagewright.machines.machine import Command, Exit, Line, Machine, MachineError
from imagewright.masking import LineMasker
from imagewright.runner.hints import LACK_OF_MEMORY, hint

OUTPUT_CHARACTERS_MAX = 24_000
"""As much of the output as Systems Manager keeps; the log has it all."""

_LAST_LINES = 5
_LAST_LINE_CHARACTERS_MAX = 1024
_PLACE: Final = "/run/imagewright"
"""Where a script lies that cannot be an argument: no layer has what is below ``/run``."""
_NOT_FOUND: Final = 127
_REBOOT: Final = 194
"""A script that exits with this asks for a restart of the machine, and to run again (§7.15)."""
_NO_POWERSHELL: Final = "pwsh: No such file or directory"
"""What a machine says that lacks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script for the guest, and where and how it runs."""

    name: str
    text: str
    language: Literal["sh", "pwsh"] = "sh"
    """A ``#!`` in the first line of a shell script names another interpreter, as everywhere."""
    directory: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: int | None = None
    """Beneath the step's own time-out."""
    argv: Sequence[str] = ()
    """A program and its arguments, which run in the text's place."""
    user: str = ""
    """Who runs it, as ``Command.user`` says it."""
    empty: Sequence[str] = ()
    """Directories that are empty for it, as ``Command.empty`` says it."""
    may_restart: bool = True
    """To exit with 194 asks for a restart."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What its result depends on."""
        facts: dict[str, Any] = {
            "script": self.text,
            "directory": self.directory,
            "environment": dict(self.environment),
        }
        if self.language != "sh":
            facts["language"] = self.language
        if self.argv:
            facts |= {"run": [*self.argv], "user": self.user, "empty": [*self.empty]}
        return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a script."""

    output: str
    """The beginning of its standard output."""
    failure: str
    """Why it failed, with its exit code and last lines; empty: it did not."""
    status: Literal["Success", "Failed", "TimedOut"]


def run_script(script: Script, instance_id: str, context: StepContext) -> str:
    """Run a script once and return what it printed on standard output.

    Raises ActionError with the exit code and the last lines when it fails.
    """

    def run(machine: Machine) -> Mapping[str, Any]:
        return {"output": execute_well(script, machine, context).output}

    work = Work(name=script.name, facts=script.facts, run=run)
    return str(context.apply(instance_id, work).outputs["output"])


def execute_well(script: Script, machine: Machine, context: StepContext) -> Ran:
    """Execute a script; raise ActionError also where it fails, with what it had put out."""
    ran = execute(script, machine, context)
    if ran.failure:
        raise ActionError(ran.failure, outputs={"status": ran.status, "output": ran.output})
    return ran


def execute(script: Script, machine: Machine, context: StepContext) -> Ran:
    """Run a script on a machine, within a work; its output goes to the log at once.

    One that exits with 194 runs again from its beginning, on a machine that was restarted. No
    secret of the build is in what is told of it.
    Raises ActionError where the machine could not run it.
    """
    said = _Said()

    def tell(line: Line, text: str) -> None:
        context.log.line(line.stream, text, continues=line.continues)
        said.take(line if text == line.text else replace(line, text=text))

    maskers = {stream: LineMasker(context.secrets, tell) for stream in ("stdout", "stderr")}

    def hear(line: Line) -> None:
        pass_by(CrashPoint.COMMAND_RUNNING)
        maskers[line.stream].feed(line, line.text)

    reboots, reboots_max = 0, context.world.limits.restarts_max
    try:
        while True:
            ended = _run_once(script, machine, context, hear)
            for masker in maskers.values():
                masker.finish()
            wants_restart = ended.reason == "exited" and ended.code == _REBOOT
            if not (wants_restart and script.may_restart):
                break
            if reboots == reboots_max:
                why = f"{script.name} asked for a restart again after {reboots} of them"
                failure = f"{why} (exit code 194), the setting components.restarts_max."
                return Ran(output=said.output, failure=failure, status="Failed")
            reboots += 1
            context.log.note("The machine restarts (exit code 194), and the script runs again.")
            machine.reboot()
    except MachineError as error:
        raise ActionError(f"{script.name} could not run: {error}") from error
    if ended.reason == "exited" and ended.code == 0:
        return Ran(output=said.output, failure="", status="Success")
    if ended.code == _NOT_FOUND and [*said.last] == [_NO_POWERSHELL]:
        why = (
            f"{script.name} could not run: the machine has no PowerShell (pwsh). Install it in a "
            "component before this step, or write the lines for AWS-RunShellScript"
        )
        return Ran(output="", failure=why, status="Failed")
    how = f"exited with {ended.code}" if ended.reason == "exited" else ended.reason
    tail = f" Its last lines: {' / '.join(said.last)}" if said.last else " It printed nothing."
    lack = f" {LACK_OF_MEMORY.capitalize()}." if ended.lacked_memory else ""
    failure = f"{script.name} {how} after {ended.seconds:.1f} s.{lack}"
    advice = hint(failure, [*said.last], exit_code=ended.code)
    return Ran(
        output=said.output,
        failure=failure + tail + (f" Hint: {advice}." if advice else ""),
        status="TimedOut" if ended.reason == "timed out" else "Failed",
    )


def _run_once(
    script: Script, machine: Machine, context: StepContext, hear: Callable[[Line], None]
) -> Exit:
    limits = [context.seconds_left, script.timeout_seconds]
    command = Command(
        argv=_prepare(script, machine),
        env=script.environment,
        cwd=script.directory,
        user=script.user,
        empty=script.empty,
        timeout_seconds=min(limit for limit in limits if limit is not None),
    )
    ended = machine.run(command, on_line=hear, cancel=context.stop)
    if ended.reason == "cancelled" and context.stop.reason == "timed out":
        return replace(ended, reason="timed out")  # the engine's clock was before the machine's
    return ended


def _prepare(script: Script, machine: Machine) -> Sequence[str]:
    """Return what runs a script, put onto the machine as a file where it must be one."""
    if script.argv:
        return script.argv
    if script.language == "pwsh":
        file = f"{_PLACE}/script.ps1"
        machine.put_file(file, script.text.encode(), mode=0o700)
        return ("pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-File", file)
    if script.text.startswith("#!"):
        file = f"{_PLACE}/script"
        machine.put_file(file, script.text.encode(), mode=0o700)
        return ("sh", "-c", file)
    return ("sh", "-c", script.text)


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
