"""How the host and the installation are: ``imagewright doctor``'s questions to a server."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagewright.door.asked import Asked
from imagewright.door.workshop import OpenWorkshop
from imagewright.errors import ApiError

if TYPE_CHECKING:
    from imagewright.machines.doctor import Finding

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """The operation that examines."""

    state: Path
    workshop: OpenWorkshop
    operator: str
    """The account that may."""

    def examine(self, asked: Asked) -> Json:
        """Return what was looked at, and what came of it."""
        from imagewright.machines.doctor import Finding, examine

        asked.require_operator(self.operator)
        try:
            workshop = self.workshop()
        except ApiError as error:
            found = [*examine(self.state), Finding("builds", "missing", error.message)]
        else:
            found = [
                *examine(self.state, network=workshop.network, ledger=workshop.ledger),
                Finding("builds", "ok", "the engine runs"),
            ]
        return findings_entry(found)


def findings_entry(found: Sequence["Finding"]) -> Json:
    """Show findings; ``wellness`` is the worst of their grades."""
    grades = {finding.grade for finding in found}
    worst = next((grade for grade in ("missing", "warning") if grade in grades), "ok")
    return {"worst": worst, "findings": [asdict(finding) for finding in found]}
