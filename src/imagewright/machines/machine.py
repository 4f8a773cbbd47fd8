"""The protocol between whatever runs commands and the machine they run on.

Everything above this line (runner, actions) works on any driver; one suite judges them all.
The machine needs nothing inside but a POSIX shell.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Scratch:
    """A folder that is there for the time of one command, for its user alone (mode 0700)."""

    folder: str
    """Absolute; nothing of that name may be there. The folders above it are made, and stay."""
    files: Mapping[str, str]
    """What the command finds in it: names, and texts of whole lines."""
    note: str = "note"
    """The name of a file there, which a command that fails may leave to be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One program to run inside, by argv, never by a shell string."""

    argv: Sequence[str]
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment, but for PATH, HOME and the driver's own few defaults beneath it."""
    cwd: str = "/"
    timeout_seconds: float | None = None
    """None: no limit."""
    user: str = ""
    """As docker's USER: ``name``, ``uid``, ``name:group`` or ``uid:gid``, by the machine's own
    lists; a uid need not be in them. Its HOME comes from there, unless ``env`` has one, and it
    may be in a ``cwd`` that it may not enter by itself. Empty: as whom the driver has it, root.
    """
    empty: Sequence[str] = ()
    """Directories, absolute, that are empty for it, in memory and open to every user. They are
    made where they are not there; nothing of what it leaves in one stays. Not every driver can."""
    scratch: Scratch | None = None
    """A command that has one is given no ``stdin``. Where the folder cannot be made, the command
    exits with 1, and says why on standard error."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output as it came, without its newline; bytes that are no UTF-8 are replaced."""

    stream: Literal["stdout", "stderr"]
    text: str
    continues: bool = False
    """The line is a long one, and goes on in the next of its stream."""

    @property
    def as_written(self) -> str:
        """The text with its newline, if that comes here."""
        return self.text if self.continues else f"{self.text}\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """How a command ended."""

    code: int
    """0 to 255; 128 + n when signal n ended it. On Windows any of 32 bits."""
    seconds: float
    reason: Literal["exited", "timed out", "cancelled"] = "exited"
    lacked_memory: bool = False
    """The kernel ended one of its processes because the machine's memory was used up."""
    note: str = ""
    """What a command that did not exit with 0 left in its scratch folder."""


OnLine = Callable[[Line], None]


class MachineError(Exception):
    """The machine itself failed: it cannot start, is gone, or its disk is full.

    The message says what happened and, where known, the way out.
    """


class Machine(Protocol):
    """A running machine. Not safe to use from two threads at once."""

    @property
    def id(self) -> str:
        """``i-`` and 17 hex digits."""
        ...

    def run(
        self, command: Command, *, on_line: OnLine | None = None, cancel: Event | None = None
    ) -> Exit:
        """Run a command to its end and hand over its output line by line while it runs.

        When time runs out or ``cancel`` is set, the whole process tree of the command dies
        (SIGTERM, then SIGKILL: ten seconds after its time ran out, within a second after
        ``cancel``). A command's daemonised children live on until the next layer boundary.

        Raises MachineError if the command could not be started for the machine's own reasons, or
        its user is unknown there (``no user web in /etc/passwd``);
        a program that is not there is an exit code (127), as a shell would give.
        """
        ...

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Write a file, opened inside the machine; parents are created. Raises MachineError."""
        ...

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        """Read a file, opened inside the machine. Raises MachineError if absent or too large."""
        ...

    def commit(self) -> str:
        """End every process, seal what changed as a layer, and return the layer's id.

        The machine goes on, on top of that layer. Called twice without a change between, it
        returns the same layer.
        """
        ...

    def reboot(self) -> None:
        """End every process and start again on the same disk."""
        ...

    def terminate(self) -> None:
        """End it and free what it held. Calling it again does nothing."""
        ...
