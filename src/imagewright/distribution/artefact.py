"""What travels: an image, packed once for all the places it goes to."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Literal, Protocol

from imagewright.engine.ports import ActionError
from imagewright.images.export_oci import OciMetadata, OnProgress, export_oci
from imagewright.images.export_tar import export_tar
from imagewright.images.layers import LayerStore
from imagewright.machines.machine import MachineError

Form = Literal["oci", "tar"]

DESCRIPTION = "image.json"
"""The file beside an image that says what it is; it comes last, so that a copy with it is whole."""

_TAR = "image.tar.gz"


@dataclass(frozen=True, slots=True)
class Artefact:
    """An image as files, ready to be copied."""

    form: Form
    root: Path
    files: Sequence[str]
    """Beneath the root, with ``/``, in order."""
    digest: str
    """``sha256:…`` of the manifest of an OCI image, or of the tar."""
    size_bytes: int
    """Of all files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An artefact on its way to one place, under the id of the copy."""

    copy_id: str
    artefact: Artefact
    described: Mapping[str, Any]
    """What ``image.json`` says; JSON values."""
    kms_key_id: str | None
    stop: Event
    on_bytes: Callable[[int], None] = lambda _size_bytes: None
    """Hears of bytes that are on their way."""

    @property
    def description(self) -> bytes:
        """The content of ``image.json``."""
        return json.dumps(self.described, indent=2, ensure_ascii=False).encode() + b"\n"

    def go_on(self, size_bytes: int = 0) -> None:
        """Tell of so many bytes more. Raises ActionError once the step is to end."""
        if self.stop.is_set():
            raise ActionError("the copying was stopped")
        self.on_bytes(size_bytes)


class Place(Protocol):
    """Where the copies of a region go. Every call may be repeated."""

    form: Form

    def refusal(self, kms_key_id: str | None) -> str | None:
        """Say why no copy can be put here, encrypted with that key if one is given; or None."""
        ...

    def put(self, parcel: Parcel) -> str:
        """Put a copy here, unless it is here already, and return where it lies.

        A copy that is not whole is not taken for one. Raises ActionError.
        """
        ...


def pack(
    store: LayerStore,
    layer_id: str,
    form: Form,
    place: Path,
    *,
    reference: str,
    labels: Mapping[str, str],
    cancel: Event,
    on_progress: OnProgress = lambda _fraction: None,
) -> Artefact:
    """Write a layer and all beneath it to an empty directory. Raises ActionError."""
    try:
        if form == "tar":
            file = place / _TAR
            written = export_tar(store, layer_id, file, cancel=cancel)
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return Artefact("tar", place, [_TAR], f"sha256:{digest}", written.size_bytes)
        metadata = OciMetadata(reference=reference, labels=labels)
        layout = place / "oci"
        image = export_oci(
            store, layer_id, layout, metadata, on_progress=on_progress, cancel=cancel
        )
    except MachineError as error:
        raise ActionError(f"the image cannot be packed: {error}") from error
    found = sorted(path for path in layout.rglob("*") if path.is_file())
    files = [path.relative_to(place).as_posix() for path in found]
    size_bytes = sum(path.stat().st_size for path in found)
    return Artefact("oci", place, files, image.digest, size_bytes)
