"""Managed components: those that the product ships, and the names of those that it does not.

Every name that the service has resolves, so that a template with one is accepted
(``component-documents.md`` §11). A component that is not shipped cannot be built with, unless the
operator's folder of stand-ins has it, or missing ones are to be skipped.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

SHIPPED: Final[Mapping[str, str]] = {
    "aws-cli-version-2-linux": "1.0.4",
    "docker-ce-linux": "1.0.0",
    "hello-world-linux": "1.0.0",
    "python-3-linux": "1.0.2",
    "reboot-linux": "1.0.1",
    "reboot-test-linux": "1.0.0",
    "simple-boot-test-linux": "1.0.0",
    "stig-build-linux": "1.0.0",
    "stig-test-linux": "1.0.0",
    "update-linux": "1.0.2",
}
"""Name and version; a changed document needs a new version here."""

NOT_SHIPPED: Final = (
    "amazon-cloudwatch-agent-linux",
    "amazon-cloudwatch-agent-windows",
    "amazon-kinesis-agent-windows",
    "apache-tomcat-9-linux",
    "aws-cli-version-2-windows",
    "chrony-time-configuration-test",
    "distributor-package-windows",
    "dotnet-runtime-linux",
    "dotnet-sdk-linux",
    "ebs-volume-usage-test-linux",
    "ebs-volume-usage-test-windows",
    "eni-attachment-test-linux",
    "hello-world-windows",
    "inspector-test-linux",
    "php-8-2-linux",
    "powershell-windows",
    "python-3-windows",
    "reboot-test-windows",
    "reboot-windows",
    "scap-checker-linux",
    "scap-checker-windows",
    "stig-build-linux-high",
    "stig-build-linux-low",
    "stig-build-linux-medium",
    "stig-build-windows",
    "stig-build-windows-high",
    "stig-build-windows-low",
    "stig-build-windows-medium",
    "update-linux-kernel-mainline",
    "update-windows",
    "windows-activation-test",
    "yum-repository-test-linux",
)
_VERSION: Final = "1.0.0"
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

_MISSING: Final = "# This release does not ship this component.\n"
_WAY_OUT: Final = (
    "put a document of your own, {name}.yaml, into the folder of the setting managed.stand_ins, or "
    'set managed.missing to "skip"'
)


class BadStandIn(Exception):
    """A document that the operator put in the place of a managed component is refused."""


@dataclass(frozen=True, slots=True)
class ManagedComponent:
    """One managed component: its identity, and what it does."""

    name: str
    version: str
    text: str
    file: Path | None = None
    """Where a stand-in lies."""

    @property
    def platform(self) -> Literal["Linux", "Windows"]:
        """What it is for, by its name."""
        return "Windows" if "windows" in self.name else "Linux"


def managed_components(
    stand_ins: Path | None, missing: Literal["fail", "skip"]
) -> Iterator[ManagedComponent]:
    """Give every managed component, a stand-in in the place of what it is named after.

    Raises BadStandIn.
    """
    found = {} if stand_ins is None else _documents(stand_ins)
    versions = {**dict.fromkeys(NOT_SHIPPED, _VERSION), **SHIPPED}
    for name in sorted(versions.keys() | found.keys()):
        version = versions.get(name, _VERSION)
        if (file := found.get(name)) is not None:
            yield ManagedComponent(name, version, _read(file), file)
        elif name in SHIPPED:
            yield ManagedComponent(name, version, _shipped(name))
        else:
            yield ManagedComponent(name, version, _missing(name, missing))


def why_missing(text: str) -> str | None:
    """Say why a build with a component cannot be: its document is only a place holder."""
    return _said(text) if text.startswith(_MISSING) else None


def _documents(folder: Path) -> Mapping[str, Path]:
    try:
        files_there = sorted(folder.iterdir())
    except OSError as error:
        raise BadStandIn(f"the folder managed.stand_ins cannot be read: {error}") from None
    documents = {file.stem: file for file in files_there if file.suffix in {".yaml", ".yml"}}
    for name, file in documents.items():
        if not _NAME.fullmatch(name):
            raise BadStandIn(f"{file} is not named after a component: write lower-case words")
    return documents


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadStandIn(f"the stand-in {file} cannot be read: {error}") from None


def _shipped(name: str) -> str:
    return (files(__package__) / "components" / f"{name}.yaml").read_text("utf-8")


def _missing(name: str, missing: Literal["fail", "skip"]) -> str:
    way_out = _WAY_OUT.format(name=name)
    phase = "test" if "-test" in name else "build"
    action = "ExecutePowerShell" if "windows" in name else "ExecuteBash"
    said = f"this release does not ship {name}: {way_out}"
    if missing == "skip":
        mark, said = "", f"Skipped: this release does not ship {name} (managed.missing)."
        commands = [f"echo '{said}'"]
    else:
        mark = _MISSING
        commands = [f"echo '{json.dumps({'failureMessage': said})}'", "exit 1"]
    document = {
        "name": name,
        "description": said,
        "schemaVersion": 1.0,
        "phases": [
            {
                "name": phase,
                "steps": [
                    {"name": "NotShipped", "action": action, "inputs": {"commands": commands}}
                ],
            }
        ],
    }
    return mark + json.dumps(document, indent=2) + "\n"


def _said(text: str) -> str:
    return str(json.loads(text.removeprefix(_MISSING))["description"])
