"""What the product ships under the owner Amazon: workflows, as documents, and base images.

(``workflow-documents.md`` §9, FLT-21.)
"""

import platform
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal


@dataclass(frozen=True, slots=True)
class ShippedWorkflow:
    """One managed workflow: its identity, and the file that says what it does."""

    type: Literal["BUILD", "TEST", "DISTRIBUTION"]
    name: str
    version: str

    def text(self) -> str:
        """Return the document."""
        return (files(__package__) / "workflows" / f"{self.name}.yaml").read_text("utf-8")


def command_document(name: str) -> str | None:
    """Return the text of a command document that the product ships; None if it ships none such."""
    if name not in COMMANDS:
        return None
    return (files(__package__) / "commands" / f"{name}.yaml").read_text("utf-8")


COMMANDS = ("AWS-RunPowerShellScript", "AWS-RunShellScript", "AWS-UpdateSSMAgent")
"""The command documents of Systems Manager that there are here, written anew."""

WORKFLOWS = (
    ShippedWorkflow("BUILD", "build-image", "1.0.3"),
    ShippedWorkflow("BUILD", "build-image-with-update-ssm-agent", "1.0.0"),
    ShippedWorkflow("BUILD", "build-image-from-iso", "1.0.0"),
    ShippedWorkflow("BUILD", "build-container", "1.0.1"),
    ShippedWorkflow("BUILD", "express-build-image", "1.0.0"),
    ShippedWorkflow("BUILD", "express-build-container", "1.0.0"),
    ShippedWorkflow("TEST", "test-image", "1.0.3"),
    ShippedWorkflow("TEST", "test-container", "1.0.0"),
    ShippedWorkflow("TEST", "express-test-image", "1.0.0"),
    ShippedWorkflow("DISTRIBUTION", "distribute-image", "1.0.0"),
    ShippedWorkflow("DISTRIBUTION", "distribute-container", "1.0.0"),
)
"""A changed document needs a new version here: whoever built with the old one refers to it."""


@dataclass(frozen=True, slots=True)
class ShippedImage:
    """One managed base image; its layer is made when a build first wants it."""

    base: str
    version: str
    suite: str
    """Debian's name for the release."""
    os_version: str

    @property
    def name(self) -> str:
        """The name in its ARN, which says what processors it is for."""
        return f"{self.base}-{host_architecture()}"


IMAGES = (
    ShippedImage("debian-12", "1.0.0", "bookworm", "Debian GNU/Linux 12"),
    ShippedImage("debian-13", "1.0.0", "trixie", "Debian GNU/Linux 13"),
)


def host_architecture() -> str:
    """Return what names of managed images call this host's processors."""
    machine = platform.machine().lower()
    return {"x86_64": "x86", "amd64": "x86", "aarch64": "arm64"}.get(machine, machine)
