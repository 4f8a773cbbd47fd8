"""Security advisories in the OSV form: read from a folder, and matched with packages.

The form is the Open Source Vulnerability schema; its archives (``all.zip`` of an ecosystem) are
read as they come. Advisories name source packages, and compare versions as their distribution does.
"""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORD_BYTES_MAX = 8 << 20
"""Of one advisory; the longest published are below 2 MiB."""

_UNREADABLE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,  # a broken member
    EOFError,  # one that is cut off
    RuntimeError,  # an encrypted one; NotImplementedError for a way to pack that is unknown
)

Json = Mapping[str, Any]
Key = Callable[[str], Any]
"""Makes of a version's text what compares as the distribution compares it."""


class AdvisoriesUnreadable(Exception):
    """The folder of advisories cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Affected:
    """That a version of a package is concerned, and which is not any more."""

    fixed_in: str | None


def read_advisories(folder: Path, mentioning: str) -> Iterator[Json]:
    """Yield every advisory below a folder whose text mentions an ecosystem's name.

    ``*.json`` files, and those within ``*.zip`` archives. Raises AdvisoriesUnreadable, naming the
    file.
    """
    needle = json.dumps(mentioning)[:-1].encode()  # the name may go on: "Debian:12"
    found = False
    for path in sorted(_files(folder)):
        found = True
        try:
            for name, content in _records(path):
                if needle in content:
                    yield _parsed(content, name)
        except _UNREADABLE as error:
            raise AdvisoriesUnreadable(f"{path} cannot be read: {error}") from error
    if not found:
        raise AdvisoriesUnreadable(f"{folder} holds no advisories: neither *.json nor *.zip")


def affected(
    advisory: Json, ecosystem: str, package: str, version: str, key: Key
) -> Affected | None:
    """Tell whether an advisory concerns a version of a source package; None if it does not.

    What an advisory says of versions that cannot be compared counts for nothing.
    """
    family = ecosystem.partition(":")[0]
    for entry in maps(advisory.get("affected")):
        named = entry.get("package")
        if not isinstance(named, Mapping) or named.get("name") != package:
            continue
        if named.get("ecosystem") not in {ecosystem, family}:
            continue
        fixes = [
            fixed
            for each in maps(entry.get("ranges"))
            if each.get("type") == "ECOSYSTEM"
            and (fixed := _within(maps(each.get("events")), version, key)) is not None
        ]
        if fixes or version in texts(entry.get("versions")):
            return Affected(next((fixed for fixed in fixes if fixed), None) or _any_fix(entry))
    return None


def _within(events: Sequence[Json], version: str, key: Key) -> str | None:
    """Return the version that ends the range which this one is in, "" if none does; else None."""
    try:
        own = key(version)
        points = sorted(
            (_point(event, key) for event in events if _kind(event) is not None),
            key=lambda point: point.order,
        )
        inside = False
        for point in points:
            if point.kind == "introduced" and (point.at is None or point.at <= own):
                inside = True
            elif point.ends_before(own):
                inside = False
        if not inside:
            return None
        later = [each for each in points if each.kind == "fixed" and each.at > own]
    except ValueError:  # a version that is none
        return None
    return later[0].text if later else ""


_FROM_THE_FIRST = ("introduced", "0")


@dataclass(frozen=True, slots=True)
class _Point:
    kind: str
    text: str
    at: Any
    """None: before every version."""

    def ends_before(self, version: Any) -> bool:
        """Tell whether the range is over at a version."""
        if self.kind == "fixed":
            return bool(self.at <= version)
        return self.kind == "last_affected" and bool(self.at < version)

    @property
    def order(self) -> "_Order":
        return _Order(self.at, self.kind)


@dataclass(frozen=True, slots=True)
class _Order:
    """Orders events by version; at one version, what begins comes behind what ends."""

    at: Any
    kind: str

    def __lt__(self, other: "_Order") -> bool:
        if self.at is None or other.at is None:
            return self.at is None and other.at is not None
        if self.at == other.at:
            return self.kind != "introduced" and other.kind == "introduced"
        return bool(self.at < other.at)


def _kind(event: Json) -> str | None:
    return next((k for k in ("introduced", "fixed", "last_affected") if k in event), None)


def _point(event: Json, key: Key) -> _Point:
    kind = _kind(event) or ""
    text = str(event[kind])
    return _Point(kind, text, None if (kind, text) == _FROM_THE_FIRST else key(text))


def _any_fix(entry: Json) -> str | None:
    """Return the fix that an entry names, for a version that it lists one by one."""
    for each in maps(entry.get("ranges")):
        for event in maps(each.get("events")):
            if "fixed" in event:
                return str(event["fixed"])
    return None


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise AdvisoriesUnreadable(f"{folder} is no folder")
    return (path for path in folder.rglob("*") if path.suffix in {".json", ".zip"})


def _records(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".json":
        if path.stat().st_size > RECORD_BYTES_MAX:
            raise AdvisoriesUnreadable(f"{path} is too large to be an advisory")
        yield str(path), path.read_bytes()
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".json"):
                continue
            name = f"{path}: {member.filename}"
            with archive.open(member) as stream:
                content = stream.read(RECORD_BYTES_MAX + 1)
            if len(content) > RECORD_BYTES_MAX:
                raise AdvisoriesUnreadable(f"{name} is too large to be an advisory")
            yield name, content


def _parsed(content: bytes, name: str) -> Json:
    try:
        advisory = json.loads(content)
    except ValueError as error:
        raise AdvisoriesUnreadable(f"{name} is not JSON: {error}") from error
    if not isinstance(advisory, dict) or not isinstance(advisory.get("id"), str):
        raise AdvisoriesUnreadable(f"{name} is no advisory: it has no id")
    return advisory


def maps(value: object) -> list[Json]:
    """Return the maps of a list; of anything else, none."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """Return the texts of a list; of anything else, none."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
