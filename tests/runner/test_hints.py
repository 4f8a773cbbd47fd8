"""What is advised against failures whose cause is known."""

import pytest

from imagewright.runner.hints import LACK_OF_MEMORY, hint

# What programs really said, and what the hint must name.
SAID = {
    "apt without a network": (
        "W: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'",
        100,
        "does not reach the network",
    ),
    "curl": ("curl: (6) Could not resolve host: example.org", 6, "does not reach the network"),
    "wget": ("wget: unable to resolve host address 'example.org'", 4, "does not reach the network"),
    "busybox": ("wget: bad address 'example.org'", 1, "does not reach the network"),
    "pip": ("[Errno -3] Temporary failure in name resolution", 1, "does not reach the network"),
    "bash": ("bash: connect: Network is unreachable", 1, "does not reach the network"),
    "cp": ("cp: error writing '/x': No space left on device", 1, "the disk is full"),
    "apt's lock": (
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)",
        100,
        "another package manager",
    ),
    "dpkg's lock": ("dpkg: error: dpkg frontend lock is locked by another process", 2, "another"),
    "yum's lock": ("Another app is currently holding the yum lock; waiting", 1, "another"),
    "apk's lock": ("ERROR: Unable to lock database: temporary error", 99, "another package"),
    "no lists": ("E: Unable to locate package jq", 100, "apt-get update"),
    "bash's missing command": ("/tmp/x: line 2: jq: command not found", 127, "has no `jq`"),
    "dash's missing command": ("sh: 1: jq: not found", 127, "has no `jq`"),
    "a missing interpreter": ("env: 'python': No such file or directory", 127, "has no `python`"),
    "a program's memory": ("fork: Cannot allocate memory", 254, "too little memory"),
    "Python's memory": ("MemoryError", 1, "too little memory"),
    "a kill": ("", 137, "something killed it"),
}


@pytest.mark.parametrize(("line", "exit_code", "advice"), SAID.values(), ids=list(SAID))
def test_a_known_cause_is_recognised_by_its_words(line: str, exit_code: int, advice: str) -> None:
    found = hint(f"exit status {exit_code}", ["before", line], exit_code=exit_code)

    assert advice in found


@pytest.mark.parametrize(
    ("message", "exit_code", "advice"),
    [
        ("timed out after 60 s, the step's timeoutSeconds", None, "raise the time-out"),
        (f"exit status 137; {LACK_OF_MEMORY}", 137, "sandbox.memory_bytes_max"),
        ("exit status 1", 1, ""),
        ("exit status 127", 127, ""),
    ],
)
def test_how_it_ended_may_say_it_too(message: str, exit_code: int | None, advice: str) -> None:
    found = hint(message, [], exit_code=exit_code)

    assert (advice in found) if advice else found == ""


@pytest.mark.parametrize(
    "line", ["file not found", "jq: not found", "cat: /x: No such file or directory", "all good"]
)
def test_words_that_may_mean_anything_get_no_advice(line: str) -> None:
    assert hint("exit status 1", [line], exit_code=1) == ""
