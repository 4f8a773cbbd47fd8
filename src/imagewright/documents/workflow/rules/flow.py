"""Rules about the run as a whole: what never runs, and what becomes of machines and images."""

from collections.abc import Iterator
from itertools import pairwise

from imagewright.documents.diagnostics import Diagnostic, surely_meant
from imagewright.documents.edits import replacing
from imagewright.documents.specs import ActionSpec, Effect, Stage
from imagewright.documents.workflow.evaluation import CONTAINER_OUTPUT, IMAGE_OUTPUT
from imagewright.documents.workflow.model import OnFailure, Step
from imagewright.documents.workflow.references import Root
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule
from imagewright.documents.workflow.templates import known_part, references_in

_MACHINE = "instanceId"
_LAUNCH = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
"""
_STOP = """\
  - name: Stop
    action: TerminateInstance
    onFailure: Continue
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
_RUN = """\
  - name: Run
    action: ExecuteComponents
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
_IMAGE = """\
  - name: Image
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
_OUTPUT = """\
outputs:
  - name: ImageId
    value: $.stepOutputs.Image.imageId
"""


class DeadStep(WorkflowRule):
    """No step stands behind one that is certain to fail.

    A step with `onFailure: Abort`, which is the default, ends the workflow when it fails. It is
    certain to fail if it always runs and its script ends in `exit 1`, or if it reads what a step
    puts out that never runs.
    """

    code = "WF501"
    severity = "warning"
    good = """\
schemaVersion: 1.0
steps:
  - name: Refuse
    action: RunCommand
    if:
      stringEquals: Windows
      value: $.imagebuilder.platform
    inputs:
      instanceId: i-0123456789abcdef0
      documentName: AWS-RunShellScript
      parameters: {commands: [echo not here, exit 1]}
  - name: Ask
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Refuse
    action: RunCommand
    inputs:
      instanceId: i-0123456789abcdef0
      documentName: AWS-RunShellScript
      parameters: {commands: [echo not here, exit 1]}
  - name: Ask
    action: WaitForAction
"""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Find the first step that surely ends the workflow, and what stands right behind it."""
        steps = facts.workflow.steps
        for failing, dead in pairwise(steps):
            if failing.on_failure is OnFailure.CONTINUE or not facts.always_runs(failing):
                continue
            if why := _why_it_fails(facts, failing):
                message = f"this step never runs: `{failing.name}` before it always fails"
                fix = f"{why}; give `{failing.name}` an `if`, or `onFailure: Continue`"
                yield self.finding(dead.place("name"), message, fix=fix)
                return


def _why_it_fails(facts: Facts, step: Step) -> str:
    for located in references_in(step.inputs) if step.inputs else ():
        if located.reference.root is Root.STEP_OUTPUTS:
            source = facts.workflow.step(located.reference.name)
            if source is not None and facts.never_runs(source):
                return f"it reads what `{source.name}` puts out, which never runs"
    spec = facts.spec(step)
    if spec is not None and spec.sure_failure is not None and step.inputs is not None:
        inputs = known_part(step.inputs)
        return spec.sure_failure(inputs) if isinstance(inputs, dict) else ""
    return ""


class NoImageOutput(WorkflowRule):
    """A build workflow tells which image it made by an output named `ImageId`.

    Without it the workflow can be created, but no AMI can be built with it: the request for the
    image is refused.
    """

    code = "WF502"
    severity = "warning"
    good = _LAUNCH + _IMAGE + _STOP + _OUTPUT
    bad = _LAUNCH + _IMAGE + _STOP

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at workflows that make an image and may be of type BUILD."""
        if facts.stage not in (None, Stage.BUILD) or facts.workflow.output(IMAGE_OUTPUT):
            return
        making = [step for step, _ in _steps_with(facts, Effect.MAKES_IMAGE)]
        if not making and facts.stage is None:
            return  # a workflow of any type
        names = {output.name: output for output in facts.workflow.outputs}
        near = surely_meant(IMAGE_OUTPUT, [name for name in names if name != CONTAINER_OUTPUT])
        if near is not None:
            message = f"a build workflow puts its image out as `{IMAGE_OUTPUT}`, not `{near}`"
            span = names[near].name_span
            edits = replacing(span, near, IMAGE_OUTPUT) if facts.stage is Stage.BUILD else ()
            yield self.finding(span, message, fix=f"write `{IMAGE_OUTPUT}`", edits=edits)
        elif making and CONTAINER_OUTPUT not in names:
            message = f"the image made here is not put out as `{IMAGE_OUTPUT}`"
            value = f"$.stepOutputs.{making[-1].name}.imageId"
            fix = f"for a build, write below `outputs`: `name: {IMAGE_OUTPUT}`, `value: {value}`"
            yield self.finding(making[-1].place("action"), message, fix=fix)


class MachineNotEnded(WorkflowRule):
    """A machine that a workflow starts is ended by it, or handed on.

    One that is not runs, and costs, until the image is made or has failed. It is handed on by an
    output, as container builds do, or to whoever a state machine or a message tells of it.
    """

    code = "WF503"
    severity = "warning"
    good = _LAUNCH + _RUN + _STOP
    bad = _LAUNCH + _RUN

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Look at every machine that is started."""
        ended = {
            name for step, _ in _steps_with(facts, Effect.ENDS_MACHINE) for name in _machines(step)
        }
        others = [
            step for step, _ in _steps_with(facts, Effect.ENDS_MACHINE) if not _machines(step)
        ]
        for step, _ in _steps_with(facts, Effect.STARTS_MACHINE):
            if step.name in ended or others or _handed_on(facts, step):
                continue
            message = f"nothing ends the machine that `{step.name}` starts"
            fix = "add a step with `action: TerminateInstance` and `onFailure: Continue`"
            yield self.finding(step.place("name"), message, fix=fix)


class MachineGone(WorkflowRule):
    """No step works on a machine that an earlier one has ended."""

    code = "WF504"
    severity = "warning"
    good = _LAUNCH + _RUN + _STOP
    bad = _LAUNCH + _STOP + _RUN

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Follow the machines through the steps."""
        ended: dict[str, Step] = {}
        for step, spec in facts.steps_with_spec():
            for name in _machines(step):
                if name in ended:
                    by = ended[name]
                    message = f"the machine of `{name}` is gone: `{by.name}` has ended it"
                    fix = f"move this step before `{by.name}`, line {by.span.start.line}"
                    yield self.finding(step.place("name"), message, fix=fix)
            if spec.effect is Effect.ENDS_MACHINE and facts.always_runs(step):
                ended |= {name: step for name in _machines(step) if name not in ended}


def _steps_with(facts: Facts, effect: Effect) -> Iterator[tuple[Step, ActionSpec]]:
    return ((step, spec) for step, spec in facts.steps_with_spec() if spec.effect is effect)


def _machines(step: Step) -> list[str]:
    """The steps whose machine this one works on."""
    given = step.inputs.member(_MACHINE) if step.inputs else None
    return [
        located.reference.name
        for located in (references_in(given.value) if given else ())
        if located.reference.root is Root.STEP_OUTPUTS
    ]


def _handed_on(facts: Facts, launch: Step) -> bool:
    """Tell whether the machine's id leaves the workflow, so that others may end it."""
    leaving = [each for output in facts.workflow.outputs for each in output.references]
    for step, spec in facts.steps_with_spec():
        if step.inputs is not None and spec.input_record.member(_MACHINE) is None:
            leaving += references_in(step.inputs)
    return any(
        located.reference.root is Root.STEP_OUTPUTS and located.reference.name == launch.name
        for located in leaving
    )
