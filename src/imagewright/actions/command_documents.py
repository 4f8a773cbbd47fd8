"""The command documents there are: those the product ships, and those of a folder.

In the folder, `NAME.yaml` (or `.yml`, `.json`) is the one version of a document. With several,
`NAME` is itself a folder, and `1.yaml`, `2.yaml` and so on lie in it; the highest is both
`$LATEST` and `$DEFAULT`.
"""

import re
from pathlib import Path
from typing import Final

from imagewright.documents.reading import Budget
from imagewright.engine.ports import NoSuchCommand
from imagewright.managed import COMMANDS, command_document

NEWEST: Final = frozenset({"$DEFAULT", "$LATEST"})

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{2,127}")
_ENDINGS: Final = (".yaml", ".yml", ".json")
_SIZE_BYTES_MAX: Final = Budget().size_bytes


class CommandDocuments:
    """See ``engine.ports.CommandLibrary``. The folder is read anew each time."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def text(self, name: str, version: str) -> str:
        """Return the text of a document. Raises NoSuchCommand."""
        shipped = command_document(name)
        if shipped is not None:
            if version not in NEWEST | {"1"}:
                raise NoSuchCommand(f"the command document {name} has no version '{version[:20]}'")
            return shipped
        if _NAME.fullmatch(name) is None:
            raise NoSuchCommand(
                f"'{name[:60]}' is no name of a command document: it has 3 to 128 letters, digits, "
                "'_', '-' and '.'"
            )
        if self._folder is None:
            raise NoSuchCommand(
                f"there is no command document {name}; there are {', '.join(COMMANDS)}. Put your "
                f"own into a folder as {name}.yaml, and name the folder in the setting commands"
            )
        return self._read(self._find(self._folder, name, version))

    def _find(self, folder: Path, name: str, version: str) -> Path:
        versions = _versions(folder, name)
        if not versions:
            raise NoSuchCommand(
                f"there is no command document {name}; put it into {folder} as {name}.yaml"
            )
        number = max(versions) if version in NEWEST else _number(version)
        if number is None or number not in versions:
            there = ", ".join(map(str, sorted(versions)))
            raise NoSuchCommand(
                f"the command document {name} in {folder} has no version '{version[:20]}'; "
                f"it has {there}"
            )
        return versions[number]

    def _read(self, file: Path) -> str:
        try:
            if (size := file.stat().st_size) > _SIZE_BYTES_MAX:
                raise NoSuchCommand(f"{file} has {size} bytes; {_SIZE_BYTES_MAX} are allowed")
            return file.read_text("utf-8")
        except OSError as error:
            raise NoSuchCommand(f"{file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise NoSuchCommand(f"{file} is not UTF-8") from None


def _versions(folder: Path, name: str) -> dict[int, Path]:
    """Return the versions of a document by number."""
    for ending in _ENDINGS:
        if (alone := folder / f"{name}{ending}").is_file():
            return {1: alone}
    among = sorted((folder / name).glob("*")) if (folder / name).is_dir() else []
    return {
        int(file.stem): file
        for file in among
        if file.suffix in _ENDINGS and _number(file.stem) is not None
    }


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None
