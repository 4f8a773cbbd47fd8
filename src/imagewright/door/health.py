"""How the host and the installation are: ``imagewright doctor``'s questions to a server."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagewright.door.asked import Asked
from imagewright.door.workshop import OpenWorkshop
from imagewright.errors import ApiError

if TYPE_CHECKING:
    from imagewright.machines.ledger import Ledger
    from imagewright.machines.network import Network
    from imagewright.store.database import Database

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; see ``machines.doctor.Finding``, which needs Linux."""

    what: str
    grade: str
    detail: str
    remedy: str = ""


_ELSEWHERE = Finding(
    "platform",
    "missing",
    f"the driver 'sandbox' needs Linux, not {sys.platform}; the API, validate and serve work here",
    "run builds on Linux, or in a Linux virtual machine",
)


@dataclass(frozen=True, slots=True)
class Health:
    """The operation that examines."""

    state: Path
    workshop: OpenWorkshop
    operator: str
    """The account that may."""
    database: "Database"
    missing_service: Callable[[str], str | None]
    """Says which setting another AWS service would take; None: it can be asked."""

    def examine(self, asked: Asked) -> Json:
        """Return what was looked at, and what came of it."""
        asked.require_operator(self.operator)
        topics = examine_topics(self.database, self.missing_service("sns"))
        try:
            workshop = self.workshop()
        except ApiError as error:
            return examine_host(self.state, Finding("builds", "missing", error.message), *topics)
        engine = Finding("builds", "ok", "the engine runs")
        return examine_host(
            self.state, engine, *topics, network=workshop.network, ledger=workshop.ledger
        )


def examine_topics(database: "Database", missing: str | None) -> Sequence[Finding]:
    """Warn of topics that are to be told of images and cannot be (SNS-01).

    ``missing`` says which setting that would take.
    """
    if missing is None:
        return ()
    from imagewright.arns import Kind  # `demo` examines a host without a database
    from imagewright.store.resources import count_with

    with database.read() as connection:
        count = count_with(connection, Kind.INFRASTRUCTURE_CONFIGURATION, "snsTopicArn")
    if not count:
        return ()
    configurations = "configuration names" if count == 1 else "configurations name"
    detail = f"{count} infrastructure {configurations} a topic that is not told of images"
    return (Finding("topics", "warning", detail, f"{missing[0].lower()}{missing[1:]}"),)


def examine_host(
    state: Path,
    *more: Finding,
    network: "Network | None" = None,
    ledger: "Ledger | None" = None,
    under_way: Sequence[str] = (),
) -> Json:
    """Look at everything that builds need; ``worst`` is the worst of the grades."""
    if sys.platform == "linux":
        from imagewright.machines.doctor import examine

        looked = examine(state, network=network, ledger=ledger, under_way=under_way)
        found = [*map(asdict, looked), *map(asdict, more)]
    else:
        found = [asdict(_ELSEWHERE)]
    grades = {finding["grade"] for finding in found}
    worst = next((grade for grade in ("missing", "warning") if grade in grades), "ok")
    return {"worst": worst, "findings": found}
