"""What scans found in images, in functions on a connection (SCN-05)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal, select, tuple_

from imagewright.arns import Arn
from imagewright.store.machine_tables import scan_findings
from imagewright.store.pipeline_tables import pipeline_runs

_C = scan_findings.c


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One vulnerability of one image."""

    image: str
    vulnerability: str
    severity: str
    observed_at: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings of an account and region are meant; None means any."""

    account: str
    region: str
    image: str | None = None
    vulnerability: str | None = None
    severity: str | None = None
    pipeline: str | None = None
    """Whose images' findings."""


def put(connection: Connection, image: str, rows: Iterable[FindingRow]) -> None:
    """Set the findings of an image, in place of what was there."""
    forget(connection, image)
    arn = Arn.parse(image)
    values = [
        {
            "image": row.image,
            "vulnerability": row.vulnerability,
            "account": arn.account,
            "region": arn.region,
            "severity": row.severity,
            "observed_at": row.observed_at,
            "details": dict(row.details),
        }
        for row in rows
    ]
    if values:
        connection.execute(insert(scan_findings), values)


def forget(connection: Connection, image: str) -> None:
    """Drop what was found in an image."""
    connection.execute(delete(scan_findings).where(_C.image == image))


def page(
    connection: Connection, wanted: Wanted, *, after: tuple[str, str] | None, count: int
) -> list[FindingRow]:
    """Return findings in the order of image and vulnerability, from the one after ``after`` on."""
    query = select(_C.image, _C.vulnerability, _C.severity, _C.observed_at, _C.details).where(
        *_clauses(wanted)
    )
    if after is not None:
        query = query.where(tuple_(_C.image, _C.vulnerability) > tuple_(*map(literal, after)))
    ordered = query.order_by(_C.image, _C.vulnerability).limit(count)
    return [FindingRow(**row._mapping) for row in connection.execute(ordered)]


def severities(connection: Connection, wanted: Wanted) -> Mapping[str, int]:
    """Count findings by their severity."""
    query = select(_C.severity, func.count()).where(*_clauses(wanted)).group_by(_C.severity)
    return {severity: int(number) for severity, number in connection.execute(query).all()}


def _clauses(wanted: Wanted) -> Sequence[ColumnElement[bool]]:
    clauses = [_C.account == wanted.account, _C.region == wanted.region]
    for column, value in (
        (_C.image, wanted.image),
        (_C.vulnerability, wanted.vulnerability),
        (_C.severity, wanted.severity),
    ):
        if value is not None:
            clauses.append(column == value)
    if wanted.pipeline is not None:
        images = select(pipeline_runs.c.image_arn)
        clauses.append(_C.image.in_(images.where(pipeline_runs.c.pipeline_arn == wanted.pipeline)))
    return clauses
