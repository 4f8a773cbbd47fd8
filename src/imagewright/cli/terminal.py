"""A shell in a machine, on this terminal: bytes go to and fro until the shell ends."""

import fcntl
import os
import pty
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imagewright.machines.sandbox import SandboxMachine

_READ_BYTES = 1 << 14
_TICK_SECONDS = 0.05

_SHELL = (
    "export TERM; cd /root 2>/dev/null; shell=sh; command -v bash >/dev/null && shell=bash; "
    "if command -v setsid >/dev/null; then exec setsid -c -w $shell; else exec $shell -i; fi"
)
"""The machine's best shell; where it can, with the terminal as its own, for job control."""


def run_shell(machine: SandboxMachine) -> int:
    """Run a shell on a terminal of its own that mirrors ours; return its exit code.

    The machine never gets our terminal. Raises MachineError.
    """
    ours, theirs = pty.openpty()
    try:
        with _size_kept(ours):
            ended = machine.attach(["sh", "-c", f"TERM={_terminal_name()}; {_SHELL}"], theirs)
            with _raw(sys.stdin.fileno()):
                return _relay(ours, ended)
    finally:
        os.close(ours)
        os.close(theirs)


def _relay(ours: int, ended: Callable[[], int | None]) -> int:
    sources = [sys.stdin.fileno(), ours]
    while True:
        code = ended()
        ready, _, _ = select.select(sources, [], [], 0 if code is not None else _TICK_SECONDS)
        if code is not None and ours not in ready:
            return code
        if ours in ready:
            os.write(sys.stdout.fileno(), os.read(ours, _READ_BYTES))
        if sys.stdin.fileno() in ready and code is None:
            if data := os.read(sys.stdin.fileno(), _READ_BYTES):
                os.write(ours, data)
            else:
                sources.remove(sys.stdin.fileno())


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Hand every key on as it is pressed."""
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def _size_kept(ours: int) -> Iterator[None]:
    """Give the other terminal the size of this one, now and whenever that changes."""

    def resize(*_signal: object) -> None:
        size = fcntl.ioctl(sys.stdin.fileno(), termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(ours, termios.TIOCSWINSZ, size)

    resize()
    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _terminal_name() -> str:
    name = os.environ.get("TERM", "dumb")
    return name if name.replace("-", "").isalnum() else "dumb"
