"""What scans found: listed, and counted (``api-behaviour.md`` §7.10, FLT-06)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection

from imagewright.api.paging import Pager
from imagewright.api.shapes import (
    ListImageScanFindingAggregationsRequest,
    ListImageScanFindingAggregationsResponse,
    ListImageScanFindingsRequest,
    ListImageScanFindingsResponse,
)
from imagewright.arns import Arn
from imagewright.call import Call
from imagewright.errors import InvalidParameterValue
from imagewright.store import findings
from imagewright.store.database import Database
from imagewright.store.findings import FindingRow, Wanted

_MEMBERS = {
    "imageBuildVersionArn": "image",
    "imagePipelineArn": "pipeline",
    "vulnerabilityId": "vulnerability",
    "severity": "severity",
}
"""What a filter of the list restricts."""

_AGGREGATIONS = {
    "accountId": "accountAggregation",
    "imageBuildVersionArn": "imageAggregation",
    "imagePipelineArn": "imagePipelineAggregation",
    "vulnerabilityId": "vulnerabilityIdAggregation",
}


@dataclass(frozen=True, slots=True)
class ScanFindings:
    """The handlers of the two lists."""

    database: Database
    pager: Pager

    def list_image_scan_findings(
        self, request: ListImageScanFindingsRequest, call: Call
    ) -> ListImageScanFindingsResponse:
        """Return the findings of an account, or those that one filter with one value means."""
        wanted = _wanted(request.get("filters", ()), call)
        with self.database.read() as connection:
            page = self.pager.cut(
                request,
                call,
                fetch=lambda after, limit: _fetch(connection, wanted, after, limit),
                place=lambda row: [row.image, row.vulnerability],
            )
        return cast("ListImageScanFindingsResponse", page.members("findings", _entry))

    def list_image_scan_finding_aggregations(
        self, request: ListImageScanFindingAggregationsRequest, call: Call
    ) -> ListImageScanFindingAggregationsResponse:
        """Count findings by severity: of the account, or of each thing that a filter names."""
        asked = request.get("filter", {})
        name = asked.get("name", "accountId")
        if name not in _AGGREGATIONS:
            raise InvalidParameterValue(
                "filter.name", f"It must be one of: {', '.join(sorted(_AGGREGATIONS))}."
            )
        values = asked.get("values", [call.account]) if asked else [call.account]
        with self.database.read() as connection:
            shown = [
                {_AGGREGATIONS[name]: {name: value, "severityCounts": counts}}
                for value in values
                if (counts := _counts(connection, name, value, call))["all"] or not asked
            ]
        return cast(
            "ListImageScanFindingAggregationsResponse",
            {"aggregationType": name, "responses": shown},
        )


def _wanted(filters: Sequence[Mapping[str, Any]], call: Call) -> Wanted:
    """Return what a request means. Raises InvalidParameterValue."""
    wanted = Wanted(call.account, call.region)
    for entry in filters:
        name, values = entry.get("name", ""), entry.get("values", [])
        if name not in _MEMBERS:
            known = ", ".join(sorted(_MEMBERS))
            raise InvalidParameterValue(
                "filters[0].name", f"This list can be filtered by: {known}."
            )
        if values:
            wanted = replace(wanted, **{_MEMBERS[name]: values[0]})
    return wanted


def _fetch(
    connection: Connection, wanted: Wanted, after: Sequence[str] | None, limit: int
) -> list[FindingRow]:
    place = None if after is None else (after[0], after[1])
    return findings.page(connection, wanted, after=place, count=limit)


def _counts(connection: Connection, name: str, value: str, call: Call) -> dict[str, int]:
    wanted = Wanted(call.account, call.region)
    if name == "accountId" and value != call.account:
        counted: Mapping[str, int] = {}
    else:
        if name in _MEMBERS:
            wanted = replace(wanted, **{_MEMBERS[name]: value})
        counted = findings.severities(connection, wanted)
    named = {each.lower(): counted.get(each, 0) for each in ("CRITICAL", "HIGH", "MEDIUM")}
    return {"all": sum(counted.values()), **named}


def _entry(row: FindingRow) -> dict[str, Any]:
    arn = Arn.parse(row.image)
    details = dict(row.details)
    vulnerability = dict(details["packageVulnerabilityDetails"])
    for member in ("vendorCreatedAt", "vendorUpdatedAt"):
        if member in vulnerability:
            vulnerability[member] = _seconds(vulnerability[member])
    return {
        **details,
        "packageVulnerabilityDetails": vulnerability,
        "awsAccountId": arn.account,
        "imageBuildVersionArn": row.image,
        "firstObservedAt": _seconds(row.observed_at),
        "updatedAt": _seconds(row.observed_at),
    }


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
