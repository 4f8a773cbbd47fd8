"""The files that a command line names, also through folders, read without trusting any of them."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imagewright.documents.text import NoText, decode
from imagewright.files import open_at_once

STDIN: Final = "-"
EXPECTATIONS: Final = re.compile(r"(?P<stem>.+)\.test\.(?:yaml|yml|json)")
"""The name of what `imagewright component test` expects of the component beside it."""
DOCKERFILE: Final = re.compile(r"(?:.*\.)?Dockerfile", re.IGNORECASE)
"""The name of a Dockerfile: `Dockerfile`, `app.Dockerfile`."""
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, as far as it was read."""

    name: str
    """As it may be shown on a terminal."""
    content: bytes
    found: bool
    """It was found in a folder, not named itself."""
    path: Path | None = None
    """Where it lies; None for standard input."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that cannot be read."""

    name: str
    reason: str


def text_of(file: Content | Unreadable) -> str:
    """Return the text of a file. Raises NoText, which names it."""
    if isinstance(file, Unreadable):
        raise NoText(f"{file.name}: {file.reason}")
    try:
        return decode(file.content)
    except NoText as error:
        raise NoText(f"{file.name} is no text in UTF-8: {error}") from None


def read_files(
    arguments: Iterable[str], size_bytes_max: int, *, with_dockerfiles: bool = False
) -> Iterator[Content | Unreadable]:
    """Read files, folders and ``-`` for standard input, each once, never more than the size.

    In a folder and all below it, every visible ``*.yaml``, ``*.yml`` and ``*.json`` counts,
    and where that is wanted every Dockerfile.
    """
    for argument in dict.fromkeys(arguments):
        if argument == STDIN:
            yield _read_stdin(size_bytes_max)
        elif argument and Path(argument).is_dir():
            yield from _read_folder(Path(argument), size_bytes_max, with_dockerfiles)
        else:
            yield _read(argument, size_bytes_max, found=False)


def shown(name: str) -> str:
    """Spell a file's name so that a terminal cannot be led astray by it."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(each if each.isprintable() else "\ufffd" for each in text) or "''"


def _is_document(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _is_any_document(path: Path) -> bool:
    return _is_document(path) or DOCKERFILE.fullmatch(path.name) is not None


def _read_folder(
    folder: Path, size_bytes_max: int, with_dockerfiles: bool
) -> Iterator[Content | Unreadable]:
    is_wanted = _is_any_document if with_dockerfiles else _is_document
    unreadable: list[OSError] = []
    nothing = True
    for path in _documents_below(folder, unreadable, is_wanted):
        nothing = False
        yield _read(str(path), size_bytes_max, found=True)
    for error in unreadable:
        yield Unreadable(shown(str(error.filename)), error.strerror or "it cannot be listed")
    if nothing and not unreadable:
        more = ", *.json or Dockerfile" if with_dockerfiles else " or *.json"
        yield Unreadable(shown(str(folder)), f"the folder holds no *.yaml, *.yml{more}")


def _documents_below(
    folder: Path, unreadable: list[OSError], is_wanted: Callable[[Path], bool]
) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if is_wanted(path) and not name.startswith(".") and path.is_file():
                yield path


def _read_stdin(size_bytes_max: int) -> Content | Unreadable:
    name = "<stdin>"
    if sys.stdin is None:
        return Unreadable(name, "standard input is closed")
    try:
        return Content(name, sys.stdin.buffer.read(size_bytes_max), found=False)
    except OSError as error:
        return Unreadable(name, error.strerror or str(error))


def _read(name: str, size_bytes_max: int, *, found: bool) -> Content | Unreadable:
    try:
        with open(name, "rb", opener=open_at_once) as stream:
            return Content(shown(name), stream.read(size_bytes_max), found, Path(name))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Unreadable(shown(name), reason or str(error))
