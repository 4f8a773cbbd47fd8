"""The way out of failures whose cause is known by what a command said, or how it ended."""

import re
from collections.abc import Sequence
from typing import Final

LACK_OF_MEMORY: Final = "a process was ended for lack of memory"
"""What a failure's message says where the kernel did that."""

_KILLED: Final = 137
_NOT_FOUND: Final = 127


_STARVED: Final = (
    rf"(?i:{LACK_OF_MEMORY})|Cannot allocate memory|[Oo]ut of memory|std::bad_alloc|MemoryError"
)
_LOCKED: Final = (
    r"Could not get lock /var/\S+|Unable to (?:acquire|lock) the \S*\s?(?:dpkg|administration)|"
    r"dpkg frontend (?:lock is|is locked)|holding the yum lock|[Uu]nable to lock database|"
    r"waiting for process with pid \d+ to finish"
)
_UNREACHED: Final = (
    r"Temporary failure (?:in name resolution|resolving)|[Cc]ould not resolve (?:host|')|"
    r"Network is unreachable|Name or service not known|No route to host|"
    r"unable to resolve host|bad address '|Could not connect to "
)
_CAUSES: Final = (
    (
        _STARVED,
        "it had too little memory: raise sandbox.memory_bytes_max, or let it do less at once",
    ),
    (
        r"No space left on device|[Dd]isk quota exceeded",
        "the disk is full: free room with `imagewright prune`, or put the state directory on a "
        "larger disk; /run and /dev/shm hold 256 MiB",
    ),
    (
        _LOCKED,
        "another package manager is at work: let it end first, or wait for it "
        "(`apt-get -o DPkg::Lock::Timeout=120`)",
    ),
    (
        _UNREACHED,
        "the machine does not reach the network: see `imagewright doctor`, and the setting "
        "sandbox.network",
    ),
    (
        r"Unable to locate package",
        "the machine has no lists of packages yet: run `apt-get update` first",
    ),
)
_TOO_LATE: Final = (
    "see in the log what it waited for, and raise the time-out if it needs longer; what asks a "
    "question waits for ever (`-y`, DEBIAN_FRONTEND=noninteractive)"
)
_MISSING: Final = re.compile(
    r"(?:^|[\s`/'])(?P<name>[\w.+-]+)'?: "
    r"(?:command not found|not found|No such file or directory)$",
    re.MULTILINE,
)


def hint(message: str, last_lines: Sequence[str], *, exit_code: int | None) -> str:
    """Say what may help against a failure; empty where its cause is not a known one.

    ``message`` is why the step failed, ``last_lines`` what its command said last.
    """
    if "timed out after" in message:
        return _TOO_LATE
    text = "\n".join([message, *last_lines])
    for pattern, advice in _CAUSES:
        if re.search(pattern, text):
            return advice
    if exit_code == _NOT_FOUND and (missing := _MISSING.search(text)):
        name = missing["name"]
        return f"the machine has no `{name}`: install what has it in an earlier step or component"
    if exit_code == _KILLED:
        return "something killed it: mostly the kernel does, where the host is short of memory"
    return ""
