"""Change attributes of distributed images: in practice, who may launch them.

With `attributes`, those are used and the distribution configuration of the image is not; without,
the configuration is.

Accounts of `userIds`, and with `userGroups: [all]` every account of this server, may use the
images of that region as parent images of their own. What was permitted stays so. This server knows
no organizations: `organizationArns` and `organizationalUnitArns` are refused before a build starts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imagewright.actions.common import HOUR, DistributedImage
from imagewright.actions.distribution import (
    attached,
    demand_all,
    done_to,
    entries_of,
    images_in,
    known,
    repeated,
    side_by_side,
)
from imagewright.documents.shapes import record_of
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about, to_plain
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, Foreseen, Prospect, StepContext


@dataclass(frozen=True, kw_only=True)
class LaunchPermission:
    """Who may launch an image."""

    user_ids: list[str] | None = field(default=None, metadata=about("Accounts, of 12 digits."))
    user_groups: list[str] | None = field(default=None, metadata=about("Groups: `all`."))
    organization_arns: list[str] | None = field(default=None, metadata=about("Organizations."))
    organizational_unit_arns: list[str] | None = field(
        default=None, metadata=about("Organizational units.")
    )


@dataclass(frozen=True, kw_only=True)
class RegionAttributes:
    """What changes in one region."""

    region: str = field(metadata=about("The region."))
    launch_permission: LaunchPermission | None = field(
        default=None, metadata=about("Who may launch the image there.")
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Which images, and what changes."""

    distributed_images: list[DistributedImage] = field(
        metadata=about(
            "The `distributedImages` of a DistributeImage step of the same workflow.",
            reference_root="stepOutputs",
        )
    )
    attributes: list[RegionAttributes] | None = field(
        default=None, metadata=about("One entry for each region.")
    )


@dataclass(frozen=True, kw_only=True)
class ModifiedImage:
    """What became of one image."""

    region: str = field(metadata=about("Where it lies."))
    name: str | None = field(default=None, metadata=about("Its name."))
    ami_id: str | None = field(default=None, metadata=about("Its id."))
    account_id: str | None = field(default=None, metadata=about("Whose it is."))
    date_started: str | None = field(default=None, metadata=about("In UTC."))
    date_stopped: str | None = field(default=None, metadata=about("In UTC."))
    status: Literal["Completed", "Failed", "Cancelled", "TimedOut"] = field(
        metadata=about("How it ended.")
    )
    step: Literal["Completed", "ModifyAmiRunning"] = field(metadata=about("Where it stopped."))
    error_message: str | None = field(default=None, metadata=about("Why it failed."))


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What became of the images."""

    modified_images: list[ModifiedImage] = field(metadata=about("One entry for each image."))


SPEC = ActionSpec(
    name="ModifyImageAttributes",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=2 * HOUR,
    timeout_max_seconds=3 * HOUR,
    built=True,
)

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_EVERYBODY = "all"


def foresee(inputs: Mapping[str, object], prospect: Prospect) -> Foreseen:
    """Refuse permissions that mean nothing here."""
    given = entries_of(inputs, "attributes")
    if given is None:
        given = _attached(prospect.plan)
    problems = [*repeated([each.get("region") for each in given])]
    for each in given:
        problems += [f"the region {each.get('region')}: {why}" for why in _problems(each)]
    return Foreseen(problems=problems)


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Change the attributes."""
    given = inputs.attributes
    if given is None:
        given = attached(record_of(RegionAttributes), _attached(context.plan))
    else:
        _demand_images(given, inputs)
    for each in given:
        for problem in _problems(to_plain(each)):
            raise ActionError(f"The attributes in {each.region} cannot be changed: {problem}.")
    jobs = [
        (image, each.launch_permission)
        for each in given
        if each.launch_permission is not None
        for image in images_in(each.region, inputs.distributed_images)
    ]

    def modify(job: tuple[DistributedImage, LaunchPermission]) -> None:
        image, permission = job
        users, groups = permission.user_ids or (), permission.user_groups or ()
        context.distribution.permit(
            str(image.ami_id), plan=context.plan, users=users, groups=groups
        )
        context.log.note(
            f"{image.ami_id} in {image.region} may be used by {', '.join([*users, *groups])}.",
            region=image.region,
        )

    ended = side_by_side(jobs, modify, context, running="ModifyAmiRunning")
    images = [
        ModifiedImage(**done_to(image, end))
        for (image, _), (_, end) in zip(jobs, ended, strict=True)
    ]
    demand_all("attribute", "modifiedImages", images)
    return Outputs(modified_images=images)


def _demand_images(given: list[RegionAttributes], inputs: Inputs) -> None:
    for each in given:
        if not images_in(each.region, inputs.distributed_images):
            raise ActionError(
                f"No image was distributed to {each.region}, which `attributes` name."
            )


def _problems(each: Mapping[str, Any]) -> Iterator[str]:
    permission = each.get("launchPermission")
    if not isinstance(permission, dict):
        return
    for name in ("organizationArns", "organizationalUnitArns"):
        if permission.get(name):
            yield (
                f"it has {name}, and this server knows no organizations; name the accounts in "
                "userIds"
            )
    for user in _texts(permission, "userIds"):
        if not _ACCOUNT.fullmatch(user):
            yield f"'{user}' among its userIds is no account of 12 digits"
    for group in _texts(permission, "userGroups"):
        if group != _EVERYBODY:
            yield f"'{group}' is no group that can use images; the only one is '{_EVERYBODY}'"


def _texts(permission: Mapping[str, Any], name: str) -> list[str]:
    given = permission.get(name)
    return [str(each) for each in given if known(each)] if isinstance(given, list) else []


def _attached(plan: BuildPlan) -> list[Mapping[str, Any]]:
    """Return what the attached configuration says of attributes, as inputs have it."""
    return [
        {"region": entry["region"], "launchPermission": ami["launchPermission"]}
        for entry in plan.distributions
        if "launchPermission" in (ami := entry.get("amiDistributionConfiguration", {}))
    ]
