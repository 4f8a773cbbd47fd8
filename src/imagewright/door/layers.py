"""What layers take up, and freeing those that nothing needs: for whoever runs the installation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from imagewright.clock import Clock
from imagewright.door.asked import Asked
from imagewright.door.workshop import OpenWorkshop, Workshop
from imagewright.errors import InvalidRequest
from imagewright.store import instances
from imagewright.store.database import Database

if TYPE_CHECKING:
    from imagewright.images.prune import Pruned, Reason

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layers:
    """The operations on layers."""

    database: Database
    workshop: OpenWorkshop
    operator: str
    """The account that may."""
    clock: Clock
    kept_age_max: timedelta
    """How long a machine stays that was kept after a failure; zero: for ever."""

    def usage(self, asked: Asked) -> Json:
        """Return what there is, and what pruning would free."""
        asked.require_operator(self.operator)
        workshop = self.workshop()
        return {
            **_usage(workshop),
            "unneededSizeBytes": self._prune(workshop, dry_run=True).size_bytes,
            "reusableSizeBytes": self._prune(workshop, dry_run=True, everything=True).size_bytes,
        }

    def prune(self, asked: Asked) -> Json:
        """Free what nothing needs; with ``everything``, also what a build could reuse.

        With ``dryRun`` it only says what that would be.
        """
        asked.require_operator(self.operator)
        dry_run, everything = (_wish(asked, name) for name in ("dryRun", "everything"))
        workshop = self.workshop()
        pruned = self._prune(workshop, dry_run=dry_run, everything=everything)
        return {
            "dryRun": dry_run,
            "sizeBytes": pruned.size_bytes,
            "packedSizeBytes": pruned.packed_size_bytes,
            "layers": [_entry(reason) for reason in pruned.reasons],
            "usage": _usage(workshop),
        }

    def _prune(self, workshop: Workshop, *, dry_run: bool, everything: bool = False) -> "Pruned":
        from imagewright.images.prune import prune

        with self.database.write() as connection:
            instances.end_long_kept(connection, self.kept_age_max, self.clock.now())
        policy = replace(workshop.policy, everything=everything)
        return prune(workshop.layer_store, self.database, policy, self.clock, dry_run=dry_run)


def _usage(workshop: Workshop) -> Json:
    usage = workshop.layer_store.usage()
    return {
        "count": usage.layers,
        "sizeBytes": usage.size_bytes,
        "packedSizeBytes": usage.packed_size_bytes,
        "freeBytes": usage.free_bytes,
    }


def _entry(reason: "Reason") -> Json:
    layer = reason.layer
    return {
        "layer": layer.id,
        "madeBy": layer.made_by,
        "sizeBytes": layer.size_bytes,
        "dateCreated": layer.created_at,
        "why": reason.why,
    }


def _wish(asked: Asked, name: str) -> bool:
    value = asked.body().get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f"The value of '{name}' must be a boolean.")
    return value
