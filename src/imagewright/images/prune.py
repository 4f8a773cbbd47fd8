"""Frees layers that nothing needs, and keeps all of them together below a size.

What is kept of packing them counts too, and goes first: it can be made again at any time.

A layer is needed if an image or an instance holds it or one on top of it. One that is not needed
may still be worth keeping, because a later build would reuse it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imagewright.clock import Clock
from imagewright.images.layers import LayerStore
from imagewright.images.packed import KeptBlob, beyond
from imagewright.store import layers as rows
from imagewright.store.layers import LayerRow
from imagewright.store.transactions import Transactions

GRACE = timedelta(hours=1)
"""What was made or used since is left alone: a build may be about to hold it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One layer to free, and why."""

    layer: LayerRow
    why: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was freed."""

    reasons: tuple[Reason, ...]
    packed_size_bytes: int = 0
    """What was kept of packing layers, of these and of others."""

    @property
    def size_bytes(self) -> int:
        """How much that was."""
        return self.packed_size_bytes + sum(reason.layer.size_bytes for reason in self.reasons)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What pruning may free."""

    max_age: timedelta
    """A layer made with a network in reach is not reused after this; see ``layers.max_age``."""
    size_bytes_max: int = 0
    """For all layers together, and what is kept of packing them; 0: no limit."""
    everything: bool = False
    """Free all that is not needed, though it could be reused."""


def prune(
    store: LayerStore,
    database: Transactions,
    policy: Policy,
    clock: Clock,
    *,
    dry_run: bool = False,
) -> Pruned:
    """Free what the policy allows; with ``dry_run``, only say what that would be."""
    with database.connect() as connection:
        found, held = rows.everything(connection), rows.held(connection)
    reasons = plan(found, held, policy, clock.now())
    gone = {reason.layer.id for reason in reasons}
    left_bytes = sum(row.size_bytes for row in found if row.id not in gone)
    blobs = plan_packed(store.packed.everything(), gone, left_bytes, policy, clock.now())
    if not dry_run:
        store.delete(gone)
        store.packed.forget(blob.layer_id for blob in blobs)
    return Pruned(tuple(reasons), sum(blob.size_bytes for blob in blobs))


def plan(found: Sequence[LayerRow], held: set[str], policy: Policy, now: datetime) -> list[Reason]:
    """Choose what to free: never a layer without those on top of it."""
    parents = {row.id: row.parent for row in found}
    needed = _with_ancestors(held, parents)
    recent = {row.id for row in found if now - datetime.fromisoformat(row.used_at) < GRACE}
    untouchable = _with_ancestors(needed | recent, parents)
    reusable = {row.id for row in found if not policy.everything and _may_serve(row, policy, now)}
    kept = _with_ancestors(untouchable | reusable, parents)
    reasons = [Reason(row, _why_useless(row)) for row in found if row.id not in kept]
    if policy.size_bytes_max:
        remaining = [row for row in found if row.id in kept]
        reasons += _down_to_size(remaining, untouchable, policy.size_bytes_max)
    return reasons


def plan_packed(
    found: Sequence[KeptBlob], gone: set[str], layers_bytes: int, policy: Policy, now: datetime
) -> Sequence[KeptBlob]:
    """Choose the blobs to drop: of layers that go, unused ones, and what exceeds the limit.

    ``found``: the least recently used first. ``layers_bytes``: of all layers that stay.
    """
    age = GRACE if policy.everything else max(policy.max_age, GRACE)
    useless: list[KeptBlob] = []
    kept: list[KeptBlob] = []
    for blob in found:
        is_useless = blob.layer_id in gone or blob.used_at < now - age
        (useless if is_useless else kept).append(blob)
    if policy.size_bytes_max:
        useless += beyond(kept, policy.size_bytes_max - layers_bytes)
    return useless


def _with_ancestors(ids: set[str], parents: dict[str, str | None]) -> set[str]:
    reached: set[str] = set()
    for start in ids:
        current: str | None = start
        while current is not None and current in parents and current not in reached:
            reached.add(current)
            current = parents[current]
    return reached


def _may_serve(row: LayerRow, policy: Policy, now: datetime) -> bool:
    if row.key is None:
        return False
    return not row.has_network or now - datetime.fromisoformat(row.created_at) <= policy.max_age


def _why_useless(row: LayerRow) -> str:
    if row.key is None:
        return "nothing needs it, and it cannot be found again"
    return "nothing needs it"


def _down_to_size(
    found: Sequence[LayerRow], untouchable: set[str], size_bytes_max: int
) -> list[Reason]:
    """Choose the least recently used without a child, until the rest fits."""
    left = {row.id: row for row in found}
    total = sum(row.size_bytes for row in found)
    reasons = []
    while total > size_bytes_max:
        parents = {row.parent for row in left.values()}
        leaves = [r for r in left.values() if r.id not in parents and r.id not in untouchable]
        if not leaves:
            break
        oldest = min(leaves, key=lambda row: (row.used_at, row.id))
        del left[oldest.id]
        total -= oldest.size_bytes
        reasons.append(Reason(oldest, "all layers together exceed layers.size_bytes_max"))
    return reasons
