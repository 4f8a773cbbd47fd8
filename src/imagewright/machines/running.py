"""One command on its way: hands over its output while it runs, and ends it when it must end."""

import os
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from threading import Event
from typing import Literal, Self

from imagewright.machines.inside.messages import Message, write_fully
from imagewright.machines.machine import Command, Exit, Line, OnLine
from imagewright.machines.namespaces import Namespace, NamespaceError
from imagewright.process import LineSplitter

_TICK_SECONDS = 0.05
"""How soon a cancel is seen."""
_KILL_SECONDS = 15.0
"""How long the guest may take to end a command, before the machine is ended."""
_READ_BYTES = 1 << 12
"""At a time. Little, so that a cancel is seen soon however long a listener takes for each line."""
_PIPE_BYTES = 1 << 16
"""What a pipe holds at most, and so what a command that has ended may have left in it."""

Reason = Literal["exited", "timed out", "cancelled"]

_HURRIED: tuple[Reason, Reason] = ("timed out", "cancelled")
"""A command that has time to end after its time-out is cancelled meanwhile."""


class RunningCommand:
    """A command that was started in a guest."""

    def __init__(
        self,
        namespace: Namespace,
        command: Command,
        environment: Mapping[str, str],
        on_line: OnLine | None,
    ) -> None:
        """Start it. Raises NamespaceError."""
        self._namespace = namespace
        self._timeout_seconds = command.timeout_seconds
        self._started = time.monotonic()
        self._open: dict[int, LineSplitter] = {}
        self._has_answered = False
        self.scratch_is_left = False
        """Once it ended: whether its scratch folder may still be there."""
        outputs = [self._pipe(stream, on_line) for stream in ("stdout", "stderr")]
        files = [_standard_input(command.stdin), *outputs]
        try:
            namespace.tell(
                "run",
                files,
                argv=list(command.argv),
                env={**_beneath(environment, command.user), **command.env},
                cwd=command.cwd,
                user=command.user,
                empty=list(command.empty),
                scratch=None if command.scratch is None else asdict(command.scratch),
            )
        finally:
            for file in files:
                os.close(file)

    def to_its_end(self, cancel: Event | None) -> tuple[Exit, bool]:
        """Wait for the end; tell also whether the guest survived it. Raises NamespaceError."""
        reason: Reason = "exited"
        poll = self._polled()
        killed_at: float | None = None
        while True:
            ready = {file for file, _events in poll.poll(_TICK_SECONDS * 1000)}
            for file in ready & self._open.keys():
                if not self._read(file):
                    poll.unregister(file)
                    self._close(file)
            if self._namespace.channel.fileno() in ready:
                self._has_answered = True
                answer = self._namespace.answer("run")
                return self._finish(answer, reason), not answer.get("lost", False)
            now = time.monotonic()
            why = self._why_end(now, cancel)
            if why is not None and (killed_at is None or (reason, why) == _HURRIED):
                reason, killed_at = why, now
                self._namespace.tell("kill", patiently=why == "timed out")
            elif killed_at is not None and now > killed_at + _KILL_SECONDS:
                self._namespace.close()
                raise NamespaceError(
                    "the command could not be ended; the machine was", is_lost=True
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go of it; should it still run, because a reader failed, end it."""
        for file in list(self._open):
            os.close(file)
        if not self._has_answered:
            with suppress(NamespaceError):
                self._namespace.tell("kill", patiently=False)
                self._namespace.answer("run", timeout_seconds=_KILL_SECONDS)

    def _pipe(self, stream: Literal["stdout", "stderr"], on_line: OnLine | None) -> int:
        def take(text: str, continues: bool) -> None:
            if on_line is not None:
                on_line(Line(stream, text, continues))

        reading, writing = os.pipe()
        # The pipe is ours, and we are nobody inside: without this, nobody there could open
        # /dev/stdout. Other users do not get at it, as /proc does not show them its processes.
        os.fchmod(writing, 0o666)
        os.set_blocking(reading, False)
        self._open[reading] = LineSplitter(take)
        return writing

    def _polled(self) -> select.poll:
        poll = select.poll()
        for file in (self._namespace.channel.fileno(), *self._open):
            poll.register(file, select.POLLIN)
        return poll

    def _why_end(self, now: float, cancel: Event | None) -> Reason | None:
        if cancel is not None and cancel.is_set():
            return "cancelled"
        if self._timeout_seconds is not None and now > self._started + self._timeout_seconds:
            return "timed out"
        return None

    def _finish(self, answer: Message, reason: Reason) -> Exit:
        seconds = time.monotonic() - self._started
        for file in list(self._open):
            while self._read(file, _PIPE_BYTES) > 0:
                if time.monotonic() > self._started + seconds + _TICK_SECONDS:
                    break  # a daemon that goes on writing is not waited for
            self._open[file].finish()
        if self._open and not answer.get("lost", False):
            # Someone still holds the other end; without a reader it would die of SIGPIPE.
            with suppress(NamespaceError):
                self._namespace.tell("discard", list(self._open))
        # A guest that was ended with its processes could not clear up.
        self.scratch_is_left = bool(answer.get("scratch_is_left", answer.get("lost")))
        note = answer.get("note", "")
        return Exit(code=answer["code"], seconds=seconds, reason=reason, note=note)

    def _read(self, file: int, bytes_max: int = _READ_BYTES) -> int:
        """Hand over what there is; return 0 at the end, -1 where there is nothing just now."""
        try:
            data = os.read(file, bytes_max)
        except BlockingIOError:
            return -1
        self._open[file].feed(data)
        return len(data)

    def _close(self, file: int) -> None:
        self._open.pop(file).finish()
        os.close(file)


def _beneath(environment: Mapping[str, str], user: str) -> Mapping[str, str]:
    """Leave the home of another user than root to who finds that user."""
    if not user:
        return environment
    return {name: value for name, value in environment.items() if name != "HOME"}


def _standard_input(content: bytes) -> int:
    if not content:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    descriptor = os.memfd_create("stdin", os.MFD_CLOEXEC)
    write_fully(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
