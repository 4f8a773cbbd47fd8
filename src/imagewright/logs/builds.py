"""The logs of builds: one file each, a JSON object a line, written while things happen.

A line has ``time``, ``kind`` (``line`` of a program's output, ``note``, or ``step`` when a step
changes), ``text``, and what it belongs to: ``workflow``, ``step``, ``component``, ``phase`` …
"""

import json
import threading
from collections.abc import Iterator
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

from imagewright.arns import Arn
from imagewright.clock import Clock, iso_milliseconds

TEXT_MAX = 16_384
"""Of one line, in characters; what is longer is cut, and says so."""
READ_BYTES_MAX = 1 << 20
"""Of one reading."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


class BuildLogs:
    """Writes and reads the logs below one directory. Safe to use from several threads."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()

    def path(self, image_arn: str) -> Path:
        """Return where the log of an image's build lies."""
        return _place(self._directory, image_arn)

    def write(self, image_arn: str, kind: str, text: str, **facts: str) -> None:
        """Append one entry; it can be read at once."""
        entry = {
            "time": iso_milliseconds(self._clock.now()),
            "kind": kind,
            "text": text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + " … (cut)",
            **facts,
        }
        line = _encode(entry).encode("utf-8", "replace") + b"\n"
        with self._lock, self._opened(self.path(image_arn)) as file:
            file.write(line)

    def read(
        self, image_arn: str, *, after_bytes: int = 0, bytes_max: int = READ_BYTES_MAX
    ) -> tuple[list[dict[str, Any]], int]:
        """Return the whole entries after a place, and the place to go on from.

        At most so many bytes of them, which must be more than the longest entry takes.
        """
        try:
            with self.path(image_arn).open("rb") as file:
                file.seek(after_bytes)
                content = file.read(bytes_max)
        except FileNotFoundError:
            return [], after_bytes
        whole, newline, _ = content.rpartition(b"\n")
        if not newline:
            return [], after_bytes
        entries = [json.loads(line) for line in _lines(whole)]
        return entries, after_bytes + len(whole) + 1

    def delete(self, image_arn: str) -> None:
        """Drop the log of a build."""
        self.path(image_arn).unlink(missing_ok=True)

    def _opened(self, path: Path) -> FileIO:
        try:
            return FileIO(path, "a")
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return FileIO(path, "a")


class StepLog:
    """The log of one step: ``engine.ports.StepLog``."""

    def __init__(self, logs: BuildLogs, image_arn: str, **facts: str) -> None:
        self._logs = logs
        self._image_arn = image_arn
        self._facts = facts

    def line(self, stream: str, text: str, **facts: str) -> None:
        """Tell one line of a program's output."""
        self._logs.write(self._image_arn, "line", text, **self._facts, stream=stream, **facts)

    def note(self, text: str, **facts: str) -> None:
        """Tell what happened, in a sentence."""
        self._logs.write(self._image_arn, "note", text, **self._facts, **facts)


@lru_cache(maxsize=256)  # a build may print a million lines
def _place(directory: Path, image_arn: str) -> Path:
    arn = Arn.parse(image_arn)
    folder = directory / arn.account / arn.region / arn.path / str(arn.version)
    return folder / f"{arn.build}.jsonl"


def _lines(content: bytes) -> Iterator[bytes]:
    return (line for line in content.split(b"\n") if line)
