"""The logs of builds: one file each, a JSON object a line, written while things happen.

A line has ``time``, ``kind`` (``line`` of a program's output, ``note``, or ``step`` when a step
changes), ``text``, and what it belongs to: ``workflow``, ``step``, ``component``, ``phase`` …

Nothing is left out unsaid. What is too long for one entry goes on in the next of its stream, and
``continues`` is ``yes`` in all but the last; where a log has become as large as it may, a note
says that no more output follows.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any
from weakref import finalize

from imagewright.arns import Arn
from imagewright.clock import Clock, iso_milliseconds

TEXT_MAX = 16_384
"""Of one entry, in characters."""
LOG_BYTES_MAX = 1 << 30
"""Of one build's log: a program that prints for ever would fill the disk."""
READ_BYTES_MAX = 1 << 20
"""Of one reading."""
OPEN_MAX = 16
"""How many logs are kept open to be written to."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


class BuildLogs:
    """Writes and reads the logs below one directory. Safe to use from several threads."""

    def __init__(self, directory: Path, clock: Clock, *, bytes_max: int = LOG_BYTES_MAX) -> None:
        self._directory = directory
        self._clock = clock
        self._bytes_max = bytes_max
        self._full: set[str] = set()
        """Whose output is not written down any more, and says so."""
        self._open: OrderedDict[Path, FileIO] = OrderedDict()
        """Those written to last: to open and close one takes longer than to write a line."""
        finalize(self, _close, self._open)
        self._lock = threading.Lock()

    def path(self, image_arn: str) -> Path:
        """Return where the log of an image's build lies."""
        return _place(self._directory, image_arn)

    def write(self, image_arn: str, kind: str, text: str, **facts: str) -> None:
        """Append what there is to say; it can be read at once."""
        now = iso_milliseconds(self._clock.now())
        if len(text) <= TEXT_MAX:
            lines = _entry(now, kind, text, facts)
        else:
            pieces = _pieces(text)
            lines = b"".join(_entry(now, kind, piece, {**facts, **mark}) for piece, mark in pieces)
        with self._lock:
            file = self._file(self.path(image_arn))
            if kind != "line" or file.tell() < self._bytes_max:
                file.write(lines)
            elif image_arn not in self._full:
                self._full.add(image_arn)
                file.write(_entry(now, "note", self._last_words, facts))

    @property
    def _last_words(self) -> str:
        return (
            f"The log has {self._bytes_max:,} bytes, as many as it may: "
            "output from here on is not written down."
        )

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

    def end(self, image_arn: str) -> int:
        """Return the place behind everything that was said so far."""
        try:
            return self.path(image_arn).stat().st_size
        except FileNotFoundError:
            return 0

    def delete(self, image_arn: str) -> None:
        """Drop the log of a build."""
        path = self.path(image_arn)
        with self._lock:
            if (file := self._open.pop(path, None)) is not None:
                file.close()
            path.unlink(missing_ok=True)

    def _file(self, path: Path) -> FileIO:
        """Return a log, open at its end."""
        if (file := self._open.get(path)) is not None:
            self._open.move_to_end(path)
            return file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._open[path] = FileIO(path, "a")
        if len(self._open) > OPEN_MAX:
            self._open.popitem(last=False)[1].close()
        return file


class StepLog:
    """The log of one step: ``engine.ports.StepLog``."""

    def __init__(self, logs: BuildLogs, image_arn: str, **facts: str) -> None:
        self._logs = logs
        self._image_arn = image_arn
        self._facts = facts

    def line(self, stream: str, text: str, *, continues: bool = False, **facts: str) -> None:
        """Tell one line of a program's output; with ``continues`` it goes on in the next."""
        facts = {"stream": stream, **facts}
        if continues:
            facts["continues"] = "yes"
        self._logs.write(self._image_arn, "line", text, **self._facts, **facts)

    def note(self, text: str, **facts: str) -> None:
        """Tell what happened, in a sentence."""
        self._logs.write(self._image_arn, "note", text, **self._facts, **facts)


def _close(files: "OrderedDict[Path, FileIO]") -> None:
    for file in files.values():
        file.close()


def _entry(now: str, kind: str, text: str, facts: Mapping[str, str]) -> bytes:
    """Write one line of a log. Programs print millions, so no whole object is made of each."""
    members = _members(tuple(facts.items()))
    entry = f'{{"time": "{now}", "kind": "{kind}", "text": {_encode(text)}{members}}}\n'
    return entry.encode("utf-8", "replace")


@lru_cache(maxsize=256)  # line after line has the same
def _members(facts: tuple[tuple[str, str], ...]) -> str:
    return "".join(f", {_encode(name)}: {_encode(value)}" for name, value in facts)


def _pieces(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Cut a text into what fits an entry; the last piece says of itself only what it is told."""
    while len(text) > TEXT_MAX:
        yield text[:TEXT_MAX], {"continues": "yes"}
        text = text[TEXT_MAX:]
    yield text, {}


@lru_cache(maxsize=256)  # a build may print a million lines
def _place(directory: Path, image_arn: str) -> Path:
    arn = Arn.parse(image_arn)
    folder = directory / arn.account / arn.region / arn.path / str(arn.version)
    return folder / f"{arn.build}.jsonl"


def _lines(content: bytes) -> Iterator[bytes]:
    return (line for line in content.split(b"\n") if line)
