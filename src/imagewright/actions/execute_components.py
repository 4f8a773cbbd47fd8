"""Run the recipe's components on the machine, in the recipe's order.

In a build workflow the phases `build` and `validate` of each component run, in a test workflow
the phase `test`. The step is skipped when the recipe has no component with such a phase.

A component of which a step failed with `onFailure: Continue` fails the step, once the components
behind it ran too; one that a step aborted ends it at once. The first failure is the one that is
told.

Of a container recipe, a build workflow runs the whole template, with the components in their
place: the machine stands on the parent image, each instruction that changes files makes a layer,
and what comes of it is the container image. What other steps did on the machine before is no part
of it. Components run as root, whatever `USER` says.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from imagewright.actions.common import DAY, HOUR, CommandOutputs, OneInstance, command_id
from imagewright.actions.component_works import ComponentFailed, chosen, fetch_file, run_one
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import Skip, StepContext

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


def run(inputs: OneInstance, context: StepContext) -> CommandOutputs | Skip:
    """Run the components, one layer each."""
    components = list(chosen(context))
    summaries: list[Mapping[str, Any]] = []

    def run_components(units: Iterator[int], container: Mapping[str, str]) -> None:
        failed: ComponentFailed | None = None
        for left, each in zip(reversed(range(len(components))), components, strict=True):
            try:
                summary = run_one(
                    each,
                    inputs.instance_id,
                    context,
                    unit=next(units),
                    container=container,
                    is_last=not left,
                )
            except ComponentFailed as error:
                failed = failed or error
                if not error.goes_on:
                    break
            else:
                summaries.append(summary)
        if failed is not None:
            raise failed

    if context.plan.container is None or context.stage is not Stage.BUILD:
        if not components:
            return Skip()
        run_components(count(), _container_environment(inputs.instance_id, context))
    else:
        # A server answers before it has loaded the language of templates.
        from imagewright.actions.container_image import build

        build(
            inputs.instance_id,
            context,
            run_components=run_components,
            fetch=partial(fetch_file, context),
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
    from imagewright.documents.dockerfile.config import ImageConfig

    return ImageConfig.from_oci(
        context.machines.container_config(instance_id, plan=context.plan)
    ).env


def _sum_up(summaries: Sequence[Mapping[str, Any]], context: StepContext) -> dict[str, Any]:
    counts = ("executedStepCount", "failedStepCount", "ignoredFailedStepCount")
    nothing = {"executionId": command_id(context.token), "status": "success", "failureMessage": ""}
    last = summaries[-1] if summaries else nothing
    return {**last, **{name: sum(int(each[name]) for each in summaries) for name in counts}}
