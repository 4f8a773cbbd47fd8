"""What a request for an image refers to, found as it is now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.recipe_resolution import ResolvedRecipe, resolve_recipe
from imagewright.api.shapes import CreateImageRequest, WorkflowConfiguration
from imagewright.arns import Arn, Kind
from imagewright.call import Call
from imagewright.errors import InvalidParameterCombination, InvalidParameterValue
from imagewright.store.resources import Stored

_DEFAULTS = ("build/build-image", "test/test-image")
_CONTAINER_DEFAULTS = ("build/build-container", "test/test-container")
_CONTAINER_DISTRIBUTION = "distribution/distribute-container"
"""What distributes a container image where no workflow was asked to."""
_FOLLOWING = "distribution/distribute-image"
"""What follows an attached distribution configuration."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a request refers to, read in one transaction."""

    recipe: ResolvedRecipe
    infrastructure: Stored
    workflows: tuple[tuple[WorkflowConfiguration, Stored], ...]
    distribution: Stored | None
    """The attached distribution configuration."""
    distributing: Stored | None
    """The workflow that follows it, where none was asked for (§10.1)."""


def find(connection: Connection, request: CreateImageRequest, call: Call) -> Found:
    """Find what a request refers to, as it is now.

    Raises ResourceNotFound (ERR-26), InvalidParameterValue, InvalidParameterCombination.
    """
    _check_combination(request)
    workflows = _workflows(connection, request, call)
    distribution = None
    if text := request.get("distributionConfigurationArn"):
        member = "distributionConfigurationArn"
        distribution = lookup.find(connection, text, call, member=member)
    return Found(
        recipe=_recipe(connection, request, call),
        infrastructure=lookup.find(
            connection,
            request["infrastructureConfigurationArn"],
            call,
            member="infrastructureConfigurationArn",
        ),
        workflows=workflows,
        distribution=distribution,
        distributing=_distributing(connection, workflows, distribution, call),
    )


def _recipe(connection: Connection, request: CreateImageRequest, call: Call) -> ResolvedRecipe:
    if "containerRecipeArn" in request:
        text, member = request["containerRecipeArn"], "containerRecipeArn"
    else:
        text, member = request["imageRecipeArn"], "imageRecipeArn"
    return resolve_recipe(connection, call, text, member=member)


def _workflows(
    connection: Connection, request: CreateImageRequest, call: Call
) -> tuple[tuple[WorkflowConfiguration, Stored], ...]:
    """Find the workflows of a request; a container image's are always distributed (IMG-13)."""
    found = [
        (
            configuration,
            lookup.find(
                connection,
                configuration["workflowArn"],
                call,
                member=f"workflows[{index}].workflowArn",
            ),
        )
        for index, configuration in enumerate(_configurations(request, call))
    ]
    is_distributed = any(stored.type == "DISTRIBUTION" for _, stored in found)
    if "containerRecipeArn" in request and not is_distributed:
        added = _managed(_CONTAINER_DISTRIBUTION, call)
        stored = lookup.find(connection, added["workflowArn"], call, member="workflows")
        found.append((added, stored))
    return tuple(found)


def _check_combination(request: CreateImageRequest) -> None:
    """Check which members stand beside which (IMG-01, IMG-10, PIP-40)."""
    if ("imageRecipeArn" in request) == ("containerRecipeArn" in request):
        raise InvalidParameterCombination(
            "Exactly one of the parameters 'imageRecipeArn' and 'containerRecipeArn' must be given."
        )
    if request.get("workflows") and "executionRole" not in request:
        raise InvalidParameterCombination("An execution role is required to provide workflows.")
    check_log_groups(request, request.get("loggingConfiguration", {}).values())


def check_log_groups(request: Mapping[str, Any], groups: Iterable[Any]) -> None:
    """Refuse log groups that need a role which the request does not give (PIP-40)."""
    own = all(str(group).startswith("/aws/imagebuilder/") for group in groups)
    if not own and "executionRole" not in request:
        raise InvalidParameterCombination(
            "An execution role is required to write to a log group outside /aws/imagebuilder/."
        )


def _configurations(request: CreateImageRequest, call: Call) -> Sequence[WorkflowConfiguration]:
    """Return the workflows asked for, or the defaults (IMG-11, IMG-13)."""
    given = request.get("workflows")
    if given:
        for configuration in given:
            arn = Arn.parse(configuration["workflowArn"])
            if arn.is_managed and arn.version != "x.x.x":
                raise InvalidParameterValue(
                    "workflows",
                    f"AWS managed workflows must have latest version 'x.x.x' for '{arn}'",
                )
        return given
    defaults = _CONTAINER_DEFAULTS if "containerRecipeArn" in request else _DEFAULTS
    return [_managed(path, call) for path in defaults]


def _managed(path: str, call: Call) -> WorkflowConfiguration:
    """Name the newest managed workflow of a path."""
    place = lookup.managed_place(call, Kind.WORKFLOW)
    arn = Arn(
        partition=place.partition,
        region=place.region,
        account=place.account,
        kind=Kind.WORKFLOW,
        path=path,
        version="x.x.x",
    )
    return {"workflowArn": str(arn)}


def _distributing(
    connection: Connection,
    workflows: Sequence[tuple[WorkflowConfiguration, Stored]],
    distribution: Stored | None,
    call: Call,
) -> Stored | None:
    """Return what follows the attached configuration where no workflow does (§10.1)."""
    is_asked_for = any(stored.type == "DISTRIBUTION" for _, stored in workflows)
    # A container image always has a workflow that distributes it.
    if is_asked_for or not distributions_of(distribution):
        return None
    return find_following(connection, call)


def find_following(connection: Connection, call: Call) -> Stored:
    """Return the managed workflow that does what a distribution configuration says."""
    arn = _managed(_FOLLOWING, call)["workflowArn"]
    return lookup.find(connection, arn, call, member="workflows")


def distributions_of(distribution: Stored | None) -> Sequence[Mapping[str, Any]]:
    """Return what a configuration says of regions, but for what it says of containers alone."""
    if distribution is None:
        return ()
    return [
        entry
        for entry in distribution.body["distributions"]
        if entry.keys() - {"region"} != {"containerDistributionConfiguration"}
    ]


def container_distributions_of(distribution: Stored | None) -> Sequence[Mapping[str, Any]]:
    """Return what a configuration says of the regions that container images go to (DST-05)."""
    if distribution is None:
        return ()
    entries: Sequence[Mapping[str, Any]] = distribution.body["distributions"]
    return [entry for entry in entries if "containerDistributionConfiguration" in entry]
