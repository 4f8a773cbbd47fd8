"""What lies in layers: single files of the merged view, and what a build changed."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from imagewright.images.layers import LayerStore
from imagewright.machines.namespaces import Namespace, memory_file
from imagewright.process import LineSplitter

Kind = Literal["added", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class Change:
    """One path that a build added, changed or deleted."""

    path: str
    kind: Kind
    size_bytes: int


def read_files(
    namespace: Namespace,
    stack: Sequence[str],
    paths: Sequence[str],
    *,
    size_bytes_max: int = 64 << 20,
) -> dict[str, bytes | None]:
    """Return files as a machine on these layers would see them; None for one that is not there.

    Raises NamespaceError if one is no regular file, or larger than that.
    """
    with ExitStack() as stack_of_files:
        files = [stack_of_files.enter_context(memory_file()) for _path in paths]
        sizes = namespace.call(
            "read", files, stack=list(stack), paths=list(paths), size_bytes_max=size_bytes_max
        )["sizes"]
        return {
            path: None if size is None else os.pread(file, size, 0)
            for path, file, size in zip(paths, files, sizes, strict=True)
        }


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
