"""Run the recipe's components on the machine, in the recipe's order.

In a build workflow the phases `build` and `validate` of each component run, in a test workflow
the phase `test`. The step is skipped when the recipe has no component with such a phase.

Of a container recipe, a build workflow runs the whole template, with the components in their
place: the machine stands on the parent image, each instruction that changes files makes a layer,
and what comes of it is the container image. What other steps did on the machine before is no part
of it. Components run as root, whatever `USER` says.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from imagewright.actions.common import DAY, HOUR, CommandOutputs, OneInstance, command_id
from imagewright.actions.component_log import ComponentLog
from imagewright.actions.container_image import build as build_container
from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.component.variables import values
from imagewright.documents.dockerfile.config import ImageConfig
from imagewright.documents.dockerfile.evaluation import FetchTask
from imagewright.documents.specs import ActionSpec, Platform, Stage
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.plan import BuildPlan, PlannedComponent
from imagewright.engine.ports import ActionError, Documents, Skip, StepContext, Work, World
from imagewright.machines.machine import Machine, MachineError
from imagewright.masking import Secrets, StoredText
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused, ModuleFailure
from imagewright.runner.modules.table import NEVER_REUSED, SPECS
from imagewright.runner.parameters import learn_secrets
from imagewright.runner.refusal import reads_parameter_store
from imagewright.runner.reporting import Event, InDocument, OutputLine, Rebooting, Reporter
from imagewright.runner.result import Failure, RunResult
from imagewright.runner.run import run_component

SPEC = ActionSpec(
    name="ExecuteComponents",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    stages=frozenset({Stage.BUILD, Stage.TEST}),
    timeout_default_seconds=12 * HOUR,
    timeout_max_seconds=DAY,
    built=True,
)

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


def run(inputs: OneInstance, context: StepContext) -> CommandOutputs | Skip:
    """Run the components, one layer each."""
    chosen = list(_chosen(context))
    summaries: list[Mapping[str, Any]] = []

    def run_components(units: Iterator[int], container: Mapping[str, str]) -> None:
        for planned, text, component in chosen:
            summaries.append(
                _run_one(
                    planned, text, component, inputs.instance_id, context, next(units), container
                )
            )

    if context.plan.container is None or context.stage is not Stage.BUILD:
        if not chosen:
            return Skip()
        run_components(count(), _container_environment(inputs.instance_id, context))
    else:
        build_container(
            inputs.instance_id,
            context,
            run_components=run_components,
            fetch=partial(_fetch, context),
        )
        pass_by(CrashPoint.IMAGE_RECORDED)
    return CommandOutputs(
        run_command_id=command_id(context.token),
        status="Success",
        output=json.dumps(_sum_up(summaries, context)),
    )


def _container_environment(instance_id: str, context: StepContext) -> Mapping[str, str]:
    """Return what whoever runs a container of the image finds in its environment."""
    if context.plan.container is None:
        return {}
    return ImageConfig.from_oci(
        context.machines.container_config(instance_id, plan=context.plan)
    ).env


def _chosen(context: StepContext) -> Iterator[tuple[PlannedComponent, str, Component]]:
    """Give the components that have something to do in this stage, in the recipe's order."""
    wanted = _PHASES[context.stage]
    for planned in context.plan.components:
        text = context.documents.open(planned.document, context.plan.region)
        component = load_component(text, modules=SPECS).component
        if component is None:
            raise ActionError(f"The document of {planned.arn} is not accepted any more.")
        if any(phase.name in wanted and phase.steps for phase in component.phases):
            yield planned, text, component


def _run_one(
    planned: PlannedComponent,
    text: str,
    component: Component,
    instance_id: str,
    context: StepContext,
    unit: int,
    container: Mapping[str, str],
) -> Mapping[str, Any]:
    variables = {**container, **_variables(context)}
    heeded = {name: value for name, value in variables.items() if name in text or name in container}
    work = Work(
        name=planned.arn.partition(":component/")[2],
        facts={
            "component": text,
            "parameters": dict(planned.parameters),
            "phases": list(_PHASES[context.stage]),
            "working directory": context.plan.working_directory,
            "variables": heeded,
        },
        run=lambda machine: _execute(planned, component, machine, variables, context),
        always=_why_always(context.stage, text, component),
    )
    done = context.machines.apply(
        instance_id, work, plan=context.plan, token=context.token, unit=unit, log=context.log
    )
    return done.outputs


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

    def report(self, event: Event) -> None:
        """Pass one event on."""
        if self._restarting:  # a run says nothing until its machine is up again
            pass_by(CrashPoint.RESTARTED, which=self._restarting)
            self._restarting = ""
        told = event
        while isinstance(told, InDocument):
            told = told.event
        if isinstance(told, OutputLine):
            pass_by(CrashPoint.COMMAND_RUNNING)
        self._reporter.report(event)
        if isinstance(told, Rebooting):
            self._restarting = str(told.count)
            pass_by(CrashPoint.RESTART_DUE, which=self._restarting)


def _execute(
    planned: PlannedComponent,
    component: Component,
    machine: Machine,
    variables: Mapping[str, str],
    context: StepContext,
) -> Mapping[str, Any]:
    try:
        result = run_component(
            component,
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
        raise ActionError(f"Document {planned.arn} was stopped.")
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
        metadata={
            "instance-id": machine.id,
            "local-hostname": machine.id,
            "placement/region": plan.region,
            "ami-id": context.base_image_id or context.machines.parent_image_id(plan),
        },
        read_parameter=partial(_read_parameter, context.world, plan.region),
        read_component=partial(_read_component, context.world, plan),
        secrets=context.secrets,
    )


def _fetch(context: StepContext, machine: Machine, task: FetchTask) -> None:
    """Bring what ADD names onto the machine, as the module for downloads does (§7.2)."""
    wanted = {"source": task.url, "destination": task.path}
    if task.checksum:
        wanted |= {"checksum": task.checksum, "algorithm": "SHA256"}
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


def _read_component(world: World, plan: BuildPlan, arn: str) -> str:
    try:
        return world.components.text(arn, plan)
    except ActionError as error:
        raise ModuleFailure(str(error)) from error


def relearn(plan: BuildPlan, secrets: Secrets, documents: Documents, world: World) -> None:
    """Read the secrets again that the components of a build may have read: see BuildSecrets."""
    for planned in plan.components:
        text = documents.open(planned.document, plan.region)
        component = load_component(text, modules=SPECS).component if "aws:ssm:" in text else None
        if component is not None:
            known = values(component, planned.parameters)
            learn_secrets(component, known, partial(_read_parameter, world, plan.region), secrets)


def _read_parameter(world: World, region: str, name: str) -> StoredText:
    try:
        return world.parameters.get(name, region=region)
    except ActionError as error:
        raise ModuleFailure(str(error)) from error


def _failed(
    planned: PlannedComponent, result: RunResult, summary: Mapping[str, Any]
) -> ActionError:
    """Word a failure as the service does, with what it leaves out beside it (IMG-32, IMG-33)."""
    failure = result.failure
    assert failure is not None  # noqa: S101 - the caller looked
    return ActionError(
        f"Document {planned.arn} failed!",
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


def _sum_up(summaries: Sequence[Mapping[str, Any]], context: StepContext) -> dict[str, Any]:
    counts = ("executedStepCount", "failedStepCount", "ignoredFailedStepCount")
    nothing = {"executionId": command_id(context.token), "status": "success", "failureMessage": ""}
    last = summaries[-1] if summaries else nothing
    return {**last, **{name: sum(int(each[name]) for each in summaries) for name in counts}}


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
