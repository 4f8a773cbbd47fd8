"""Installs an MSI package on Windows.

``path`` is a file on the machine, an ``s3://`` URI or a URL; the host that builds fetches the last
two. The signature is checked unless told otherwise. ``msiexec`` runs without a window and does not
restart by itself; a restart goes by ``reboot``, and the run goes on behind the step. The exit codes
0, 1614, 1641 and 3010 are success. ``properties`` stand on the command line as they are written,
with the quotes they need. Without ``logFile`` no log is kept.

It was tested against a recording of what it sends to a machine, and not on Windows: no driver of
this release gives a Windows machine, and a component that needs one is refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Literal

from imagewright.documents.specs import ModuleSpec, Platform, Problem, about, to_plain
from imagewright.outside.objects import DEFAULT_REGION, split_uri
from imagewright.outside.work import Work
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.fetching import scratch_file, transfer
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module, RebootNeeded
from imagewright.runner.powershell import literal
from imagewright.runner.windows import Windows, exit_words

SUCCESS = frozenset({0, 1614, 1641, 3010})
_WANTS_RESTART = frozenset({1641, 3010})
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)
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


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Install it."""
    return execute(inputs, guest, "/i", SUCCESS)


def execute(inputs: Inputs, guest: Guest, switch: str, success: frozenset[int]) -> Outputs:
    """Have msiexec work on a package; ``switch`` says what, ``success`` which exit codes are."""
    windows = Windows(guest)
    if not inputs.path.lower().startswith(("s3://", "http://", "https://")):
        package = windows.path(inputs.path)
        windows.check_file(package)
        return _execute(inputs, windows, package, switch, success)
    with windows.folder() as (folder, number), scratch_file(guest) as file:
        package = f"{folder}\\package-{number}.msi"
        transfer(guest, "downloaded", lambda work: _fetch(inputs.path, guest, file, work))
        windows.bring_in(file, package)
        return _execute(inputs, windows, package, switch, success)


def _fetch(place: str, guest: Guest, file: IO[bytes], work: Work) -> None:
    outside = guest.environment.outside
    if not place.lower().startswith("s3://"):
        outside.web.fetch(place, file, work, algorithm=None, checks_certificates=True)
        return
    bucket, key = split_uri(place)
    region = guest.environment.region or DEFAULT_REGION
    outside.objects.fetch(bucket, key, file, work, region=region, owner=None)


def _execute(
    inputs: Inputs, windows: Windows, package: str, switch: str, success: frozenset[int]
) -> Outputs:
    _check_signature(inputs, windows, package)
    log = "" if inputs.log_file is None else windows.path(inputs.log_file)
    arguments = _arguments(inputs, package, switch, log)
    script = _RUN.format(log=literal(log), arguments=literal(arguments))
    finished = windows.stream(script, shown=("msiexec.exe", arguments))
    code = finished.exit_code
    outputs = Outputs(log_file=log, msi_exit_code=str(code), stdout=finished.stdout)
    if code not in success:
        message = f"msiexec: {exit_words(finished)}"
        raise ModuleFailure(message, exit_code=code, outputs=to_plain(outputs))
    if inputs.reboot == "Force" or (inputs.reboot == "Allow" and code in _WANTS_RESTART):
        raise RebootNeeded(runs_again=False, outputs=to_plain(outputs))
    if code in _WANTS_RESTART:
        windows.guest.tell("msiexec asks for a restart, which `reboot: Skip` leaves out")
    return outputs


def _arguments(inputs: Inputs, package: str, switch: str, log: str) -> str:
    """Write the command line: of its own, for msiexec reads quotes as no other program does."""
    words = [switch, f'"{package}"', "/qn", "/norestart"]
    if log:
        words.append(f'/L{inputs.log_options} "{log}"')
    for name, value in inputs.properties.items():
        if _PROPERTY.fullmatch(name) is None:
            raise ModuleFailure(f"this cannot be the name of a property: {name}")
        words.append(f"{name}={value}")
    return " ".join(words)


def _check_signature(inputs: Inputs, windows: Windows, package: str) -> None:
    status = windows.script(
        "[Console]::Out.Write("
        f"(Get-AuthenticodeSignature -LiteralPath {literal(package)}).Status.ToString())"
    )
    if status == "NotSigned":
        if not inputs.allow_unsigned_installer:
            raise ModuleFailure(
                f"the package is not signed, and allowUnsignedInstaller is false: {inputs.path}"
            )
    elif status != "Valid" and not inputs.ignore_authenticode_signature_errors:
        raise ModuleFailure(
            f"the signature of the package is {status or 'unknown'}, and "
            f"ignoreAuthenticodeSignatureErrors is false: {inputs.path}"
        )


_RUN = """\
$log = {log}
if ($log) {{ [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($log)) }}
$info = New-Object Diagnostics.ProcessStartInfo 'msiexec.exe', {arguments}
$info.UseShellExecute = $false
$process = [Diagnostics.Process]::Start($info)
$process.WaitForExit()
[Environment]::Exit($process.ExitCode)"""

MODULE = Module(
    ModuleSpec(
        name="InstallMSI",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=no_reserved_property,
        built=True,
    ),
    run,
)
