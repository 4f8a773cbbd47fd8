"""Writes an image's whole file system as one tar archive."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from imagewright.images.arrival import arriving
from imagewright.images.layers import LayerStore

_GZIP = 31  # a gzip frame without name and time
_COMPRESSED = (".gz", ".tgz")


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
    compression_level: int = 4,
    cancel: Event | None = None,
) -> TarFile:
    """Write what a layer and all beneath it show to a new file, gzipped if its name says so.

    Raises ExportFailed if something is there already or it cannot be written; DiskFull, and the
    other MachineErrors.
    """
    total_bytes = sum(row.size_bytes for row in store.chain(layer_id))
    store.require_room(total_bytes, f"the export to {destination}", at=destination.parent)
    stack = list(store.stack(layer_id))
    level = compression_level if destination.name.endswith(_COMPRESSED) else None
    with (
        arriving(destination) as place,
        place.open("xb") as file,
        store.namespace(archives=True) as namespace,
    ):
        compressor = None if level is None else zlib.compressobj(level, zlib.DEFLATED, _GZIP)

        def take(data: bytes) -> None:
            file.write(data if compressor is None else compressor.compress(data))

        namespace.stream("pack_view", take, cancel=cancel, stack=stack)
        if compressor is not None:
            file.write(compressor.flush())
        size_bytes = file.tell()
    return TarFile(destination, size_bytes)
