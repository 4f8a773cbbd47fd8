"""Scripts of ours for Windows PowerShell, and how they are handed to it.

No text of an author becomes code: it goes into a script as a literal only. A script travels in
``-EncodedCommand``, which no quoting of a command line can change.
"""

import re
from base64 import b64encode

from imagewright.runner.failures import ModuleFailure

PROGRAM = ("powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass")
_COMMAND_LINE_MAX = 32_767
"""Of Windows, in characters."""
_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")
"""What ends a literal: PowerShell takes the typographic quotes for plain ones."""
_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[\\/]{2}")
_DRIVE = re.compile(r"[A-Za-z]:")

_SCRIPT = """\
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false
try {{
{}
}} catch {{
[Console]::Error.WriteLine($_.Exception.Message)
exit 1
}}
"""


def literal(text: str) -> str:
    """Spell a text so that PowerShell reads just that. Raises ModuleFailure over NUL."""
    if "\0" in text:
        raise ModuleFailure("a text for PowerShell cannot hold NUL")
    return "'" + _QUOTES.sub(lambda quote: quote[0] * 2, text) + "'"


def array(type_: str, items: list[str]) -> str:
    """Spell an array of a type, of what is spelt already."""
    return f"[{type_}[]]@({', '.join(items)})"


def command(script: str) -> tuple[str, ...]:
    """Return the argv that runs a script; what fails in it is said and ends it with 1.

    Raises ModuleFailure if Windows takes no command line that long.
    """
    encoded = b64encode(_SCRIPT.format(script).encode("utf-16-le")).decode()
    argv = (*PROGRAM, "-EncodedCommand", encoded)
    if len(" ".join(argv)) >= _COMMAND_LINE_MAX:
        raise ModuleFailure(
            f"what PowerShell is to be told makes more than the {_COMMAND_LINE_MAX:,} characters "
            "of a command line"
        )
    return argv


def absolute(path: str, working_directory: str) -> str:
    """Make a path of Windows absolute, with its own separators. Raises ModuleFailure."""
    is_absolute = _ABSOLUTE.match(path) is not None
    # What stands behind a drive alone depends on where that drive was left last.
    is_of_a_drive = _DRIVE.match(path) is not None and not is_absolute
    if not path or "\0" in path or '"' in path or is_of_a_drive:
        raise ModuleFailure(f"this is no path on Windows: {path!r}")
    if not is_absolute:
        folder = working_directory.rstrip("/\\")
        path = f"{folder[:2]}{path}" if path[0] in "/\\" else f"{folder}/{path}"
    return path.replace("/", "\\")
