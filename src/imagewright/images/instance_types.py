"""Which instance types a machine of this host can stand for (``workflow-documents.md`` §7.12).

A sandbox has the host's processors and kernel, whatever size a type has. What a type asks for
beyond that, it says in its name: Graviton families (``m7g``, ``t4g``, ``a1``) have Arm processors,
``mac`` families run macOS.
"""

import platform
import re
from collections.abc import Iterator, Sequence

from imagewright.machines.machine import MachineError

DEFAULT_TYPE = "sandbox"
"""What a machine is for which nobody names a type."""

_TYPE = re.compile(
    r"(?P<family>[a-z]+(?:-[a-z0-9]+)*?)(?P<generation>[0-9]+)?(?P<options>[a-z]*)"
    r"(?:-[a-z0-9]+)*\.[a-z0-9-]+",
    re.ASCII,
)
_ARM_MACHINES = frozenset({"aarch64", "arm64"})


class NoInstanceType(MachineError):
    """None of the types that were asked for can be had here; the message says why of each."""


def choose(wanted: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the first type that can be had, and why those before it cannot.

    Raises NoInstanceType.
    """
    if not wanted:
        return DEFAULT_TYPE, ()
    reasons: list[str] = []
    for name in wanted:
        why = why_not(name)
        if why is None:
            return name, tuple(reasons)
        reasons.append(why)
    raise NoInstanceType("; ".join(reasons))


def why_not(name: str, *, host: str | None = None) -> str | None:
    """Say why a type cannot be had on a host with these processors; None: it can."""
    if name == DEFAULT_TYPE:
        return None
    match = _TYPE.fullmatch(name)
    if match is None:
        return f"{name[:60]} is no instance type, which has a form like m7i.large"
    return next(_obstacles(name, match, host or platform.machine()), None)


def _obstacles(name: str, match: "re.Match[str]", host: str) -> Iterator[str]:
    if match["family"] == "mac":
        yield f"{name} runs macOS, and the driver sandbox runs Linux only"
    is_arm = "g" in match["options"] or (match["family"], match["generation"]) == ("a", "1")
    if is_arm and host not in _ARM_MACHINES:
        yield f"{name} has Arm processors, and this host has {host}"
    if not is_arm and host in _ARM_MACHINES:
        yield f"{name} has x86 processors, and this host has {host}"
