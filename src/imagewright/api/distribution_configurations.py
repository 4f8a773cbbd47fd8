"""Distribution configurations: create, get, list, update, delete (``api-behaviour.md`` §9.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection

from imagewright.api import lookup, storing, unversioned
from imagewright.api.creation import Once
from imagewright.api.distributions import check_distributions
from imagewright.api.filters import FilterMeaning, by_name, conditions
from imagewright.api.listing import Lists
from imagewright.api.members import given
from imagewright.api.shapes import (
    CreateDistributionConfigurationRequest,
    CreateDistributionConfigurationResponse,
    DeleteDistributionConfigurationRequest,
    DeleteDistributionConfigurationResponse,
    DistributionConfiguration,
    DistributionConfigurationSummary,
    GetDistributionConfigurationRequest,
    GetDistributionConfigurationResponse,
    ListDistributionConfigurationsRequest,
    ListDistributionConfigurationsResponse,
    UpdateDistributionConfigurationRequest,
    UpdateDistributionConfigurationResponse,
)
from imagewright.arns import Kind
from imagewright.call import Call
from imagewright.store import resources as store
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored

_FILTERS: Mapping[str, FilterMeaning] = {"name": by_name}
_ARN: Final = "distributionConfigurationArn"
TIMEOUT_MINUTES = 720
"""What the service reports and nobody can set; it has no effect (DST-08, O-18)."""

_Content = CreateDistributionConfigurationRequest | UpdateDistributionConfigurationRequest


@dataclass(frozen=True, slots=True)
class DistributionConfigurations:
    """The handlers of the distribution configuration operations."""

    database: Database
    once: Once
    lists: Lists
    quota: int

    def create_distribution_configuration(
        self, request: CreateDistributionConfigurationRequest, call: Call
    ) -> CreateDistributionConfigurationResponse:
        """Store a configuration under a name of its own (NAM-06).

        The caller's errors: those of sections 3 and 9.4.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: unversioned.draft(request, _content(request, call), call),
            commit=lambda connection, draft: self._store(connection, draft, call),
        )
        return cast("CreateDistributionConfigurationResponse", answer)

    def get_distribution_configuration(
        self, request: GetDistributionConfigurationRequest, call: Call
    ) -> GetDistributionConfigurationResponse:
        """Return a configuration."""
        with self.database.read() as connection:
            stored = lookup.find(connection, request[_ARN], call, member=_ARN)
        return {"distributionConfiguration": distribution_entry(stored)}

    def list_distribution_configurations(
        self, request: ListDistributionConfigurationsRequest, call: Call
    ) -> ListDistributionConfigurationsResponse:
        """Return configurations in the order of their ARNs (SRT-02)."""
        wanted = conditions(request, _FILTERS)
        place = lookup.own_place(call, Kind.DISTRIBUTION_CONFIGURATION)
        page = self.lists.versions(request, call, place, wanted)
        shown = page.members("distributionConfigurationSummaryList", _summary)
        return cast("ListDistributionConfigurationsResponse", shown)

    def update_distribution_configuration(
        self, request: UpdateDistributionConfigurationRequest, call: Call
    ) -> UpdateDistributionConfigurationResponse:
        """Replace everything but name and tags; what is left out is gone (DST-10)."""
        answer = self.once.run(
            request,
            call,
            prepare=lambda: _content(request, call),
            commit=lambda connection, body: _replace(connection, request, body, call),
        )
        return cast("UpdateDistributionConfigurationResponse", answer)

    def delete_distribution_configuration(
        self, request: DeleteDistributionConfigurationRequest, call: Call
    ) -> DeleteDistributionConfigurationResponse:
        """Delete a configuration that no pipeline uses (DST-10)."""
        return {_ARN: storing.delete(self.database, request[_ARN], call, member=_ARN)}

    def _store(
        self, connection: Connection, draft: Draft, call: Call
    ) -> CreateDistributionConfigurationResponse:
        stored = storing.add(
            connection,
            call,
            Kind.DISTRIBUTION_CONFIGURATION,
            draft,
            quota=self.quota,
            how=store.add_only,
        )
        return {_ARN: str(stored.arn)}


def distribution_entry(stored: Stored) -> DistributionConfiguration:
    """Show a configuration as it is now, its distributions word for word as they were given."""
    shown = {**unversioned.entry(stored, "distributions"), "timeoutMinutes": TIMEOUT_MINUTES}
    return cast("DistributionConfiguration", shown)


def _summary(stored: Stored) -> DistributionConfigurationSummary:
    shown = given(
        unversioned.entry(stored),
        "arn",
        "name",
        "description",
        "dateCreated",
        "dateUpdated",
        "tags",
    )
    shown["regions"] = [each["region"] for each in stored.body["distributions"]]
    return cast("DistributionConfigurationSummary", shown)


def _replace(
    connection: Connection,
    request: UpdateDistributionConfigurationRequest,
    body: Mapping[str, Any],
    call: Call,
) -> UpdateDistributionConfigurationResponse:
    stored = unversioned.replace(connection, request, body, call, member=_ARN)
    return {_ARN: str(stored.arn)}


def _content(request: _Content, call: Call) -> dict[str, Any]:
    """Check what the distributions say, and return what is stored. Raises InvalidParameterValue."""
    check_distributions(request["distributions"], account=call.account)
    return given(request, "distributions")
