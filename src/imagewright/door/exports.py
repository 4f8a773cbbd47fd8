"""Images as archives, sent to whoever asks: the server writes to no path that a caller names.

An image is packed whole before the first byte is sent, so that what goes wrong is an error and
not a torn file; what a crash leaves of the packing, the ledger knows.
"""

import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from imagewright.door.asked import Asked
from imagewright.door.contents import BuiltImage, find_built
from imagewright.door.workshop import OpenWorkshop, Workshop
from imagewright.errors import InvalidParameterValue
from imagewright.store.database import Database

if TYPE_CHECKING:
    from imagewright.machines.ledger import Entry

Form = Literal["oci", "tar"]

_READ_BYTES = 1 << 18
_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class Packed:
    """An export that lies ready."""

    image: BuiltImage
    content: Iterator[bytes]
    size_bytes: int
    delete: Callable[[], None]
    """To be called when the content was sent, or nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class Exports:
    """Packs images."""

    database: Database
    workshop: OpenWorkshop

    def export(self, asked: Asked) -> Packed:
        """Pack an image as a tar of its file system, or as a tar of an OCI image layout."""
        form = asked.text("format")
        if form not in _FORMS:
            raise InvalidParameterValue("format", f"It must be one of {', '.join(_FORMS)}.")
        image = find_built(self.database, asked)
        workshop = self.workshop()
        place = workshop.exports / uuid4().hex
        entry = workshop.ledger.enter("file", {"path": str(place)}, image.arn)

        def delete() -> None:
            shutil.rmtree(place, ignore_errors=True)
            workshop.ledger.strike(entry)

        try:
            place.mkdir(mode=0o700, parents=True)
            files = _FORMS[form](workshop, image, place)
        except BaseException:
            delete()
            raise
        content = _as_tar(files) if form == "oci" else _read(*files.values())
        return Packed(image, content, _size_bytes(files, form), delete)


def free_export(entry: "Entry") -> None:
    """Delete what a crash left of an export; for the reaper."""
    shutil.rmtree(str(entry.what["path"]), ignore_errors=True)


def _pack_tar(workshop: Workshop, image: BuiltImage, place: Path) -> Mapping[str, Path]:
    from imagewright.images.export_tar import export_tar

    file = place / "image.tar"
    export_tar(workshop.layer_store, image.layer_id, file)
    return {file.name: file}


def _pack_oci(workshop: Workshop, image: BuiltImage, place: Path) -> Mapping[str, Path]:
    from imagewright.images.export_oci import OciMetadata, export_oci

    layout = place / "layout"
    slug = image.arn.rpartition(":image/")[2].partition("/")[0]
    metadata = OciMetadata(
        reference=f"{slug}:{image.version.replace('/', '-')}",
        labels={
            "org.opencontainers.image.title": image.name,
            "org.opencontainers.image.version": image.version,
            "imagewright.image": image.arn,
        },
        **({} if image.config is None else {"config": image.config}),
    )
    export_oci(workshop.layer_store, image.layer_id, layout, metadata)
    found = sorted(path for path in layout.rglob("*") if path.is_file())
    return {path.relative_to(layout).as_posix(): path for path in found}


_FORMS = {"oci": _pack_oci, "tar": _pack_tar}


def _size_bytes(files: Mapping[str, Path], form: str) -> int:
    sizes: Sequence[int] = [path.stat().st_size for path in files.values()]
    if form == "tar":
        return sum(sizes)
    return sum(_BLOCK + size + -size % _BLOCK for size in sizes) + 2 * _BLOCK


def _as_tar(files: Mapping[str, Path]) -> Iterator[bytes]:
    """Yield a tar of files whose names are short and whose owners do not matter."""
    for name, path in files.items():
        header = tarfile.TarInfo(name)
        status = path.stat()
        header.size, header.mtime = status.st_size, int(status.st_mtime)
        yield header.tobuf(tarfile.USTAR_FORMAT)
        yield from _read(path)
        yield b"\0" * (-header.size % _BLOCK)
    yield b"\0" * (2 * _BLOCK)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            yield data
