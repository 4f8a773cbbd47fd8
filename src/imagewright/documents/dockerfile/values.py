"""Values that instructions take: ports, signals, times, permissions, checksums, owners.

Each reads a text without variables and raises WrongValue.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([A-Za-z]+))?")
_PROTOCOLS: Final = ("tcp", "udp", "sctp")
_MODE = re.compile(r"[0-7]{1,4}")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_OWNER = re.compile(r"[^\s:]+(?::[^\s:]+)?")
_DURATION_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"\+?(?:{_DURATION_PART.pattern})+")
_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_NS_MAX: Final = 2**63 - 1
_SIGNALS: Final = {
    *("ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT"),
    *("KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM"),
    *("TRAP", "TSTP", "TTIN", "TTOU", "UNUSED", "URG", "USR1", "USR2", "VTALRM", "WINCH"),
    *("XCPU", "XFSZ", "RTMIN", "RTMAX"),
}
_REAL_TIME_SIGNAL = re.compile(r"RTMIN\+(?:[1-9]|1[0-5])|RTMAX-(?:[1-9]|1[0-4])")
_SIGNAL_MAX: Final = 64
_SHOWN_MAX: Final = 60


class WrongValue(ValueError):
    """A value is not what it should be; ``fix`` is the way out, where that is not plain."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}; {fix}" if fix else message)
        self.message = message
        self.fix = fix


def short(text: str) -> str:
    """Cut what a message quotes."""
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 1]}…"


@dataclass(frozen=True, slots=True)
class Ports:
    """Some ports in a row."""

    numbers: range
    protocol: str

    def names(self) -> Iterator[str]:
        """Spell each as the configuration of an image does."""
        return (f"{number}/{self.protocol}" for number in self.numbers)


def ports(text: str) -> Ports:
    """Read ``80``, ``80/udp`` or ``7000-7010/tcp``."""
    found = _PORT.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    protocol = (found[3] or "tcp").lower() if found else ""
    if not 0 < first <= last <= 65535 or protocol not in _PROTOCOLS:
        raise WrongValue(f"`{short(text)}` is no port", "write `80`, `53/udp` or `7000-7010`")
    return Ports(range(first, last + 1), protocol)


def signal(text: str) -> str:
    """Read the name or the number of a signal."""
    if text.isascii() and text.isdigit() and len(text) < 3 and 0 < int(text) <= _SIGNAL_MAX:
        return text
    name = text.upper().removeprefix("SIG")
    if name not in _SIGNALS and not _REAL_TIME_SIGNAL.fullmatch(name):
        raise WrongValue(
            f"`{short(text)}` is no signal", "write `SIGTERM`, or a number from 1 to 64"
        )
    return text


def duration_ns(text: str) -> int:
    """Read ``30s``, ``1m30s`` or ``1.5h``; in nanoseconds."""
    if text in ("0", "+0"):
        return 0
    whole = _DURATION.fullmatch(text)
    total = sum(
        int(float(number) * _UNITS_NS[unit]) for number, unit in _DURATION_PART.findall(text)
    )
    if not whole or total > _DURATION_NS_MAX:
        raise WrongValue(f"`{short(text)}` is no time", "write `30s`, `1m30s` or `500ms`")
    if 0 < total < _UNITS_NS["ms"]:
        raise WrongValue(f"`{short(text)}` is less than a millisecond")
    return total


def mode(text: str) -> int:
    """Read permissions in octal digits."""
    if not _MODE.fullmatch(text):
        raise WrongValue(
            f"`{short(text)}` is no mode", "write octal digits such as `644` or `0755`"
        )
    return int(text, 8)


def owner(text: str) -> str:
    """Read ``user`` or ``user:group``, names or numbers."""
    if not _OWNER.fullmatch(text):
        raise WrongValue(
            f"`{short(text)}` is no owner", "write `user`, `user:group` or their numbers"
        )
    return text


def checksum(text: str) -> str:
    """Read ``sha256:`` and 64 digits."""
    if not _CHECKSUM.fullmatch(text):
        raise WrongValue(
            f"`{short(text)}` is no checksum", "write `sha256:` and 64 digits, in lower case"
        )
    return text


def retries(text: str) -> int:
    """Read how often a check may fail in a row."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise WrongValue(
            f"`{short(text)}` is no number of retries", "write a whole number such as `3`"
        )
    return int(text)
