"""A folder as the place of a region: a directory for each copy, named after its id."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from imagewright.distribution.artefact import (
    DESCRIPTION,
    ContainerNames,
    Form,
    Parcel,
    opened,
)
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError
from imagewright.machines.inside import kernel
from imagewright.machines.ledger import Ledger

_NO_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
"""What file systems answer that cannot let two names change places, such as NFS."""
_READ_BYTES = 1 << 20


class Folder:
    """See ``artefact.Place``. A copy is written aside and moved to its name.

    Where it takes the place of an image, the two names change places at once, so that whoever
    looks finds a whole image; what was replaced is deleted under the other name.
    """

    def __init__(self, folder: Path, form: Form, ledger: Ledger) -> None:
        self.form = form
        self._folder = folder
        self._ledger = ledger

    def refusal(self, kms_key_id: str | None) -> str | None:
        """Say why no copy can be put here: see Place."""
        if kms_key_id is not None:
            return (
                f"copies in the folder {self._folder} cannot be encrypted with a key; a bucket "
                "can (regions.REGION.bucket)"
            )
        return None

    def put(self, parcel: Parcel) -> str:
        """Put a copy here: see Place."""
        destination = self._folder / parcel.path
        there = _described(destination)
        if there is not None and parcel.is_described_by(there, str(destination)):
            return str(destination)
        if outer := self._image_around(destination):
            raise ActionError(f"{destination} cannot be written: {outer} is an image by itself")
        asides = [self._folder / f".{parcel.copy_id}.{word}" for word in ("partial", "replaced")]
        entries = [
            self._ledger.enter("file", {"path": str(aside)}, parcel.copy_id) for aside in asides
        ]
        partial, replaced = asides
        try:
            self._write(parcel, partial)
            destination.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            if _described(destination) is None:
                partial.rename(destination)
            else:
                _change_places(partial, destination, aside=replaced)
                _demand_own(parcel, partial, replaced, destination)
            _sync(destination.parent)
        except OSError as error:
            raise ActionError(f"{destination} cannot be written: {error.strerror}") from error
        finally:
            for aside, entry in zip(asides, entries, strict=True):
                shutil.rmtree(aside, ignore_errors=True)
                self._ledger.strike(entry)
        return str(destination)

    def uris(self, names: ContainerNames) -> Sequence[str]:
        """Return by what a container image is had: see Place."""
        return [f"oci:{self._folder / names.path}:{tag}" for tag in names.tags]

    def _image_around(self, destination: Path) -> Path | None:
        """Return the image that a copy would lie within, and be replaced with."""
        between = destination.relative_to(self._folder).parents[:-1]
        outer = (self._folder / each for each in between)
        return next((each for each in outer if _described(each) is not None), None)

    def _write(self, parcel: Parcel, partial: Path) -> None:
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was lost
        partial.mkdir()
        for name, content in parcel.files():
            _copy(parcel, content, partial / name)
        pass_by(CrashPoint.COPY_UNDER_WAY)
        with (partial / DESCRIPTION).open("xb") as file:
            file.write(parcel.description)
            file.flush()
            os.fsync(file.fileno())
        _sync(partial)


def _change_places(one: Path, other: Path, *, aside: Path) -> None:
    """Let two directories change their names, at once where the file system can.

    Where it needs several renames, nothing is at ``other`` for that moment, and what was there is
    back if one of them fails.
    """
    try:
        kernel.exchange(str(one), str(other))
    except OSError as error:
        if error.errno not in _NO_EXCHANGE:
            raise
        other.rename(aside)
        try:
            one.rename(other)
        except OSError:
            aside.rename(other)
            raise
        aside.rename(one)


def _demand_own(parcel: Parcel, replaced: Path, aside: Path, destination: Path) -> None:
    """Put the image of another account back that came in between. Raises ActionError."""
    try:
        parcel.is_described_by(_described(replaced) or b"", str(destination))
    except ActionError:
        _change_places(replaced, destination, aside=aside)
        raise


def _described(copy: Path) -> bytes | None:
    """Return what a copy says of itself; None: it is not there, or is no copy."""
    try:
        return (copy / DESCRIPTION).read_bytes()
    except OSError:
        return None


def _copy(parcel: Parcel, source: Path | bytes, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with opened(source) as reading, destination.open("xb") as writing:
        while data := reading.read(_READ_BYTES):
            parcel.go_on(len(data))
            writing.write(data)
        writing.flush()
        os.fsync(writing.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
