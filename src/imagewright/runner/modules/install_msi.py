"""Installs an MSI package on Windows.

``path`` is a file on the machine, an ``s3://`` URI or a URL. The signature is checked unless told
otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from imagewright.documents.specs import ModuleSpec, Platform, Problem, about
from imagewright.runner.module import Module

_RESERVED = ("REBOOT", "REINSTALLMODE", "REINSTALL")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What InstallMSI and UninstallMSI take."""

    path: str = field(metadata=about("The package.", length_min=1))
    reboot: Literal["Allow", "Force", "Skip"] = field(
        default="Allow", metadata=about("If msiexec asks for it, always, or never.")
    )
    log_options: str = field(
        default="*VX",
        metadata=about(
            "For msiexec, behind `/L`.",
            pattern=r"(?i)[iwearucmopvx+!*]+",
            pattern_says="letters of i w e a r u c m o p v x + ! *",
        ),
    )
    log_file: str | None = field(default=None, metadata=about("Where msiexec writes its log."))
    properties: dict[str, str] = field(
        default_factory=dict, metadata=about("Of the package, with the quotes they need.")
    )
    ignore_authenticode_signature_errors: bool = field(
        default=False, metadata=about("Accept a broken signature.")
    )
    allow_unsigned_installer: bool = field(
        default=False, metadata=about("Accept a package without one.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What InstallMSI and UninstallMSI give."""

    log_file: str = field(metadata=about("Where the log is."))
    msi_exit_code: str = field(metadata=about("Of msiexec."))
    stdout: str = field(metadata=about("What msiexec printed."))


def no_reserved_property(values: Mapping[str, object]) -> Iterator[Problem]:
    """Refuse the properties that belong to the module."""
    given = values.get("properties")
    for name in given if isinstance(given, dict) else ():
        if name.upper() in _RESERVED:
            message = f"the property `{name}` cannot be set"
            yield Problem("wrong value", ("properties", name), message)


MODULE = Module(
    ModuleSpec(
        name="InstallMSI",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=no_reserved_property,
    )
)
