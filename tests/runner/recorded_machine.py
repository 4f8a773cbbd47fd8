"""A Windows machine played from a recording: what must be sent to it, and what it answers.

Whatever differs from the recording fails the test. It shows what a module sends, and no more:
nothing here ran on Windows.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal

from imagewright.machines.machine import Command, Exit, Line, MachineError, OnLine
from imagewright.runner.powershell import PROGRAM

Exchange = Mapping[str, Any]
"""``script`` (of ours), ``argv`` or ``put`` and ``text``; ``code``, ``stdout`` and ``stderr``."""


@dataclass
class RecordedMachine:
    """Answers as the recording says, in its order."""

    exchanges: Sequence[Exchange]
    id: str = "i-0123456789abcdef0"
    reboots: int = 0
    heard: list[Exchange] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether all of the recording was played."""
        return len(self.heard) == len(self.exchanges)

    def run(
        self, command: Command, *, on_line: OnLine | None = None, cancel: Event | None = None
    ) -> Exit:
        exchange = self._hear(_read(command))
        said = on_line or (lambda _line: None)
        streams: tuple[Literal["stdout", "stderr"], ...] = ("stdout", "stderr")
        for stream in streams:
            for text in str(exchange.get(stream, "")).splitlines():
                said(Line(stream, text))
        return Exit(code=int(exchange.get("code", 0)), seconds=0.0)

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        self._hear({"put": path, "text": content.decode()})

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        raise MachineError("the recording reads no files")

    def commit(self) -> str:
        raise MachineError("the recording makes no layers")

    def reboot(self) -> None:
        self.reboots += 1

    def terminate(self) -> None:
        pass

    def _hear(self, heard: Exchange) -> Exchange:
        assert len(self.heard) < len(self.exchanges), f"not in the recording: {heard}"
        exchange = self.exchanges[len(self.heard)]
        self.heard.append(heard)
        assert heard == {name: exchange[name] for name in heard if name in exchange}
        return exchange


def _read(command: Command) -> Exchange:
    """Read a command as recordings write it."""
    argv = list(command.argv)
    if argv[-2] != "-EncodedCommand":
        return {"argv": argv}
    assert tuple(argv[:-2]) == PROGRAM
    return {"script": body(argv[-1])}


def body(encoded: str) -> str:
    """Take what a script does out of what is around each."""
    lines = b64decode(encoded).decode("utf-16-le").splitlines()
    return "\n".join(lines[4:-4])
