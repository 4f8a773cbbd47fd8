"""Infrastructure configurations: create, get, list, update, delete (``api-behaviour.md`` §9.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection

from imagewright.api import lookup, storing, unversioned
from imagewright.api.creation import Once
from imagewright.api.filters import FilterMeaning, by_name, conditions
from imagewright.api.listing import Lists
from imagewright.api.members import given
from imagewright.api.shapes import (
    CreateInfrastructureConfigurationRequest,
    CreateInfrastructureConfigurationResponse,
    DeleteInfrastructureConfigurationRequest,
    DeleteInfrastructureConfigurationResponse,
    GetInfrastructureConfigurationRequest,
    GetInfrastructureConfigurationResponse,
    InfrastructureConfiguration,
    InfrastructureConfigurationSummary,
    ListInfrastructureConfigurationsRequest,
    ListInfrastructureConfigurationsResponse,
    UpdateInfrastructureConfigurationRequest,
    UpdateInfrastructureConfigurationResponse,
)
from imagewright.arns import Kind
from imagewright.call import Call
from imagewright.errors import InvalidParameterCombination, InvalidParameterValue
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored

_FILTERS: Mapping[str, FilterMeaning] = {"name": by_name}
_CONTENT = (
    "instanceTypes",
    "instanceProfileName",
    "securityGroupIds",
    "subnetId",
    "logging",
    "keyPair",
    "terminateInstanceOnFailure",
    "terminateInstanceOnCompletion",
    "snsTopicArn",
    "resourceTags",
    "instanceMetadataOptions",
    "placement",
    "parentInstance",
)
_DEFAULTS = {"terminateInstanceOnFailure": True, "terminateInstanceOnCompletion": True}
_RESERVED_KEYS = {"CreatedBy", "Ec2ImageBuilderArn", "Name", "Tags"}
_ARN: Final = "infrastructureConfigurationArn"

_Content = CreateInfrastructureConfigurationRequest | UpdateInfrastructureConfigurationRequest


@dataclass(frozen=True, slots=True)
class InfrastructureConfigurations:
    """The handlers of the infrastructure configuration operations."""

    database: Database
    once: Once
    lists: Lists
    quota: int

    def create_infrastructure_configuration(
        self, request: CreateInfrastructureConfigurationRequest, call: Call
    ) -> CreateInfrastructureConfigurationResponse:
        """Store a configuration under a name of its own (NAM-06).

        The caller's errors: those of sections 3 and 9.3.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: unversioned.draft(request, _content(request), call),
            commit=lambda connection, draft: self._store(connection, draft, call),
        )
        return cast("CreateInfrastructureConfigurationResponse", answer)

    def get_infrastructure_configuration(
        self, request: GetInfrastructureConfigurationRequest, call: Call
    ) -> GetInfrastructureConfigurationResponse:
        """Return a configuration."""
        with self.database.read() as connection:
            stored = lookup.find(connection, request[_ARN], call, member=_ARN)
        return {"infrastructureConfiguration": configuration_entry(stored)}

    def list_infrastructure_configurations(
        self, request: ListInfrastructureConfigurationsRequest, call: Call
    ) -> ListInfrastructureConfigurationsResponse:
        """Return configurations in the order of their ARNs (SRT-02)."""
        wanted = conditions(request, _FILTERS)
        place = lookup.own_place(call, Kind.INFRASTRUCTURE_CONFIGURATION)
        page = self.lists.versions(request, call, place, wanted)
        shown = page.members("infrastructureConfigurationSummaryList", _summary)
        return cast("ListInfrastructureConfigurationsResponse", shown)

    def update_infrastructure_configuration(
        self, request: UpdateInfrastructureConfigurationRequest, call: Call
    ) -> UpdateInfrastructureConfigurationResponse:
        """Replace everything but name and tags; what is left out is gone (INF-10)."""
        answer = self.once.run(
            request,
            call,
            prepare=lambda: _content(request),
            commit=lambda connection, body: _replace(connection, request, body, call),
        )
        return cast("UpdateInfrastructureConfigurationResponse", answer)

    def delete_infrastructure_configuration(
        self, request: DeleteInfrastructureConfigurationRequest, call: Call
    ) -> DeleteInfrastructureConfigurationResponse:
        """Delete a configuration that no pipeline uses (INF-11)."""
        return {_ARN: storing.delete(self.database, request[_ARN], call, member=_ARN)}

    def _store(
        self, connection: Connection, draft: Draft, call: Call
    ) -> CreateInfrastructureConfigurationResponse:
        stored = storing.add(
            connection,
            call,
            Kind.INFRASTRUCTURE_CONFIGURATION,
            draft,
            quota=self.quota,
            how=store.add_only,
        )
        return {_ARN: str(stored.arn)}


def configuration_entry(stored: Stored) -> InfrastructureConfiguration:
    """Show a configuration as it is now."""
    return cast("InfrastructureConfiguration", unversioned.entry(stored, *_CONTENT))


def _summary(stored: Stored) -> InfrastructureConfigurationSummary:
    shown = given(
        configuration_entry(stored),
        "arn",
        "name",
        "description",
        "dateCreated",
        "dateUpdated",
        "resourceTags",
        "tags",
        "instanceTypes",
        "instanceProfileName",
        "placement",
    )
    return cast("InfrastructureConfigurationSummary", shown)


def _replace(
    connection: Connection,
    request: UpdateInfrastructureConfigurationRequest,
    body: Mapping[str, Any],
    call: Call,
) -> UpdateInfrastructureConfigurationResponse:
    stored = unversioned.replace(connection, request, body, call, member=_ARN)
    return {_ARN: str(stored.arn)}


def _content(request: _Content) -> dict[str, Any]:
    """Check what members ask of one another, and return what is stored.

    Raises InvalidParameterCombination (INF-02, INF-06), InvalidParameterValue (INF-04).
    """
    if "subnetId" in request and not request.get("securityGroupIds"):
        raise InvalidParameterCombination(
            "With the parameter 'subnetId', 'securityGroupIds' must name at least one group."
        )
    _check_resource_tags(request.get("resourceTags", {}))
    _check_placement(request.get("placement", {}))
    return {**_DEFAULTS, **given(request, *_CONTENT)}


def _check_resource_tags(tags: Mapping[str, str]) -> None:
    for key in tags:
        if key in _RESERVED_KEYS or key.startswith("aws:"):
            raise InvalidParameterValue(
                "resourceTags", f"The key '{key}' is reserved for the service."
            )


def _check_placement(placement: Mapping[str, Any]) -> None:
    hosts = [name for name in ("hostId", "hostResourceGroupArn") if name in placement]
    if len(hosts) > 1:
        raise InvalidParameterCombination(
            "The parameters 'placement.hostId' and 'placement.hostResourceGroupArn' exclude each "
            "other."
        )
    if hosts and placement.get("tenancy") != "host":
        raise InvalidParameterCombination(
            f"The parameter 'placement.{hosts[0]}' needs the tenancy 'host'."
        )
