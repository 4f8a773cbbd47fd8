"""Files and directories that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from imagewright.machines.machine import MachineError


class ExportFailed(MachineError):
    """The image could not be written there; the message says why."""


@contextmanager
def arriving(destination: Path) -> Iterator[Path]:
    """Yield a path beside ``destination`` to write to, which takes its name at the end.

    Nothing is overwritten and, should the block fail, nothing left. Raises ExportFailed.
    """
    try:
        if destination.exists() and not _is_empty_directory(destination):
            raise ExportFailed(f"{destination} is there already; name another place, or remove it")
        destination.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    except OSError as error:
        raise ExportFailed(f"{destination} cannot be written: {error.strerror}") from None
    try:
        place = holder / destination.name
        yield place
        os.replace(place, destination)  # noqa: PTH105 - a file over nothing, a directory over an empty one
    except OSError as error:
        raise ExportFailed(f"{destination} cannot be written: {error}") from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
