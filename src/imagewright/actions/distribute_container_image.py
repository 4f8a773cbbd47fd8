"""Send the container image that a build made to the repositories of its regions.

`instanceId` names the machine on which ExecuteComponents made the image. In the build's own region
the image goes to the recipe's `targetRepository`. Each region of the distribution configuration of
the image that has a `containerDistributionConfiguration` gets it too, in the `targetRepository` of
that entry; an entry of the build's own region that names another repository has it sent to both.

Everywhere the image has the tag `VERSION-BUILD`, such as `1.0.0-1`, and after it the
`containerTags` of the entry of its region. What a tag meant before it does not mean any more.

Regions are registries, folders or buckets of the settings ([Distribution](distribution.md)); a
region for tars of whole file systems is refused before the build starts. No machine needs Docker
or the AWS CLI for it. Regions get the image side by side, and each whatever becomes of the others:
if one fails, so does the step, and its outputs say which, and why. What was sent stays, and sent
again it is the same.

A workflow with this action must not hold DistributeImage, ModifyImageAttributes or
ApplyImageConfigurations.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imagewright.actions.common import HOUR, OneInstance
from imagewright.actions.distribution import Ended, side_by_side
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about, to_plain
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import (
    ActionError,
    ContainerShipment,
    Foreseen,
    Prospect,
    StepContext,
    WantedContainer,
)


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where it arrived."""

    status: str = field(metadata=about("How the pushing ended, `Success` when it ended well."))
    succeeded_regions: list[str] = field(metadata=about("Where the image arrived."))
    failed_regions: list[str] = field(metadata=about("Where it did not."))


SPEC = ActionSpec(
    name="DistributeContainerImage",
    page=__doc__,
    inputs=OneInstance,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.DOCKER}),
    timeout_default_seconds=2 * HOUR,
    timeout_max_seconds=12 * HOUR,
    built=True,
    excludes=frozenset({"DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations"}),
)

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_RUNNING = "PushImageRunning"


@dataclass(frozen=True, slots=True)
class _Job:
    """All that goes to one region."""

    region: str
    wanted: Sequence[WantedContainer]


def foresee(inputs: Mapping[str, object], prospect: Prospect) -> Foreseen:
    """Refuse where no container image can go, and what is no tag."""
    del inputs  # the machine is not there yet
    if prospect.plan.container is None:
        return Foreseen(problems=["it needs a build of a container recipe"])
    problems = []
    for job in _jobs(prospect.plan):
        refusal = prospect.region_refusal(job.region, None, is_container=True)
        reasons = [*([] if refusal is None else [refusal]), *_tag_problems(job)]
        problems += [f"the region {job.region}: {why}" for why in reasons]
    return Foreseen(problems=problems)


def run(inputs: OneInstance, context: StepContext) -> Outputs:
    """Send the image everywhere."""
    jobs = _jobs(context.plan)
    with context.distribution.container_shipment(
        inputs.instance_id, plan=context.plan, stop=context.stop, log=context.log
    ) as shipment:
        ended = side_by_side(
            jobs, lambda job: _send(job, shipment, context), context, running=_RUNNING
        )
    pairs = [(job.region, end) for job, (_, end) in zip(jobs, ended, strict=True)]
    failed = [region for region, end in pairs if end.error_message is not None]
    outputs = Outputs(
        status="Failed" if failed else "Success",
        succeeded_regions=[region for region, _ in pairs if region not in failed],
        failed_regions=failed,
    )
    if failed:
        raise _failure(pairs, outputs)
    return outputs


def _send(job: _Job, shipment: ContainerShipment, context: StepContext) -> None:
    problems = list(_tag_problems(job))
    if why := context.distribution.refusal(job.region, None, is_container=True):
        problems.append(why)
    if problems:
        raise ActionError("; ".join(problems))
    for wanted in job.wanted:
        uris = shipment.send(wanted)
        context.log.note(f"The image for {job.region} is {', '.join(uris)}.", region=job.region)


def _failure(pairs: Sequence[tuple[str, Ended]], outputs: Outputs) -> ActionError:
    """Say which regions failed, and why (IMG-32, IMG-34)."""
    failed = [(region, end) for region, end in pairs if end.error_message is not None]
    reasons = [
        f"{number}) {region}: {end.error_message}"
        for number, (region, end) in enumerate(failed, start=1)
    ]
    return ActionError(
        f"Not all distribution jobs are completed. {' '.join(reasons)}",
        outputs={
            **to_plain(outputs),
            "regionFailures": [
                {
                    "region": region,
                    "status": end.status,
                    "step": end.step,
                    "errorMessage": end.error_message,
                }
                for region, end in failed
            ],
        },
    )


def _jobs(plan: BuildPlan) -> list[_Job]:
    """Return where the image goes: first to its own region, then to those of the configuration."""
    if plan.container is None:
        raise ActionError("This build is of no container recipe, and makes no container image.")
    repositories = {plan.region: [plan.container.repository]}
    tags: dict[str, Sequence[str]] = {}
    for region, said in _attached(plan):
        repositories.setdefault(region, []).append(said["targetRepository"]["repositoryName"])
        tags[region] = said.get("containerTags", ())
    return [
        _Job(
            region,
            [
                WantedContainer(region=region, repository=each, tags=tags.get(region, ()))
                for each in dict.fromkeys(named)
            ],
        )
        for region, named in repositories.items()
    ]


def _attached(plan: BuildPlan) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what the attached configuration says of containers, region by region."""
    for entry in plan.distributions:
        if (said := entry.get("containerDistributionConfiguration")) is not None:
            yield entry["region"], said


def _tag_problems(job: _Job) -> Iterator[str]:
    for tag in dict.fromkeys(tag for wanted in job.wanted for tag in wanted.tags):
        if not _TAG.fullmatch(tag):
            yield (
                f"its container tag '{tag}' is none: one has up to 128 letters, digits, '_', '.' "
                "and '-', and begins with neither '.' nor '-'"
            )
