"""Brings the packages of the machine up to date.

By default all of them; ``include`` names those to update, ``exclude`` those to leave alone. The
package manager is dnf, yum, apt-get or zypper, whichever is there first. Needs root. Linux is not
restarted; put a Reboot behind it if the new kernel matters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, Platform, about
from imagewright.runner.failures import ModuleFailure, exit_message
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What UpdateOS takes."""

    include: list[str] = field(
        default_factory=list, metadata=about("Packages to update, and no others.")
    )
    exclude: list[str] = field(default_factory=list, metadata=about("Packages to leave alone."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Update them."""
    for name in (*inputs.include, *inputs.exclude):
        if not name or name.startswith("-") or any(c.isspace() for c in name):
            raise ModuleFailure(f"this cannot be the name of a package: {name!r}")
    manager = next((name for name in _MANAGERS if guest.has(name)), None)
    if manager is None:
        raise ModuleFailure(f"the machine has none of {', '.join(_MANAGERS)} to update with")
    guest.script('[ "$(id -u)" = 0 ] || { echo "UpdateOS needs root" >&2; exit 1; }')
    included = [name for name in inputs.include if name not in inputs.exclude]
    if inputs.include and not included:
        guest.tell("every package to include is excluded; nothing to update")
        return
    _MANAGERS[manager](guest, included, inputs.exclude)


def _with_dnf(guest: Guest, included: Sequence[str], excluded: Sequence[str]) -> None:
    _do(guest, "dnf", "-y", *_exclude_options(excluded), "upgrade", *included)


def _with_yum(guest: Guest, included: Sequence[str], excluded: Sequence[str]) -> None:
    _do(guest, "yum", "-y", *_exclude_options(excluded), "update", *included)


def _with_apt(guest: Guest, included: Sequence[str], excluded: Sequence[str]) -> None:
    _do(guest, *_APT, "update")
    upgrade = ("install", "--only-upgrade", *included) if included else ("upgrade", *_NEW_TOO)
    held_before = guest.script("apt-mark showhold").split()
    held = [name for name in excluded if name not in held_before]
    if not held:
        _do(guest, *_APT, "-y", *upgrade)
        return
    _do(guest, "apt-mark", "hold", *held)
    try:
        _do(guest, *_APT, "-y", *upgrade)
    finally:
        guest.clean_up('apt-mark unhold "$@"', *held)


def _with_zypper(guest: Guest, included: Sequence[str], excluded: Sequence[str]) -> None:
    _do(guest, "zypper", "--non-interactive", "refresh")
    locked_before = guest.script("zypper --terse locks").split()
    locked = [name for name in excluded if name not in locked_before]
    if not locked:
        _do(guest, "zypper", "--non-interactive", "update", *included)
        return
    _do(guest, "zypper", "--non-interactive", "addlock", *locked)
    try:
        _do(guest, "zypper", "--non-interactive", "update", *included)
    finally:
        guest.clean_up('zypper --non-interactive removelock "$@"', *locked)


def _exclude_options(excluded: Sequence[str]) -> list[str]:
    return [f"--exclude={name}" for name in excluded]


def _do(guest: Guest, *argv: str) -> None:
    finished = guest.stream(argv)
    if finished.exit_code != 0:
        message = exit_message(finished.exit_code, finished.stdout)
        raise ModuleFailure(f"{_name(argv)} failed: {message}", exit_code=finished.exit_code)


def _name(argv: Sequence[str]) -> str:
    """Spell a command by its program and what it should do, without options."""
    words = [
        word for word in argv if not word.startswith("-") and "=" not in word and word != "env"
    ]
    return " ".join(words[:2])


_NEW_TOO = ("--with-new-pkgs",)
_APT = (
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "-q",
    # Keep what the author put into configuration files; a question would wait for ever.
    "-oDpkg::Options::=--force-confdef",
    "-oDpkg::Options::=--force-confold",
)
_MANAGERS: Mapping[str, Callable[[Guest, Sequence[str], Sequence[str]], None]] = {
    "dnf": _with_dnf,
    "yum": _with_yum,
    "apt-get": _with_apt,
    "zypper": _with_zypper,
}

MODULE = Module(
    ModuleSpec(
        name="UpdateOS",
        page=__doc__,
        inputs=Inputs,
        inputs_optional=True,
        platforms=frozenset({Platform.LINUX, Platform.WINDOWS}),
        built=True,
    ),
    run,
)
