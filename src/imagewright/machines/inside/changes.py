"""What some layers changed in those beneath them."""

import json
from collections.abc import Iterator
from typing import IO, Literal

from imagewright.machines.inside.stack import Found, is_opaque, look_up, merge, root_of

Kind = Literal["added", "changed", "deleted"]


def write_changes(above: list[str], below: list[str], stream: IO[str]) -> None:
    """Write a line of JSON for each path that ``above`` changed, in order of their names."""
    for path, kind, size_bytes in _compare("", root_of(above), root_of(below) if below else None):
        stream.write(json.dumps([path, kind, size_bytes]) + "\n")


def _compare(path: str, above: Found, below: Found | None) -> Iterator[tuple[str, Kind, int]]:
    if below is not None and is_opaque(above.sources[-1]):
        below = None
    for name, found in sorted(merge(above).items()):
        inner = f"{path}/{name}"
        before = look_up(below, name) if below is not None else None
        if found is None:
            if before is not None:
                yield inner, "deleted", 0
            continue
        if before is None:
            yield inner, "added", found.status.st_size
        elif not (found.is_directory and before.is_directory):
            yield inner, "changed", found.status.st_size
        if found.is_directory:
            is_same_kind = before is not None and before.is_directory
            yield from _compare(inner, found, before if is_same_kind else None)
