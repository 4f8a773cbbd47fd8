"""Apply licences, launch templates, export, fast launch and SSM parameters to distributed images.

With `configurations`, those are used and the distribution configuration of the image is not;
without, the configuration is.

An SSM parameter gets the id of the copy that lies in its region, of the image's own account unless
`amiAccountId` says whose. It is written at the setting `aws.ssm_endpoint`, else at AWS, with the
key of `aws.access_key_id`. Without an execution role, only parameters under `/imagebuilder/` are.

A launch template gets a new version that starts from the copy, which becomes the default one
unless `setDefaultVersion` is false. It is looked for at the setting `aws.ec2_endpoint` and nowhere
else: AWS's own EC2 does not have the image.

What needs an image that lies in EC2 is refused before a build starts: licences, fast launch, and
the export of a disk, which an image of the sandbox does not have.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from imagewright.actions.common import HOUR, DistributedImage
from imagewright.actions.distribution import (
    StoppedAt,
    attached,
    demand_all,
    done_to,
    entries_of,
    images_in,
    lasting_token,
    repeated,
    side_by_side,
)
from imagewright.documents.shapes import record_of
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about, to_plain
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, Foreseen, Prospect, StepContext

Step = Literal["UpdateLaunchTemplateRunning", "PutSsmParametersRunning"]

_ACCOUNT: Final = {"pattern": r"[0-9]{12}", "pattern_says": "an account of 12 digits"}


@dataclass(frozen=True, kw_only=True)
class LaunchTemplateConfiguration:
    """A launch template that is to name the new image."""

    launch_template_id: str = field(
        metadata=about(
            "The launch template.",
            pattern=r"lt-[a-z0-9\-_]{17}",
            pattern_says="`lt-` and 17 letters and digits",
        )
    )
    account_id: str | None = field(default=None, metadata=about("Whose it is.", **_ACCOUNT))
    set_default_version: bool | None = field(
        default=None, metadata=about("Make the new version the default one.")
    )


@dataclass(frozen=True, kw_only=True)
class S3ExportConfiguration:
    """An export of the image as a disk file."""

    role_name: str = field(metadata=about("The role that may write the file."))
    disk_image_format: Literal["VMDK", "RAW", "VHD"] = field(metadata=about("Its format."))
    s3_bucket: str = field(metadata=about("The bucket it goes to."))
    s3_prefix: str | None = field(default=None, metadata=about("What its key begins with."))


@dataclass(frozen=True, kw_only=True)
class SnapshotConfiguration:
    """The snapshots that fast launch keeps ready."""

    target_resource_count: int | None = field(
        default=None, metadata=about("How many.", whole_min=1, whole_max=10_000)
    )


@dataclass(frozen=True, kw_only=True)
class FastLaunchTemplate:
    """The launch template that fast launch uses, by id or by name."""

    launch_template_id: str | None = field(default=None, metadata=about("Its id."))
    launch_template_name: str | None = field(default=None, metadata=about("Its name."))
    launch_template_version: str | None = field(default=None, metadata=about("Its version."))


@dataclass(frozen=True, kw_only=True)
class FastLaunchConfiguration:
    """Fast launch of Windows images."""

    enabled: bool = field(metadata=about("Whether it is on."))
    snapshot_configuration: SnapshotConfiguration | None = field(
        default=None, metadata=about("The snapshots kept ready.")
    )
    max_parallel_launches: int | None = field(
        default=None, metadata=about("How many machines prepare snapshots at once.", whole_min=1)
    )
    launch_template: FastLaunchTemplate | None = field(
        default=None, metadata=about("The launch template to use.")
    )
    account_id: str | None = field(default=None, metadata=about("Whose images.", **_ACCOUNT))


@dataclass(frozen=True, kw_only=True)
class SsmParameterConfiguration:
    """A parameter that is to hold the id of the new image."""

    parameter_name: str = field(
        metadata=about(
            "Its name.",
            length_min=1,
            length_max=1011,
            pattern=r"[a-zA-Z0-9_.\-/]*",
            pattern_says="letters, digits and `_`, `.`, `-`, `/`",
        )
    )
    ami_account_id: str | None = field(
        default=None, metadata=about("Whose image it names.", **_ACCOUNT)
    )
    data_type: Literal["text", "aws:ec2:image"] | None = field(
        default=None, metadata=about("Its data type.")
    )


@dataclass(frozen=True, kw_only=True)
class RegionConfiguration:
    """What is applied in one region."""

    region: str = field(metadata=about("The region."))
    license_configuration_arns: list[str] | None = field(
        default=None, metadata=about("Licence configurations.", length_min=1, length_max=50)
    )
    launch_template_configurations: list[LaunchTemplateConfiguration] | None = field(
        default=None, metadata=about("Launch templates.", length_min=1, length_max=100)
    )
    s3_export_configuration: list[S3ExportConfiguration] | None = field(
        default=None, metadata=about("Exports; one map or a list.", one_or_many=True)
    )
    fast_launch_configurations: list[FastLaunchConfiguration] | None = field(
        default=None, metadata=about("Fast launch.", length_min=1, length_max=1000)
    )
    ssm_parameter_configurations: list[SsmParameterConfiguration] | None = field(
        default=None, metadata=about("SSM parameters; one map or a list.", one_or_many=True)
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Which images, and what is applied."""

    distributed_images: list[DistributedImage] = field(
        metadata=about(
            "The `distributedImages` of a DistributeImage step of the same workflow.",
            reference_root="stepOutputs",
        )
    )
    configurations: list[RegionConfiguration] | None = field(
        default=None, metadata=about("One entry for each region.")
    )


@dataclass(frozen=True, kw_only=True)
class ConfiguredImage:
    """What became of one image."""

    account_id: str | None = field(default=None, metadata=about("Whose it is."))
    name: str | None = field(default=None, metadata=about("Its name."))
    ami_id: str | None = field(default=None, metadata=about("Its id."))
    region: str = field(metadata=about("Where it lies."))
    date_started: str | None = field(default=None, metadata=about("In UTC."))
    date_stopped: str | None = field(default=None, metadata=about("In UTC."))
    step: Literal[
        "Completed",
        "AssociateLicensesRunning",
        "UpdateLaunchTemplateRunning",
        "PutSsmParametersRunning",
        "UpdateFastLaunchConfiguration",
        "ExportAmiQueued",
        "ExportAmiRunning",
    ] = field(metadata=about("Where it stopped."))
    status: Literal["Completed", "Failed", "Cancelled", "TimedOut"] = field(
        metadata=about("How it ended.")
    )
    error_message: str | None = field(default=None, metadata=about("Why it failed."))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What became of the images."""

    configured_images: list[ConfiguredImage] = field(metadata=about("One entry for each image."))


SPEC = ActionSpec(
    name="ApplyImageConfigurations",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=6 * HOUR,
    timeout_max_seconds=12 * HOUR,
    built=True,
)

_WITHOUT_ROLE = "/imagebuilder/"
"""Where parameters may be written without an execution role (DST-07)."""
_SERVICES = {"launchTemplateConfigurations": "ec2", "ssmParameterConfigurations": "ssm"}


def foresee(inputs: Mapping[str, object], prospect: Prospect) -> Foreseen:
    """Refuse what cannot be applied to an image of the sandbox, or at no service in reach."""
    given = entries_of(inputs, "configurations")
    if given is None:
        given = _attached(prospect.plan)
    problems = [*repeated([each.get("region") for each in given])]
    for each in given:
        where = f"the region {each.get('region')}"
        problems += [f"{where}: {why}" for why in _problems(each)]
        for name, service in _SERVICES.items():
            if each.get(name) and (missing := prospect.missing_service(service)):
                problems.append(f"{where}: it has {name}. {missing}")
    return Foreseen(problems=problems)


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Apply the configurations."""
    given = inputs.configurations
    if given is None:
        given = attached(record_of(RegionConfiguration), _attached(context.plan))
        given = [each for each in given if images_in(each.region, inputs.distributed_images)]
    for each in given:
        for problem in [*_problems(to_plain(each)), *_unmet(each, inputs, context.plan)]:
            raise ActionError(f"The configuration of {each.region} cannot be applied: {problem}.")
    jobs = [
        (image, each)
        for each in given
        for image in images_in(each.region, inputs.distributed_images)
        if any(True for _ in _tasks(image, each, context))
    ]
    if jobs:
        context.distribution.begin_integration(context.plan)

    def apply(job: tuple[DistributedImage, RegionConfiguration]) -> None:
        for step, task in _tasks(*job, context):
            if context.stop.is_set():
                raise StoppedAt(step, "it was not begun")
            try:
                task()
            except ActionError as error:
                raise StoppedAt(step, str(error)) from error
            pass_by(CrashPoint.CONFIGURATION_APPLIED)

    ended = side_by_side(jobs, apply, context, running="UpdateLaunchTemplateRunning")
    images = [
        ConfiguredImage(**done_to(image, end))
        for (image, _), (_, end) in zip(jobs, ended, strict=True)
    ]
    demand_all("integration", "configuredImages", images)
    return Outputs(configured_images=images)


def _tasks(
    image: DistributedImage, each: RegionConfiguration, context: StepContext
) -> Iterator[tuple[Step, Callable[[], None]]]:
    """Yield what is to be done for one image, in order."""
    own = context.plan.account
    for template in each.launch_template_configurations or ():
        if (template.account_id or own) == image.account_id:
            yield "UpdateLaunchTemplateRunning", partial(_update, template, image, context)
    for parameter in each.ssm_parameter_configurations or ():
        if (parameter.ami_account_id or own) == image.account_id:
            yield "PutSsmParametersRunning", partial(_write, parameter, image, context)


def _update(
    template: LaunchTemplateConfiguration, image: DistributedImage, context: StepContext
) -> None:
    number = context.world.launch_templates.add_version(
        template.launch_template_id,
        str(image.ami_id),
        set_default=template.set_default_version is not False,
        region=image.region,
        token=hashlib.sha256(f"{lasting_token(context)} {image.ami_id}".encode()).hexdigest(),
    )
    context.log.note(
        f"Version {number} of the launch template {template.launch_template_id} in {image.region} "
        f"starts from {image.ami_id}.",
        region=image.region,
    )


def _write(
    parameter: SsmParameterConfiguration, image: DistributedImage, context: StepContext
) -> None:
    name = parameter.parameter_name
    if context.plan.execution_role is None and not name.startswith(_WITHOUT_ROLE):
        raise ActionError(
            f"The parameter '{name}' could not be written: without an execution role, only those "
            f"under {_WITHOUT_ROLE} can be. Give the image an executionRole"
        )
    context.world.parameters.put(
        name, str(image.ami_id), data_type=parameter.data_type, region=image.region
    )
    context.log.note(
        f"The parameter {name} in {image.region} is {image.ami_id}.", region=image.region
    )


def _problems(each: Mapping[str, Any]) -> Iterator[str]:
    """Say what of a configuration no image of the sandbox can have."""
    if each.get("licenseConfigurationArns"):
        yield (
            "it has licenseConfigurationArns, and License Manager knows only images that lie in "
            "EC2, which those of the driver sandbox do not"
        )
    if each.get("s3ExportConfiguration"):
        yield (
            "it has an s3ExportConfiguration, and an image of the driver sandbox has no disk to "
            "export; a region whose place is a bucket gets it as an OCI image or a tar "
            "(regions.REGION.bucket)"
        )
    fast = each.get("fastLaunchConfigurations")
    entries = fast if isinstance(fast, list) else ()
    if any(isinstance(entry, dict) and entry.get("enabled") is not False for entry in entries):
        yield (
            "it has fastLaunchConfigurations, and EC2 readies only Windows images that lie there; "
            "only `enabled: false` can be had of the driver sandbox"
        )


def _unmet(each: RegionConfiguration, inputs: Inputs, plan: BuildPlan) -> Iterator[str]:
    """Say which images a configuration names that were not distributed."""
    there = {image.account_id for image in images_in(each.region, inputs.distributed_images)}
    wanted: Sequence[str | None] = [
        *(entry.account_id for entry in each.launch_template_configurations or ()),
        *(entry.ami_account_id for entry in each.ssm_parameter_configurations or ()),
    ]
    for account in sorted({whose or plan.account for whose in wanted} - there):
        yield f"no image was distributed there for the account {account}"


def _attached(plan: BuildPlan) -> list[Mapping[str, Any]]:
    """Return what the attached configuration says, as inputs have it."""
    names = record_of(RegionConfiguration).names
    return [{name: entry[name] for name in names if name in entry} for entry in plan.distributions]
