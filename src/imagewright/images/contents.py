"""What lies in layers: single files of the merged view, and what a build changed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from imagewright.images.layers import LayerStore
from imagewright.machines.namespaces import Namespace
from imagewright.process import LineSplitter

Kind = Literal["added", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class Change:
    """One path that a build added, changed or deleted."""

    path: str
    kind: Kind
    size_bytes: int


def read_file(
    namespace: Namespace, stack: Sequence[str], path: str, *, size_bytes_max: int = 64 << 20
) -> bytes | None:
    """Return a file as a machine on these layers would see it; None if there is none.

    Raises NamespaceError if it is no regular file, or larger than that.
    """
    parts: list[bytes] = []
    answer = namespace.stream(
        "read", parts.append, stack=list(stack), path=path, size_bytes_max=size_bytes_max
    )
    return b"".join(parts) if answer["found"] else None


def changes(
    store: LayerStore, layer_id: str, base_id: str, *, count_max: int = 100_000
) -> list[Change]:
    """Return what lies between a layer and one beneath it, in order of the paths.

    Of more than ``count_max`` changes, the first. Raises MachineError, ValueError if ``base_id`` is
    not beneath ``layer_id``.
    """
    chain = [row.id for row in store.chain(layer_id)]
    if base_id not in chain:
        raise ValueError(f"{base_id} is not beneath {layer_id}")
    above = [row.directory for row in store.chain(layer_id)][: chain.index(base_id)]
    if not above:
        return []
    found: list[Change] = []

    def take(line: str, _continues: bool) -> None:
        if len(found) < count_max:
            path, kind, size_bytes = json.loads(line)
            found.append(Change(path, kind, size_bytes))

    splitter = LineSplitter(take)
    with store.namespace() as namespace:
        namespace.stream("changes", splitter.feed, above=above, below=list(store.stack(base_id)))
    return found


def summed_up(found: Sequence[Change]) -> Iterator[tuple[Kind, int, int]]:
    """Yield each kind of change with how many there are and their bytes."""
    kinds: tuple[Kind, ...] = ("added", "changed", "deleted")
    for kind in kinds:
        of_kind = [change for change in found if change.kind == kind]
        if of_kind:
            yield kind, len(of_kind), sum(change.size_bytes for change in of_kind)
