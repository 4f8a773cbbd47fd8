"""A component of a build on its machine: one work, told while it runs, its failure explained."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from imagewright.actions.common import command_id
from imagewright.actions.component_log import ComponentLog
from imagewright.actions.component_questions import read_component, read_parameter
from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.reading import ADMITTED
from imagewright.documents.specs import Platform, Stage
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.plan import PlannedComponent
from imagewright.engine.ports import ActionError, StepContext, Work
from imagewright.machines.machine import Machine, MachineError
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.hints import hint
from imagewright.runner.modules.table import NEVER_REUSED, SPECS
from imagewright.runner.refusal import reads_parameter_store
from imagewright.runner.reporting import Event, InDocument, OutputLine, Rebooting, Reporter
from imagewright.runner.result import Failure, RunResult
from imagewright.runner.run import run_component
from imagewright.settings import ComponentLimits

if TYPE_CHECKING:
    from imagewright.documents.dockerfile.tasks import FetchTask

_PHASES: Mapping[Stage, Sequence[str]] = {
    Stage.BUILD: ("build", "validate"),
    Stage.TEST: ("test",),
}
_IMAGE_PHASES = {Stage.BUILD: "BUILDING", Stage.TEST: "TESTING"}

_EVER_NEW = re.compile(
    r"\{\{\s*(?:context:(?:uuid|date|dateTime|executionId|hostname)"
    r"|aws:imds:(?:instance-id|local-hostname))\s*\}\}"
)
"""Expressions that differ from run to run: what they made is not reused."""

_ERROR_MAX = 1024


@dataclass(frozen=True, slots=True)
class Chosen:
    """A component that has something to do."""

    planned: PlannedComponent
    text: str
    component: Component


class ComponentFailed(ActionError):
    """A component failed."""

    def __init__(self, message: str, *, goes_on: bool, **more: Any) -> None:
        """``goes_on``: no step aborted the run, so that the components behind it run (§4.3)."""
        super().__init__(message, **more)
        self.goes_on = goes_on


def chosen(context: StepContext) -> Iterator[Chosen]:
    """Give the components that have something to do in this stage, in the recipe's order.

    Raises ActionError.
    """
    wanted = _PHASES[context.stage]
    for planned in context.plan.components:
        text = context.documents.open(planned.document, context.plan.region)
        component = load_component(text, modules=SPECS, budget=ADMITTED).component
        if component is None:
            raise ActionError(f"The document of {planned.arn} is not accepted any more.")
        if any(phase.name in wanted and phase.steps for phase in component.phases):
            yield Chosen(planned, text, component)


def run_one(
    each: Chosen,
    instance_id: str,
    context: StepContext,
    *,
    unit: int,
    container: Mapping[str, str],
    is_last: bool,
) -> Mapping[str, Any]:
    """Run a component on a machine as one work, and return the sums of its run.

    ``container``: what the image's own configuration puts into the environment. Raises ActionError,
    with the component's failure ComponentFailed.
    """
    variables = {**container, **_variables(context)}
    heeded = {
        name: value for name, value in variables.items() if name in each.text or name in container
    }
    work = Work(
        name=each.planned.arn.partition(":component/")[2],
        facts={
            "component": each.text,
            "parameters": dict(each.planned.parameters),
            "phases": list(_PHASES[context.stage]),
            "working directory": context.plan.working_directory,
            "variables": heeded,
            **_handed_on(context.world.limits),
        },
        run=lambda machine: _execute(each, machine, variables, context),
        always=_why_always(context.stage, each.text, each.component),
    )

    def goes_on(error: ActionError) -> bool:
        return isinstance(error, ComponentFailed) and error.goes_on and not is_last

    return context.apply(instance_id, work, unit=unit, goes_on=goes_on).outputs


def _handed_on(limits: ComponentLimits) -> Mapping[str, int]:
    """Return what of the limits changes a component that goes well, where it is not as ever."""
    size = limits.output_characters_max
    return {} if size == ComponentLimits().output_characters_max else {"output": size}


def _why_always(stage: Stage, text: str, component: Component) -> str:
    if stage is not Stage.BUILD:
        return f"the {stage.value} stage always runs"
    for phase, step in component.steps():
        if phase.name in _PHASES[stage] and step.action in NEVER_REUSED:
            return NEVER_REUSED[step.action]
    if found := _EVER_NEW.search(text):
        return f"it uses {found[0]}, which is new each time"
    if any(reads_parameter_store(step) for _, step in component.steps()):
        return "it reads aws:ssm:, where another value may stand now"
    return ""


class _Instants:
    """Passes by the instants of a component's run at which losing the server is tested."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._restarting = ""
        """The number of the restart that is under way."""
        self._has_output = False

    def report(self, event: Event) -> None:
        """Pass one event on."""
        if self._restarting:  # a run says nothing until its machine is up again
            pass_by(CrashPoint.RESTARTED, which=self._restarting)
            self._restarting = ""
        told = event
        while isinstance(told, InDocument):
            told = told.event
        if isinstance(told, OutputLine) and not self._has_output:
            self._has_output = True
            pass_by(CrashPoint.COMMAND_RUNNING)
        self._reporter.report(event)
        if isinstance(told, Rebooting):
            self._restarting = str(told.count)
            pass_by(CrashPoint.RESTART_DUE, which=self._restarting)


def _execute(
    each: Chosen, machine: Machine, variables: Mapping[str, str], context: StepContext
) -> Mapping[str, Any]:
    planned = each.planned
    try:
        result = run_component(
            each.component,
            machine=machine,
            phases=_PHASES[context.stage],
            parameters=planned.parameters,
            environment=_environment(machine, variables, context),
            reporter=_Instants(ComponentLog(context.log, planned.arn)),
            cancel=context.stop,
        )
    except (ComponentRefused, MachineError) as error:
        raise ActionError(f"Document {planned.arn} failed! {error}") from error
    if context.stop.is_set():
        # What a stopped component left is no layer: it would be reused as if it were whole.
        raise _stopped(planned, result, context)
    summary = _summary(result, context)
    if result.failure is not None:
        raise _failed(planned, result, summary)
    return summary


def _environment(
    machine: Machine, variables: Mapping[str, str], context: StepContext
) -> RunEnvironment:
    plan = context.plan
    return RunEnvironment(
        working_directory=plan.working_directory,
        variables=variables,
        platform=Platform(plan.platform),
        execution_id=command_id(context.token),
        account_id=plan.account,
        region=plan.region,
        outside=context.world.outside,
        limits=context.world.limits,
        metadata={
            "instance-id": machine.id,
            "local-hostname": machine.id,
            "placement/region": plan.region,
            "ami-id": context.base_image_id or context.machines.parent_image_id(plan),
        },
        read_parameter=partial(read_parameter, context.world, plan.region),
        read_component=partial(read_component, context.world, plan),
        secrets=context.secrets,
    )


def fetch_file(context: StepContext, machine: Machine, task: "FetchTask") -> None:
    """Bring what ADD names onto the machine, as the module for downloads does (§7.2).

    Raises ActionError.
    """
    wanted = {"source": task.url, "destination": task.path}
    if task.checksum:
        digest = task.checksum.removeprefix("sha256:")
        wanted |= {"checksum": digest, "algorithm": "SHA256"}
    step = {"name": "Add", "action": "WebDownload", "inputs": [wanted]}
    document = {
        "schemaVersion": "1.0",
        "phases": [{"name": "build", "steps": [step]}],
    }
    component = load_component(json.dumps(document), modules=SPECS).component
    if component is None:
        raise ActionError(f"{task.url} is no URL that can be fetched.")
    try:
        result = run_component(
            component,
            machine=machine,
            phases=["build"],
            environment=_environment(machine, {}, context),
            reporter=ComponentLog(context.log, "ADD"),
            cancel=context.stop,
        )
    except ComponentRefused as error:
        raise ActionError(str(error)) from error
    if result.failure is not None:
        raise ActionError(_explained(result.failure))
    if context.stop.is_set():
        raise ActionError("it was stopped")


def _failed(
    planned: PlannedComponent, result: RunResult, summary: Mapping[str, Any]
) -> ComponentFailed:
    """Word a failure as the service does, with what it leaves out beside it (IMG-32, IMG-33)."""
    failure = result.failure
    assert failure is not None  # noqa: S101 - the caller looked
    return ComponentFailed(
        f"Document {planned.arn} failed!",
        goes_on=not result.is_aborted,
        outputs={
            "runCommandId": summary["executionId"],
            "status": "Failed",
            "output": json.dumps(summary),
        },
        component={
            "componentArn": planned.arn,
            "phaseName": failure.phase,
            "stepName": failure.step,
            "action": failure.action,
            "errorMessage": _explained(failure),
        },
    )


def _stopped(planned: PlannedComponent, result: RunResult, context: StepContext) -> ActionError:
    """Say that a component was stopped, and of one whose time was up where it was then."""
    message = f"Document {planned.arn} was stopped."
    steps = [step for phase in result.phases for step in phase.steps]
    if context.stop.reason != "timed out" or not steps:
        return ActionError(message)
    seconds = context.step.timeout_seconds
    why = f"timed out after {seconds} s, the timeoutSeconds of the workflow's {context.step.name}"
    return ActionError(
        message,
        component={
            "componentArn": planned.arn,
            "phaseName": steps[-1].phase,
            "stepName": steps[-1].step,
            "action": steps[-1].action,
            "errorMessage": f"{why}\nHint: {hint(why, [], exit_code=None)}",
        },
    )


def _explained(failure: Failure) -> str:
    """Say why, what it said last, and what may help."""
    advice = f"\nHint: {failure.hint}" if failure.hint else ""
    room = _ERROR_MAX - len(advice)
    return _with_last_lines(failure.message, failure.last_lines, room) + advice


def _with_last_lines(message: str, last_lines: str, room: int) -> str:
    """Put both together; what is too much goes from the middle, for the last line says most."""
    if not last_lines or last_lines in message:
        return _shortened(message, room)
    head = _shortened(message, room // 2)
    room -= len(head) + 1
    tail = last_lines if len(last_lines) <= room else "…" + last_lines[1 - room :]
    return f"{head}\n{tail}"


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _summary(result: RunResult, context: StepContext) -> dict[str, Any]:
    """Tell of a run in the words of the component runner (``component-documents.md`` §8.2)."""
    return {
        "executionId": command_id(context.token),
        "status": result.status.value,
        "executedStepCount": result.executed_step_count,
        "failedStepCount": result.failed_step_count,
        "ignoredFailedStepCount": result.ignored_failed_step_count,
        "failureMessage": result.failure.message if result.failure else "",
    }


def _variables(context: StepContext) -> dict[str, str]:
    """Return what scripts find in their environment (``component-documents.md`` §3.7)."""
    plan = context.plan
    return {
        "IMAGE_WORKFLOW_EXECUTION_ID": context.execution.id,
        "IMAGE_STEP_EXECUTION_ID": context.step.id,
        "IMAGE_BUILD_VERSION_ARN": plan.image_arn,
        "IMAGE_PIPELINE_ARN": plan.pipeline_arn or "",
        "IMAGE_PHASE": _IMAGE_PHASES[context.stage],
        "IMAGE_VERSION": plan.version,
        "IMAGE_BUILD_VERSION": str(plan.build),
    }
