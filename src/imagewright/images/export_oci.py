"""Writes an image as an OCI image layout, layer by layer.

The layout loads into Docker (before 25 too), podman and skopeo. The same image gives the same
digests: entries are in order, times are the files' own, and the compression writes neither name
nor time.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from imagewright.images.arrival import arriving
from imagewright.images.bases import debian_architecture
from imagewright.images.gzipping import Gzip
from imagewright.images.layers import LayerStore
from imagewright.images.packed import PackedLayer, PackedLayers
from imagewright.machines.namespaces import Namespace
from imagewright.machines.sandbox import ENVIRONMENT
from imagewright.oci import CONFIG, GZIPPED_LAYER, INDEX, MANIFEST, REFERENCE_NAME
from imagewright.store.layers import LayerRow

_OURS = "imagewright."
"""What the names of labels begin with that say which build made an image."""

OnProgress = Callable[[float], None]
"""Hears how much is done, 0 to 1."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OciImage:
    """What was written."""

    path: Path
    digest: str
    """Of the manifest, ``sha256:…``."""
    size_bytes: int
    """Of all blobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OciMetadata:
    """What the image says of itself."""

    reference: str
    """How loaders call it, such as ``web:1.0.0``."""
    config: Json = field(default_factory=lambda: {"Cmd": ["/bin/sh"]})
    """How containers of it are run, as the ``config`` of an OCI image says it: all of it is kept,
    and a PATH added where it sets none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Added to those of the configuration, which keeps its own but for ``imagewright.…``: what it
    was built on may have been built here too."""


def export_oci(
    store: LayerStore,
    layer_id: str,
    destination: Path,
    metadata: OciMetadata,
    *,
    on_progress: OnProgress = lambda _fraction: None,
    cancel: Event | None = None,
) -> OciImage:
    """Write a layer and all beneath it to a new directory.

    Raises ExportFailed if something is there already or it cannot be written; DiskFull, and the
    other MachineErrors.
    """
    chain = store.chain(layer_id)[::-1]
    total_bytes = sum(row.size_bytes for row in chain)
    store.require_room(total_bytes, f"the export to {destination}", at=destination.parent)
    done_bytes = 0
    with arriving(destination) as place, store.namespace(archives=True) as namespace:
        layout = _Layout(place, store.packed)
        for row in chain:
            layout.add_layer(namespace, row, cancel)
            done_bytes += row.size_bytes
            on_progress(done_bytes / max(total_bytes, 1))
        digest = layout.finish(metadata)
    store.trim_packed()
    return OciImage(destination, digest, layout.size_bytes)


def renamed(layout: Path, names: Mapping[str, str]) -> Mapping[str, bytes]:
    """Return the files of a layout that say what its image is called, with other names in them.

    ``names``: each reference in the layout (``oci:PATH:REFERENCE``), and what Docker is to call
    the image of that reference.
    """
    first = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    descriptor = {name: first[name] for name in ("mediaType", "digest", "size")}
    return _names(descriptor, json.loads((layout / _path(first)).read_bytes()), names)


class _Layout:
    """A layout being written."""

    def __init__(self, place: Path, packed_before: PackedLayers) -> None:
        self._place = place
        self._packed_before = packed_before
        self._blobs = place / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._layers: list[Json] = []
        self._diff_ids: list[str] = []
        self._history: list[Json] = []
        self.size_bytes = 0

    def add_layer(self, namespace: Namespace, row: LayerRow, cancel: Event | None) -> None:
        """Write one layer, on top of those before."""
        blob = self._found(row)
        if blob is None:
            blob = self._pack(namespace, row, cancel)
            self._packed_before.keep(row.id, blob)
        self.size_bytes += blob.size_bytes
        self._layers.append(_descriptor(GZIPPED_LAYER, blob.digest, blob.size_bytes))
        self._diff_ids.append(f"sha256:{blob.diff_id}")
        entry = {"created": row.created_at, "created_by": f"imagewright: {row.made_by or 'build'}"}
        self._history.append(entry)

    def _found(self, row: LayerRow) -> PackedLayer | None:
        """Take over what was packed before, unless it goes in this very moment."""
        blob = self._packed_before.find(row.id)
        if blob is not None:
            try:
                shutil.copyfile(blob.file, self._blobs / blob.digest)
            except FileNotFoundError:
                return None
        return blob

    def _pack(self, namespace: Namespace, row: LayerRow, cancel: Event | None) -> PackedLayer:
        plain, packed, gzip = hashlib.sha256(), hashlib.sha256(), Gzip()
        temporary = self._blobs / "layer"
        with temporary.open("wb") as file:

            def write(data: bytes) -> None:
                packed.update(data)
                file.write(data)

            def take(data: bytes) -> None:
                plain.update(data)
                write(gzip.add(data))

            namespace.stream("pack_layer", take, cancel=cancel, name=row.directory)
            write(gzip.finish())
            size_bytes = file.tell()
        place = temporary.rename(self._blobs / packed.hexdigest())
        return PackedLayer(place, packed.hexdigest(), plain.hexdigest(), size_bytes)

    def finish(self, metadata: OciMetadata) -> str:
        """Write configuration, manifest and index; return the manifest's digest."""
        config = {
            "created": self._history[-1]["created"],
            "architecture": debian_architecture(),
            "os": "linux",
            "config": _run_config(metadata),
            "rootfs": {"type": "layers", "diff_ids": self._diff_ids},
            "history": self._history,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._add_json(CONFIG, config),
            "layers": self._layers,
        }
        descriptor = self._add_json(MANIFEST, manifest)
        names = {metadata.reference: metadata.reference}
        for name, content in _names(descriptor, manifest, names).items():
            (self._place / name).write_bytes(content)
        (self._place / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
        digest: str = descriptor["digest"]
        return digest

    def _add_json(self, media_type: str, content: Json) -> dict[str, Any]:
        data = _json(content)
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        self.size_bytes += len(data)
        return _descriptor(media_type, digest, len(data))


def _names(descriptor: Json, manifest: Json, names: Mapping[str, str]) -> Mapping[str, bytes]:
    """Write what a manifest is called: the index, and the same as `docker save` says it.

    Docker before 25 loads no bare layout.
    """
    entries = [
        {
            **descriptor,
            "annotations": {REFERENCE_NAME: reference},
            "platform": {"architecture": debian_architecture(), "os": "linux"},
        }
        for reference in names
    ]
    for_docker = {
        "Config": _path(manifest["config"]),
        "RepoTags": list(names.values()),
        "Layers": [_path(layer) for layer in manifest["layers"]],
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return {"index.json": _json(index), "manifest.json": _json([for_docker])}


def _run_config(metadata: OciMetadata) -> Json:
    """Return the configuration with what is added to it."""
    said = dict(metadata.config)
    environment = list(said.pop("Env", None) or ())
    labels = dict(said.pop("Labels", None) or {})
    ours = {name: text for name, text in metadata.labels.items() if name.startswith(_OURS)}
    if not any(each.partition("=")[0] == "PATH" for each in environment):
        environment.insert(0, f"PATH={ENVIRONMENT['PATH']}")
    return {"Env": environment, **said, "Labels": {**metadata.labels, **labels, **ours}}


def _descriptor(media_type: str, digest: str, size_bytes: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size_bytes}


def _path(descriptor: Json) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"


def _json(content: Json | Sequence[Json]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
