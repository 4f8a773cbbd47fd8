"""What a distribution says, checked: the rules beyond the model's (``api-behaviour.md`` §9.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

from imagewright.api.repositories import check_repository
from imagewright.api.shapes import (
    AmiDistributionConfiguration,
    Distribution,
    LaunchPermissionConfiguration,
)
from imagewright.arns import REGION
from imagewright.build_tokens import BUILD_DATE, build_tokens, without_tokens
from imagewright.errors import InvalidParameterValue

PUBLIC = "all"
"""The one group that may be given a launch permission: everybody."""


def check_distributions(
    distributions: Sequence[Distribution], *, account: str, path: str = "distributions"
) -> None:
    """Check what the entries say, each and beside one another (DST-01 to DST-06, CTR-01).

    ``account`` owns the images. ``path`` is where the entries stand in the request.
    Raises InvalidParameterValue for the first member that is wrong.
    """
    seen: set[str] = set()
    for index, distribution in enumerate(distributions):
        member = f"{path}[{index}]"
        region = distribution["region"]
        if not REGION.fullmatch(region):
            raise InvalidParameterValue(
                f"{member}.region", f"A region looks like us-east-1 or local-dc-1, not '{region}'."
            )
        if region in seen:
            raise InvalidParameterValue(
                f"{member}.region",
                f"The region {region} has an entry already; a region can be named once.",
            )
        seen.add(region)
        _check_distribution(distribution, account, member)


def check_name(name: str, *, path: str) -> None:
    """Check the name that copies of an image get (DST-02, DST-03).

    Raises InvalidParameterValue.
    """
    if not any(token.name == BUILD_DATE for token in build_tokens(name)):
        raise InvalidParameterValue(
            path,
            "The name must contain the token {{ imagebuilder:buildDate }}, so that each build has "
            "a name of its own.",
        )
    if {"{", "}"} & set(without_tokens(name)):
        raise InvalidParameterValue(
            path,
            "Braces may only stand around {{ imagebuilder:buildDate }}, "
            "{{ imagebuilder:buildDate:<format> }} and {{ imagebuilder:buildVersion }}.",
        )


def check_launch_permission(permission: LaunchPermissionConfiguration, *, path: str) -> None:
    """Check who may launch copies (DST-04). Empty lists of the others are the model's to refuse.

    Raises InvalidParameterValue.
    """
    if "userGroups" in permission and set(permission["userGroups"]) != {PUBLIC}:
        raise InvalidParameterValue(f"{path}.userGroups", f"The only user group is '{PUBLIC}'.")


def _check_distribution(distribution: Distribution, account: str, member: str) -> None:
    ami: AmiDistributionConfiguration = distribution.get("amiDistributionConfiguration", {})
    path = f"{member}.amiDistributionConfiguration"
    if "name" in ami:
        check_name(ami["name"], path=f"{path}.name")
    check_launch_permission(ami.get("launchPermission", {}), path=f"{path}.launchPermission")
    if (container := distribution.get("containerDistributionConfiguration")) is not None:
        repository = f"{member}.containerDistributionConfiguration.targetRepository"
        check_repository(container["targetRepository"], path=repository)
    targets = ami.get("targetAccountIds", [account])
    for index, parameter in enumerate(distribution.get("ssmParameterConfigurations", ())):
        _check_target(parameter, targets, f"{member}.ssmParameterConfigurations[{index}]")


def _check_target(parameter: Mapping[str, Any], targets: Sequence[str], path: str) -> None:
    """Refuse a parameter about a copy that there will not be (DST-06)."""
    owner = parameter.get("amiAccountId")
    if owner is not None and owner not in targets:
        raise InvalidParameterValue(
            f"{path}.amiAccountId",
            f"The account {owner} gets no copy in this region; those that do: "
            f"{', '.join(targets[:10])}{', …' if len(targets) > 10 else ''}.",
        )
