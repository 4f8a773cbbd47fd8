"""Images from elsewhere as base layers: root file-system tars and OCI image layouts."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

from imagewright.images.bases import debian_architecture
from imagewright.images.layers import LayerStore
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import NamespaceError
from imagewright.oci import REFERENCE_NAME
from imagewright.outside.work import size

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_EXPANSION = 4
"""How much larger a compressed archive gets, guessed for the check of free space."""
_JSON_BYTES_MAX = 4 << 20
_LAYERS_MAX = 250
"""They are handed to the namespace all at once, and one message carries so many files."""


class ImportFailed(MachineError):
    """The image cannot be used as a base; the message says why."""


class WrongArchitecture(MachineError):
    """The image is for other processors than this host has, or for another system."""


def import_tar(store: LayerStore, file: Path) -> str:
    """Return the base layer of a root file-system tar; the same content is unpacked once.

    Raises ImportFailed, DiskFull, NoNamespace, NoIds.
    """
    try:
        digest = _digest_of(file)
    except OSError as error:
        raise ImportFailed(f"{file} cannot be read: {error.strerror}") from None
    return _import(store, [file], f"tar {digest}", str(file), {})


def import_oci_layout(
    store: LayerStore,
    layout: Path,
    *,
    reference: str | None = None,
    origin: str | None = None,
    unpacked_bytes_max: int | None = None,
    cancel: Event | None = None,
) -> str:
    """Return the base layer of an image in an OCI layout, all its layers in one.

    ``reference`` is the name of one of several images; ``origin`` says where it comes from, if
    not from that directory. What containers of it are like is ``config_of`` the layer.
    ``unpacked_bytes_max``: the setting of ``downloads``, where it holds for the image.
    Raises WrongArchitecture, and as ``import_tar`` does.
    """
    manifest = _manifest(layout, reference)
    blobs = []
    for layer in demand_layers(manifest.get("layers"), str(layout)):
        demand_readable(layer, str(layout), f"oci:{layout}")
        blobs.append(_verified(layout, str(layer.get("digest"))))
    described = _config(layout, manifest)
    demand_runs_here(described, origin or str(layout))
    config = described.get("config") or {}
    if not isinstance(config, dict):
        raise ImportFailed(f"{layout} has a configuration that is none")
    digests = ",".join(path.name for path in blobs)
    # The same files with another configuration are another image.
    identity = f"oci {json.dumps(config, sort_keys=True)} {digests}"
    return _import(
        store,
        blobs,
        identity,
        origin or str(layout),
        {"config": config},
        unpacked_bytes_max=unpacked_bytes_max,
        cancel=cancel,
    )


def config_of(store: LayerStore, layer_id: str) -> Mapping[str, Any]:
    """Return the OCI ``config`` object (Env, Cmd, User …) of an imported image; empty for others.

    Raises LayerMissing.
    """
    config: Mapping[str, Any] = (store.chain(layer_id)[0].outputs or {}).get("config", {})
    return config


def demand_runs_here(described: Mapping[str, Any], what: str) -> None:
    """Raise WrongArchitecture if an image's configuration, or a platform, is not of this host.

    What says nothing of it is taken for fitting.
    """
    here = f"linux/{debian_architecture()}"
    system, architecture = described.get("os", "linux"), described.get("architecture")
    found = f"{system}/{architecture or debian_architecture()}"
    if found != here:
        raise WrongArchitecture(f"{what} is for {found}, and this host's sandbox runs {here} only")


def demand_layers(layers: Any, what: str) -> Sequence[Mapping[str, Any]]:
    """Return a manifest's layers. Raises ImportFailed unless they are some, and not too many."""
    if not isinstance(layers, list) or not all(isinstance(each, dict) for each in layers):
        raise ImportFailed(f"{what} has layers that are none")
    if not layers:
        raise ImportFailed(f"{what} has no layers")
    if len(layers) > _LAYERS_MAX:
        raise ImportFailed(
            f"{what} has {len(layers)} layers, and {_LAYERS_MAX} can be unpacked at most; a tar of "
            "its file system (docker export) can stand for it below [parents]"
        )
    return layers


def demand_readable(layer: Mapping[str, Any], what: str, source: str) -> None:
    """Raise ImportFailed for a layer that is packed as none is read here.

    ``source``: how skopeo calls the image.
    """
    media_type = str(layer.get("mediaType", ""))
    if media_type.endswith("zstd"):
        raise ImportFailed(
            f"{what} has layers compressed with zstd, which cannot be read here; copy it "
            f"with: skopeo copy --dest-compress-format gzip {source} oci:<new directory>"
        )
    if "foreign" in media_type or "nondistributable" in media_type:
        raise ImportFailed(f"{what} has layers that lie elsewhere ({media_type})")


def _import(
    store: LayerStore,
    files: Sequence[Path],
    identity: str,
    origin: str,
    outputs: Mapping[str, Any],
    *,
    unpacked_bytes_max: int | None = None,
    cancel: Event | None = None,
) -> str:
    key = hashlib.sha256(f"import {identity}".encode()).hexdigest()
    if (found := store.newest(key)) is not None:
        return found
    size_bytes = sum(file.stat().st_size for file in files)
    with ExitStack() as stack:
        opened = [stack.enter_context(file.open("rb")) for file in files]
        owner, needed_bytes = f"import of {origin}", _EXPANSION * size_bytes
        name = stack.enter_context(store.begun(owner, needed_bytes=needed_bytes))
        try:
            with store.namespace(archives=True) as namespace:
                answer = namespace.stream(
                    "unpack",
                    lambda _data: None,
                    files=[file.fileno() for file in opened],
                    cancel=cancel,
                    name=name,
                    size_bytes_max=unpacked_bytes_max,
                    free_bytes_min=store.free_bytes_min,
                )
        except NamespaceError as error:
            raise ImportFailed(f"{origin} cannot be unpacked: {error}") from None
        match answer.get("beyond"):
            case "size_bytes_max":
                raise ImportFailed(
                    f"{origin} takes more than {size(unpacked_bytes_max or 0)} once it is "
                    "unpacked, the setting downloads.unpacked_bytes_max"
                )
            case "free_bytes_min":
                raise ImportFailed(
                    f"there is no room to unpack {origin}: it would leave less than "
                    f"{size(store.free_bytes_min)} of the disk free (layers.free_bytes_min). Make "
                    "room, for instance with `imagewright prune`"
                )
        layer_id = store.seal(name, parent=None, size_bytes=answer["size_bytes"])
    store.make_durable(layer_id)
    store.remember(layer_id, key=key, made_by=f"import {origin}", outputs=outputs, network=False)
    return layer_id


def _config(layout: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    descriptor = manifest.get("config")
    if not isinstance(descriptor, dict):
        return {}
    return _load(_verified(layout, str(descriptor.get("digest"))))


def _manifest(layout: Path, reference: str | None) -> Mapping[str, Any]:
    if not (layout / "oci-layout").is_file():
        raise ImportFailed(f"{layout} is no OCI image layout: it has no file oci-layout")
    index = _load(layout / "index.json")
    while "manifests" in index:
        index = _load(_verified(layout, str(_choose(layout, index, reference).get("digest"))))
        reference = None
    return index


def _choose(layout: Path, index: Mapping[str, Any], reference: str | None) -> Mapping[str, Any]:
    entries = [entry for entry in index["manifests"] if isinstance(entry, dict)]
    if reference is not None:
        entries = [e for e in entries if e.get("annotations", {}).get(REFERENCE_NAME) == reference]
    here = debian_architecture()
    fitting = [e for e in entries if e.get("platform", {}).get("architecture", here) == here]
    if len({str(e.get("digest")) for e in fitting}) != 1:  # one image may have many names
        wanted = f" named {reference}" if reference else ""
        raise ImportFailed(f"{layout} has {len(fitting)} images{wanted} for {here}, not one")
    return fitting[0]


def _verified(layout: Path, digest: str) -> Path:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise ImportFailed(f"{layout} names a blob {digest!r}, which is no sha256 digest")
    path = layout / "blobs" / "sha256" / match[1]
    try:
        actual = _digest_of(path)
    except OSError as error:
        raise ImportFailed(f"{path} cannot be read: {error.strerror}") from None
    if actual != match[1]:
        raise ImportFailed(f"{path} is damaged: its content has the digest {actual}")
    return path


def _load(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_JSON_BYTES_MAX))
    except (OSError, ValueError) as error:
        raise ImportFailed(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ImportFailed(f"{path} is not what an OCI image layout has there")
    return content


def _digest_of(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
