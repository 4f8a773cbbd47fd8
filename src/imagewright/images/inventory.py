"""What an image consists of: its operating system and the packages installed in it.

Read from the package managers' databases, never by running anything of the image.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from imagewright.images.contents import read_files
from imagewright.images.layers import LayerStore
from imagewright.images.rpm_database import read_rpm_database
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import Namespace

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
_BERKELEY_RPM = "/var/lib/rpm/Packages"


@dataclass(frozen=True, order=True, slots=True)
class Package:
    """One installed package, named as its manager names it."""

    name: str
    version: str
    source: str = ""
    """The source package that it was built from, if it says so and that has another name."""
    source_version: str = ""
    """The version of that, where it is another."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is known of an image."""

    os_version: str | None
    """Name and version as in ``Debian GNU/Linux 12``; None if it does not say."""
    packages: tuple[Package, ...]
    """In order of their names."""
    ecosystem: str = ""
    """Whose advisories concern the packages, as OSV names it (``Debian:12``); "" if none do."""


def take_inventory(
    store: LayerStore, layer_id: str, namespace: Namespace | None = None
) -> Inventory:
    """Read what a layer and those beneath it hold, in this namespace or a new one.

    Raises MachineError, also for an rpm database of the old Berkeley form.
    """
    stack = store.stack(layer_id)
    with nullcontext(namespace) if namespace else store.namespace() as place:

        def read(paths: Sequence[str]) -> Mapping[str, bytes | None]:
            # All at once: to open the view takes longer than to read a file.
            return read_files(place, stack, paths, size_bytes_max=512 << 20)

        found = read([*_DATABASES, *_OS_RELEASE])
        packages = {package for path, parse in _DATABASES.items() for package in parse(found[path])}
        if not packages and read([_BERKELEY_RPM])[_BERKELEY_RPM] is not None:
            raise MachineError(
                f"the packages cannot be listed: {_BERKELEY_RPM} is a Berkeley database, which "
                "only rpm before 4.16 writes and nothing here can read"
            )
    release = next((found[path] for path in _OS_RELEASE if found[path] is not None), None)
    return Inventory(os_version(release), tuple(sorted(packages)), ecosystem(release))


def os_version(release: bytes | None) -> str | None:
    """Read name and version from the text of an ``os-release`` file."""
    fields = _release_fields(release)
    parts = [fields[key] for key in ("NAME", "VERSION_ID") if fields.get(key)]
    return " ".join(parts) or None


def ecosystem(release: bytes | None) -> str:
    """Read from an ``os-release`` file whose advisories concern the packages, "" if none do."""
    fields = _release_fields(release)
    name, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
    short = version.partition(".")[0]
    known = {
        "debian": f"Debian:{short}",
        "ubuntu": f"Ubuntu:{version}" + (":LTS" if " LTS" in fields.get("VERSION", "") else ""),
        "alpine": f"Alpine:v{'.'.join(version.split('.')[:2])}",
        "rocky": f"Rocky Linux:{short}",
        "almalinux": f"AlmaLinux:{short}",
    }
    return known.get(name, "") if version else ""


def _release_fields(release: bytes | None) -> dict[str, str]:
    fields = {}
    for line in (release or b"").decode("utf-8", "replace").splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            fields[name] = _unquoted(value)
    return fields


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value


def _dpkg(status: bytes | None) -> Iterator[Package]:
    for fields in _paragraphs(status or b""):
        if fields.get("Status", "").endswith(" installed") and "Package" in fields:
            source, _, version = fields.get("Source", "").partition(" ")
            yield Package(fields["Package"], fields.get("Version", ""), source, version.strip("()"))


def _apk(installed: bytes | None) -> Iterator[Package]:
    for fields in _paragraphs(installed or b""):
        if "P" in fields:
            origin = fields.get("o", "")
            yield Package(fields["P"], fields.get("V", ""), origin if origin != fields["P"] else "")


def _rpm(database: bytes | None) -> Iterator[Package]:
    for name, version in read_rpm_database(database) if database else ():
        yield Package(name, version)


def _paragraphs(text: bytes) -> Iterator[dict[str, str]]:
    for paragraph in text.decode("utf-8", "replace").split("\n\n"):
        fields = {}
        for line in paragraph.splitlines():
            if line and not line[0].isspace():
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        yield fields


_DATABASES: Mapping[str, Callable[[bytes | None], Iterator[Package]]] = {
    "/var/lib/dpkg/status": _dpkg,
    "/lib/apk/db/installed": _apk,
    "/var/lib/rpm/rpmdb.sqlite": _rpm,
    "/usr/lib/sysimage/rpm/rpmdb.sqlite": _rpm,
}
