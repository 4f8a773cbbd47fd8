"""What travels: an image, packed once for all the places it goes to."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Any, Literal, Protocol

from imagewright.engine.ports import ActionError
from imagewright.images.export_oci import OciMetadata, OnProgress, export_oci, renamed
from imagewright.images.export_tar import export_tar
from imagewright.images.layers import LayerStore
from imagewright.machines.machine import MachineError

Form = Literal["oci", "tar"]

CONTAINER_FORM: Form = "oci"
"""The one form in which a container image goes anywhere."""

DESCRIPTION = "image.json"
"""The file beside an image that says what it is; it comes last, so that a copy with it is whole."""

_TAR = "image.tar.gz"
_LAYOUT = "oci"


@dataclass(frozen=True, slots=True)
class ContainerNames:
    """What a container image is called where it goes (DST-05, IMG-52)."""

    repository: str
    tags: Sequence[str]
    """Its version and build, ``1.0.0-1``, and others after it."""

    @property
    def path(self) -> str:
        """Where it goes beneath a folder or a bucket."""
        return f"{self.repository}/{self.tags[0]}"

    def in_layout(self, artefact: "Artefact") -> Mapping[str, bytes]:
        """Return the files of a layout in which the image is called so."""
        names = {tag: f"{self.repository}:{tag}" for tag in self.tags}
        return renamed(artefact.layout, names)


@dataclass(frozen=True, slots=True)
class Artefact:
    """An image as files, ready to be copied."""

    form: Form
    root: Path
    files: Sequence[str]
    """Beneath the root, with ``/``, in order. Of an OCI image, the layout is in ``oci/``."""
    digest: str
    """``sha256:…`` of the manifest of an OCI image, or of the tar."""
    size_bytes: int
    """Of all files."""

    @property
    def layout(self) -> Path:
        """Where the layout of an OCI image lies."""
        return self.root / _LAYOUT

    def blob(self, digest: str) -> Path:
        """Return a file of that layout by its digest."""
        return self.layout / "blobs" / digest.replace(":", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An artefact on its way to one place, under the id of the copy."""

    copy_id: str
    artefact: Artefact
    described: Mapping[str, Any]
    """What ``image.json`` says; JSON values. ``imageId`` is the id of the copy."""
    container: ContainerNames | None = None
    """Of a container image: what it is called. Others are called after the id of the copy."""
    kms_key_id: str | None
    stop: Event
    on_bytes: Callable[[int], None] = lambda _size_bytes: None
    """Hears of bytes that are on their way."""

    @property
    def account(self) -> str | None:
        """Whose image it is."""
        account: str | None = self.described.get("accountId")
        return account

    @property
    def description(self) -> bytes:
        """The content of ``image.json``."""
        return json.dumps(self.described, indent=2, ensure_ascii=False).encode() + b"\n"

    @property
    def path(self) -> str:
        """Where it goes beneath a folder or a bucket."""
        return self.copy_id if self.container is None else self.container.path

    def files(self) -> Iterator[tuple[str, Path | bytes]]:
        """Yield what goes there but for ``image.json``: each file's name, and where it lies.

        A container image is a layout that has its tags in it, where others have one beside their
        description.
        """
        names = {} if self.container is None else self.container.in_layout(self.artefact)
        for file in self.artefact.files:
            name = file if self.container is None else file.removeprefix(f"{_LAYOUT}/")
            yield name, names.get(name, self.artefact.root / file)

    def is_described_by(self, content: bytes, where: str) -> bool:
        """Tell whether the ``image.json`` of a place is that of this copy.

        Raises ActionError if it is of another account, whose image nobody else replaces.
        """
        try:
            there = json.loads(content)
        except ValueError:
            return False
        if not isinstance(there, dict):
            return False
        owner = there.get("accountId")
        if owner not in {None, self.account}:
            raise ActionError(
                f"{where} is an image of the account {owner}, which is not replaced; the accounts "
                "of a server share the repositories of a region: name another target repository"
            )
        return there.get("imageId") == self.copy_id

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

        A copy that is not whole is not taken for one. What another container image left under the
        same name is replaced, as in a registry; but where ``image.json`` lies beside it, only one
        of the same account. Raises ActionError.
        """
        ...

    def uris(self, names: ContainerNames) -> Sequence[str]:
        """Return by what a container image is had that was put here; the version comes first."""
        ...


def opened(content: Path | bytes) -> IO[bytes]:
    """Open a file of a parcel to be read."""
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def pack(
    store: LayerStore,
    layer_id: str,
    form: Form,
    place: Path,
    *,
    metadata: OciMetadata,
    cancel: Event,
    on_progress: OnProgress = lambda _fraction: None,
) -> Artefact:
    """Write a layer and all beneath it to an empty directory. Raises ActionError.

    ``metadata``: what an OCI image says of itself.
    """
    try:
        if form == "tar":
            file = place / _TAR
            written = export_tar(store, layer_id, file, cancel=cancel)
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return Artefact("tar", place, [_TAR], f"sha256:{digest}", written.size_bytes)
        layout = place / _LAYOUT
        image = export_oci(
            store, layer_id, layout, metadata, on_progress=on_progress, cancel=cancel
        )
    except MachineError as error:
        raise ActionError(f"the image cannot be packed: {error}") from error
    found = sorted(path for path in layout.rglob("*") if path.is_file())
    files = [path.relative_to(place).as_posix() for path in found]
    size_bytes = sum(path.stat().st_size for path in found)
    return Artefact("oci", place, files, image.digest, size_bytes)
