"""Reads names and versions from rpm's database, as rpm 4.16 and later write it (SQLite).

Each row holds a header: how many index entries and how many bytes of data, then the entries (tag,
type, offset, count; 4 bytes each, the highest first), then the data.
"""

import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing

from imagewright.machines.machine import MachineError

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_INT32 = 4
_ENTRY = struct.Struct(">IIII")
_ENTRIES_MAX = 65_536


def read_rpm_database(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield names and versions (``1:2.3-4.el9``). Raises MachineError if it cannot be read."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(content)
        file.flush()
        uri = f"file:{file.name}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as database:
                for (blob,) in database.execute("SELECT blob FROM Packages ORDER BY hnum"):
                    yield _read_header(blob)
        except (sqlite3.Error, struct.error, ValueError, KeyError, TypeError) as error:
            raise MachineError(f"the rpm database cannot be read: {error}") from None


def _read_header(blob: bytes) -> tuple[str, str]:
    count, _size = struct.unpack_from(">II", blob)
    if count > _ENTRIES_MAX:
        raise ValueError(f"a header of {count} entries")
    start = 8 + count * _ENTRY.size
    values: dict[int, str] = {}
    for index in range(count):
        tag, kind, offset, _count = _ENTRY.unpack_from(blob, 8 + index * _ENTRY.size)
        if tag in {_NAME, _VERSION, _RELEASE}:
            end = blob.index(b"\0", start + offset)
            values[tag] = blob[start + offset : end].decode("utf-8", "replace")
        elif tag == _EPOCH and kind == _INT32:
            values[tag] = str(struct.unpack_from(">I", blob, start + offset)[0])
    epoch = f"{values[_EPOCH]}:" if _EPOCH in values else ""
    return values[_NAME], f"{epoch}{values[_VERSION]}-{values[_RELEASE]}"
