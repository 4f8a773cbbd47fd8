"""Writes an image's whole file system as one tar archive."""

from dataclasses import dataclass
from pathlib import Path
from threading import Event

from imagewright.images.arrival import arriving
from imagewright.images.gzipping import Gzip, is_gzip
from imagewright.images.layers import LayerStore


@dataclass(frozen=True, slots=True)
class TarFile:
    """What was written."""

    path: Path
    size_bytes: int


def export_tar(
    store: LayerStore,
    layer_id: str,
    destination: Path,
    *,
    cancel: Event | None = None,
) -> TarFile:
    """Write what a layer and all beneath it show to a new file, gzipped if its name says so.

    Raises ExportFailed if something is there already or it cannot be written; DiskFull, and the
    other MachineErrors.
    """
    total_bytes = sum(row.size_bytes for row in store.chain(layer_id))
    store.require_room(total_bytes, f"the export to {destination}", at=destination.parent)
    stack = list(store.stack(layer_id))
    with (
        arriving(destination) as place,
        place.open("xb") as file,
        store.namespace(archives=True) as namespace,
    ):
        gzip = Gzip() if is_gzip(destination.name) else None

        def take(data: bytes) -> None:
            file.write(data if gzip is None else gzip.add(data))

        namespace.stream("pack_view", take, cancel=cancel, stack=stack)
        if gzip is not None:
            file.write(gzip.finish())
        size_bytes = file.tell()
    return TarFile(destination, size_bytes)
