"""Copy the image to regions and accounts.

With `distributions`, those are used and the distribution configuration of the image is not;
without, the configuration is. What is copied is the image's own output, the build workflow's
`ImageId`; without a build, the parent image. Each region gets a copy for the image's own account
and one for each of `targetAccountIds`, and each copy has an id of its own, by which a recipe in
its region can name it as a parent. In the image's own region and account nothing is copied: the
image gets the tags, and stays as it is otherwise.

Names, descriptions and the values of tags may have the variables `{{ imagebuilder:buildDate }}`,
`{{ imagebuilder:buildDate:yyyyMMdd }}` (letters as in Java's dates) and
`{{ imagebuilder:buildVersion }}` (`1.0.0/1`).

Regions are folders, buckets or registries of the settings ([Distribution](distribution.md)); only
a bucket can encrypt with `kmsKeyId`. Copies are made side by side, and each whatever becomes of
the others: if one fails, so does the step, and its outputs say which; with `onFailure: Continue`
the next steps may refer to them, and do their work for the copies that arrived. Copies that are
made stay, and RetryImage makes only those that are missing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from imagewright.actions.common import HOUR, DistributedImage
from imagewright.actions.distribution import (
    attached,
    demand_all,
    entries_of,
    known,
    lasting_token,
    repeated,
    side_by_side,
)
from imagewright.documents.shapes import record_of
from imagewright.documents.specs import ActionSpec, ImageType, Stage, about, to_plain
from imagewright.engine.image_names import expanded, name_problems, tag_problems, text_problems
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import (
    ActionError,
    Foreseen,
    Prospect,
    SentCopy,
    StepContext,
    WantedCopy,
)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One region."""

    region: str = field(metadata=about("Where the copy goes.", length_min=1, length_max=1024))
    name: str | None = field(default=None, metadata=about("The name of the copy."))
    description: str | None = field(default=None, metadata=about("What the copy is."))
    target_account_ids: list[str] | None = field(
        default=None, metadata=about("The accounts that get a copy, besides the image's own.")
    )
    ami_tags: dict[str, str] | None = field(
        default=None, metadata=about("The copy's tags.", length_max=50)
    )
    kms_key_id: str | None = field(
        default=None, metadata=about("The key the copy is encrypted with.")
    )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where to, if not to where the configuration says."""

    distributions: list[Distribution] | None = field(
        default=None, metadata=about("One entry for each region.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The copies."""

    distributed_images: list[DistributedImage] = field(
        metadata=about("One entry for each region and account.")
    )


SPEC = ActionSpec(
    name="DistributeImage",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    stages=frozenset({Stage.DISTRIBUTION}),
    image_types=frozenset({ImageType.AMI}),
    timeout_default_seconds=6 * HOUR,
    timeout_max_seconds=12 * HOUR,
    built=True,
)

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)


def foresee(inputs: Mapping[str, object], prospect: Prospect) -> Foreseen:
    """Refuse what no copy can be, or where none can go."""
    given = entries_of(inputs, "distributions")
    if given is None:
        given = _attached(prospect.plan)
    problems = [*repeated([each.get("region") for each in given])]
    for each in given:
        region = each.get("region")
        where = f"the region {region}" if known(region) else "a region"
        problems += [f"{where}: {why}" for why in _problems(each, prospect)]
    return Foreseen(problems=problems)


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Make the copies."""
    given = inputs.distributions
    if given is None:
        given = attached(record_of(Distribution), _attached(context.plan))
    for problem in repeated([each.region for each in given]):
        raise ActionError(f"The image cannot be distributed: {problem}.")
    jobs = [(each, account) for each in given for account in _accounts(each, context.plan)]
    if not jobs:
        context.log.note("Nothing is to be distributed.")
        return Outputs(distributed_images=[])
    with context.distribution.shipment(
        context.base_image_id,
        plan=context.plan,
        token=lasting_token(context),
        stop=context.stop,
        log=context.log,
    ) as shipment:

        def send(job: tuple[Distribution, str]) -> SentCopy:
            each, account = job
            sent = shipment.send(_wanted(each, account, context))
            where = "stays" if sent.location is None else f"lies in {sent.location}"
            context.log.note(
                f"{sent.image_id} for {each.region}, account {account}, {where}.",
                region=each.region,
            )
            return sent

        ended = side_by_side(jobs, send, context, running="CopyAmiRunning")
    images = [
        DistributedImage(
            region=each.region,
            account_id=account,
            name=None if sent is None else sent.name,
            ami_id=None if sent is None else sent.image_id,
            **asdict(end),
        )
        for (each, account), (sent, end) in zip(jobs, ended, strict=True)
    ]
    demand_all("distribution", "distributedImages", images)
    return Outputs(distributed_images=images)


def _wanted(each: Distribution, account: str, context: StepContext) -> WantedCopy:
    """Put in what variables stand for. Raises ActionError."""
    plan = context.plan
    problems = [*_text_problems(to_plain(each), plan)]
    if why := context.distribution.refusal(each.region, _key(each, account, plan)):
        problems.append(why)
    if problems:
        raise ActionError("; ".join(problems))
    return WantedCopy(
        region=each.region,
        account=account,
        name=None if each.name is None else expanded(each.name, plan),
        description=None if each.description is None else expanded(each.description, plan),
        tags={key: expanded(value, plan) for key, value in (each.ami_tags or {}).items()},
        kms_key_id=each.kms_key_id,
    )


def _key(each: Distribution, account: str, plan: BuildPlan) -> str | None:
    """Return the key of a copy; the image itself is not made anew."""
    is_copied = (each.region, account) != (plan.region, plan.account)
    return each.kms_key_id if is_copied else None


def _accounts(each: Distribution, plan: BuildPlan) -> Sequence[str]:
    return list(dict.fromkeys([plan.account, *(each.target_account_ids or ())]))


def _problems(each: Mapping[str, Any], prospect: Prospect) -> Iterator[str]:
    plan, region, key = prospect.plan, each.get("region"), each.get("kmsKeyId")
    accounts = each.get("targetAccountIds")
    others = [a for a in accounts if a != plan.account] if isinstance(accounts, list) else []
    if known(region) and (region != plan.region or others):
        is_encrypted = known(key)
        if why := prospect.region_refusal(str(region), str(key) if is_encrypted else None):
            yield why
    for account in others:
        if known(account) and not _ACCOUNT.fullmatch(str(account)):
            yield f"its target account '{account}' is no number of 12 digits"
    yield from _text_problems(each, plan)


def _text_problems(each: Mapping[str, Any], plan: BuildPlan) -> Iterator[str]:
    if known(name := each.get("name")):
        yield from (f"its name {why}" for why in name_problems(str(name), plan))
    if known(description := each.get("description")):
        yield from (f"its description {why}" for why in text_problems(str(description), plan))
    tags = each.get("amiTags")
    for key, value in tags.items() if isinstance(tags, dict) else ():
        if known(value):
            yield from (f"its tag {key} {why}" for why in tag_problems(str(key), str(value), plan))


def _attached(plan: BuildPlan) -> list[Mapping[str, Any]]:
    """Return what the attached configuration says of copies, as inputs have it."""
    names = ("name", "description", "targetAccountIds", "amiTags", "kmsKeyId")
    return [
        {
            "region": entry["region"],
            **{
                name: entry["amiDistributionConfiguration"][name]
                for name in names
                if name in entry.get("amiDistributionConfiguration", {})
            },
        }
        for entry in plan.distributions
    ]
