"""A folder as the place of a region: a directory for each copy, named after its id."""

import os
import shutil
from pathlib import Path

from imagewright.distribution.artefact import DESCRIPTION, Form, Parcel
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError
from imagewright.machines.ledger import Ledger

_READ_BYTES = 1 << 20


class Folder:
    """See ``artefact.Place``. A copy is written aside and moved to its name."""

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
        destination = self._folder / parcel.copy_id
        if (destination / DESCRIPTION).exists():
            return str(destination)
        partial = self._folder / f".{parcel.copy_id}.partial"
        entry = self._ledger.enter("file", {"path": str(partial)}, parcel.copy_id)
        try:
            self._write(parcel, partial)
            partial.rename(destination)
            _sync(self._folder)
        except OSError as error:
            raise ActionError(f"{destination} cannot be written: {error.strerror}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            self._ledger.strike(entry)
        return str(destination)

    def _write(self, parcel: Parcel, partial: Path) -> None:
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was lost
        partial.mkdir()
        for name in parcel.artefact.files:
            _copy(parcel, parcel.artefact.root / name, partial / name)
        pass_by(CrashPoint.COPY_UNDER_WAY)
        with (partial / DESCRIPTION).open("xb") as file:
            file.write(parcel.description)
            file.flush()
            os.fsync(file.fileno())
        _sync(partial)


def _copy(parcel: Parcel, source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reading, destination.open("xb") as writing:
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
