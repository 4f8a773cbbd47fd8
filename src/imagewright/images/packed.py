"""Layers as compressed tars, kept from one packing to the next: a layer never changes.

To pack a base image takes longer than most builds on it. What is kept here can be made again at
any time, so that a file which is damaged or gone costs time and nothing else.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """A layer as a blob of an OCI image."""

    file: Path
    digest: str
    """SHA-256 of the file, in hex."""
    diff_id: str
    """SHA-256 of the tar within, in hex."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KeptBlob:
    """What is kept of packing a layer."""

    layer_id: str
    size_bytes: int
    used_at: datetime


class PackedLayers:
    """What was packed, by the ids of layers. Safe to use from many threads and processes."""

    def __init__(self, directory: Path) -> None:
        """``directory``: made when it is needed; nobody else may look into it."""
        self._directory = directory

    def find(self, layer_id: str) -> PackedLayer | None:
        """Return a layer's blob, read and found to be whole; None if there is none."""
        file, facts = self._places(layer_id)
        try:
            said = json.loads(facts.read_bytes())
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            found = PackedLayer(file, digest, str(said["diffId"]), file.stat().st_size)
            os.utime(facts)  # when it was used last
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if said["digest"] == digest else None

    def keep(self, layer_id: str, blob: PackedLayer) -> None:
        """Keep a blob that was just packed. Where that cannot be, it is packed again next time."""
        file, facts = self._places(layer_id)
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            os.link(blob.file, file)
            facts.write_text(json.dumps({"digest": blob.digest, "diffId": blob.diff_id}))

    def everything(self) -> Sequence[KeptBlob]:
        """Return all that is kept, the least recently used first; what a crash left half, too."""
        found = []
        for file in self._directory.glob("*.gz"):
            with suppress(OSError):
                status, facts = file.stat(), file.with_suffix(".json")
                used = facts.stat().st_mtime if facts.exists() else status.st_mtime
                used_at = datetime.fromtimestamp(used, UTC)
                found.append(KeptBlob(file.stem, status.st_size, used_at))
        return sorted(found, key=lambda blob: (blob.used_at, blob.layer_id))

    def forget(self, layer_ids: Iterable[str]) -> None:
        """Drop the blobs of layers."""
        for layer_id in layer_ids:
            for path in self._places(layer_id):
                with suppress(OSError):
                    path.unlink()

    def _places(self, layer_id: str) -> tuple[Path, Path]:
        return self._directory / f"{layer_id}.gz", self._directory / f"{layer_id}.json"


def beyond(blobs: Sequence[KeptBlob], size_bytes_max: int) -> Sequence[KeptBlob]:
    """Return the first of some blobs, without which the others fit."""
    total = sum(blob.size_bytes for blob in blobs)
    count = 0
    while count < len(blobs) and total > size_bytes_max:
        total -= blobs[count].size_bytes
        count += 1
    return blobs[:count]
