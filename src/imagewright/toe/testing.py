"""One case of a component's tests: run on a fresh machine, then held against what is expected."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event as Flag

from imagewright.documents.component.model import Component
from imagewright.machines.machine import Command, Machine, MachineError
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.result import RunResult, StepResult
from imagewright.runner.run import run_component
from imagewright.runner.status import RunStatus, StepStatus, combine
from imagewright.toe.console import Console
from imagewright.toe.expectations import PHASES, STAGES, Case, FileDemand
from imagewright.toe.tail import Tail

_CONTENT_BYTES_MAX = 16 << 20
_LOG_CHARACTERS_MAX = 16 << 20


@dataclass(slots=True)
class Outcome:
    """What came of a case."""

    case: Case
    problems: list[str] = field(default_factory=list)
    """What is not as expected, in a sentence each; empty: the case passed."""
    last_lines: str = ""
    """What the step that failed said last."""
    hint: str = ""
    covered: frozenset[str] = frozenset()
    """The steps that ran, as ``phase.step``."""
    seconds: float = 0.0
    log: Tail = field(default_factory=lambda: Tail(_LOG_CHARACTERS_MAX))
    """In the words of ``console.log``; of a long one, the end."""

    @property
    def passed(self) -> bool:
        """Was everything as expected?"""
        return not self.problems


def run_case(
    component: Component,
    case: Case,
    machine: Machine,
    environment: RunEnvironment,
    *,
    document: str,
    cancel: Flag,
) -> Outcome:
    """Run a case: build and validate, and test after the restart that an image's launch is (§2.5).

    Never raises for what goes wrong on the machine: that is a problem of the case.
    """
    outcome = Outcome(case)
    console = Console(outcome.log.add, lambda _line: None, document=document)
    results: list[RunResult] = []
    problem = ""
    for stage in _stages(component, case):
        try:
            if results:
                machine.reboot()
            result = run_component(
                component,
                machine=machine,
                phases=stage,
                parameters=case.parameters,
                environment=environment,
                reporter=console,
                cancel=cancel,
            )
        except (ComponentRefused, MachineError) as error:
            problem = str(error)
            break
        results.append(result)
        if result.status in (RunStatus.FAILED, RunStatus.CANCELLED):
            break
    outcome.seconds = sum(result.seconds for result in results)
    steps = {f"{s.phase}.{s.step}": s for r in results for p in r.phases for s in p.steps}
    ran = (name for name, step in steps.items() if step.status is not StepStatus.SKIPPED)
    outcome.covered = frozenset(ran)
    if cancel.is_set():
        outcome.problems.append("it was cancelled")
        return outcome
    outcome.problems += _judge(case, results, steps, problem)
    # A file may hold a secret, and what is wrong with it is quoted.
    outcome.problems += map(environment.secrets.mask, _files(case.files, machine))
    failure = next((r.failure for r in results if r.failure is not None), None)
    if failure is not None and outcome.problems:
        outcome.last_lines, outcome.hint = failure.last_lines, failure.hint
    return outcome


def phases_of(component: Component, case: Case) -> tuple[str, ...]:
    """Return the phases that a case runs."""
    wanted = PHASES if case.phases is None else case.phases
    return tuple(phase.name for phase in component.phases if phase.name in wanted)


def _stages(component: Component, case: Case) -> Iterator[tuple[str, ...]]:
    """Cut the phases where the image is made; others than Image Builder's come before."""
    phases = phases_of(component, case)
    before = tuple(phase for phase in phases if phase not in STAGES[1])
    after = tuple(phase for phase in phases if phase in STAGES[1])
    yield from (stage for stage in (before, after) if stage)


def _judge(
    case: Case, results: list[RunResult], steps: Mapping[str, StepResult], problem: str
) -> Iterator[str]:
    failure = next((r.failure for r in results if r.failure is not None), None)
    status = RunStatus.FAILED if problem else combine(step.status for step in steps.values())
    failed_at = "" if failure is None else f"{failure.phase}.{failure.step}"
    message = problem or ("" if failure is None else failure.message)
    exit_code = int(status is RunStatus.FAILED)
    where = f"{failed_at} failed: {message}" if failed_at else message
    if exit_code != case.exit_code:
        yield where if exit_code else "it should fail, and succeeded"
    elif case.status is not None and status != case.status:
        yield f"its status should be `{case.status}` and is `{status.value}`"
    if case.failed_step is not None and exit_code and failed_at != case.failed_step:
        yield f"{case.failed_step} should fail; {where}"
    if case.message is not None and exit_code:
        # An exit code alone says little; what the command said last counts as its message too.
        whole = f"{message}\n{failure.last_lines}" if failure is not None else message
        if case.message.problem(message) and (wrong := case.message.problem(whole)):
            yield f"the failure's message {wrong}"
    for name, wanted in case.steps.items():
        found = steps[name].status.value if name in steps else "not reached"
        if found != wanted:
            yield f"{name} should end as `{wanted}` and is `{found}`"
    for name, demand in case.outputs.items():
        step, _, output = name.rpartition(".")
        if step not in steps:
            yield f"{name} is not there: the step was not reached"
        elif output not in steps[step].outputs:
            yield f"{name} is not there: the step has no such output"
        elif wrong := demand.problem(steps[step].outputs[output]):
            yield f"{name} {wrong}"


def _files(demands: Mapping[str, FileDemand], machine: Machine) -> Iterator[str]:
    for path, demand in demands.items():
        try:
            yield from _file(path, demand, machine)
        except MachineError as error:
            yield f"{path} cannot be looked at: {error}"


def _file(path: str, demand: FileDemand, machine: Machine) -> Iterator[str]:
    said: deque[str] = deque(maxlen=1)
    command = Command(argv=("/bin/sh", "-c", _LOOK, "imagewright", path), timeout_seconds=60)
    ended = machine.run(command, on_line=lambda line: said.append(line.text))
    is_there = ended.code == 0
    if is_there != demand.exists:
        yield f"{path} should {'be there and is not' if demand.exists else 'not be there and is'}"
    if not is_there or not demand.exists:
        return
    mode, owner, group = (said[0] if said else "").split(" ", 2)
    if demand.mode is not None and mode.lstrip("0") != demand.mode.lstrip("0"):
        yield f"{path} should have the mode {demand.mode} and has {mode.zfill(4)}"
    for what, wanted, found in (("owner", demand.owner, owner), ("group", demand.group, group)):
        if wanted is not None and wanted != found:
            yield f"{path} should have the {what} {wanted} and has {found}"
    content = demand.content
    if content != type(content)():
        text = machine.get_file(path, size_bytes_max=_CONTENT_BYTES_MAX).decode("utf-8", "replace")
        # A file ends with a newline, and whoever writes down what it holds leaves that out.
        wrong = content.problem(text.removesuffix("\n")) and content.problem(text)
        if wrong:
            yield f"{path} {wrong}"


_LOOK = '[ -e "$1" ] || [ -L "$1" ] || exit 1; stat -c "%a %U %G" "$1"'
