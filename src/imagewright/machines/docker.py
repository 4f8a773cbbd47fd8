"""A container as a machine, by way of the docker command line.

The container lives as long as this process holds its standard input: however we end, it ends and
is removed. Its processes can only be ended together, so a command that runs out of time, or is
cancelled, takes with it what earlier ones left running.
"""

import os
import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Event

from imagewright.machines.machine import Command, Exit, Line, MachineError, OnLine
from imagewright.process import (
    Cancelled,
    CommandFailed,
    Completed,
    ProgramMissing,
    TimedOut,
    run,
)
from imagewright.process import OnLine as OnOutput

_ASK_SECONDS = 60.0
_TERMINATED = 143
_OF_DOCKER = 125
_UNKNOWN = re.compile(
    rb"(?:.*: )?unable to find (user|group) ([^:]+): no matching entries in (passwd|group) file\s*"
)
"""All that is printed, on standard output, where there is no such user."""
_TIME_OUT_GRACE_TICKS, _CANCEL_GRACE_TICKS = 50, 2
_FILE_BYTES_MAX = 4 << 20
"""What can be read of a container at once."""

_IN_SCRATCH = """
mark=$1 folder=$2 note=$3
shift 3
[ -d "${folder%/*}" ] || mkdir -p "${folder%/*}"
mkdir -m 700 "$folder" || exit 1
while IFS= read -r name; do
    while IFS= read -r line && [ "$line" != "$mark" ]; do printf '%s\\n' "$line"; done \\
        >"$folder/$name" || exit 1
done
"$@" </dev/null
code=$?
[ -s "$folder/$note" ] || rm -rf "$folder"
exit "$code"
"""
"""Around a command that has a scratch folder: makes it of what comes on standard input, for each
file its name, its lines, and a mark. A note stays there to be read."""

_NOTE = '[ ! -f "$1/$2" ] || cat "$1/$2"; rm -rf "$1"'

_BY_SHELL = ("/bin/sh", "-c", 'exec "$@"', "exec")
"""Before a command: what cannot be run then has the exit code that a shell gives it."""

_FIRST_PROCESS = """
echo ready
exec 3<&0
while :; do cat <&3 >/dev/null & wait $! && exit 0; done
"""
"""Ends with our end of its standard input, and not when all processes are ended."""

_END = """
kill -TERM -1
n=0
while [ "$n" -lt "$1" ]; do
    set -- "$1" /proc/[0-9]*
    [ $# -le 4 ] && break
    sleep 0.2
    n=$((n + 1))
done
kill -KILL -1
exit 0
"""
"""Ends every process but the first; it, its cat and this shell are always there."""

_ADVICE = ("See 'docker", "Run 'docker")

_PUT = 'mkdir -p "${1%/*}/" && umask 077 && cat >"$1" && chmod "$2" "$1"'
_GET = """
if [ ! -e "$1" ]; then echo "No such file or directory" >&2; exit 1; fi
if [ ! -f "$1" ]; then echo "not a regular file" >&2; exit 1; fi
head -c "$2" "$1"
"""

OnProgress = Callable[[str], None]


class DockerMachine:
    """See ``machine.Machine``."""

    def __init__(
        self,
        image: str,
        *,
        on_progress: OnProgress = lambda _line: None,
        cancel: Event | None = None,
    ) -> None:
        """Start a container of an image, pulled now where it is not there. Raises MachineError."""
        self._id = f"i-{uuid.uuid4().hex[:17]}"
        self._name = f"imagewright-{self._id}"
        self._process: subprocess.Popen[bytes] | None = None
        _examine()
        if _docker("image", "inspect", image).code != 0:
            _pull(image, on_progress, cancel)
        self._start(image)

    @property
    def id(self) -> str:
        """``i-`` and 17 hex digits."""
        return self._id

    def run(
        self, command: Command, *, on_line: OnLine | None = None, cancel: Event | None = None
    ) -> Exit:
        """Run a command; see ``machine.Machine.run``."""
        if command.empty:
            raise MachineError("a running container can lay nothing over its directories")
        if (scratch := command.scratch) is None:
            return self._run(command, on_line, cancel)
        mark = uuid.uuid4().hex
        around = ("/bin/sh", "-c", _IN_SCRATCH, "exec", mark, scratch.folder, scratch.note)
        files = "".join(f"{name}\n{text}{mark}\n" for name, text in scratch.files.items())
        ended = self._run(
            replace(command, argv=(*around, *command.argv), stdin=files.encode(), scratch=None),
            on_line,
            cancel,
        )
        if ended.code == 0:
            return ended
        leaving = ("/bin/sh", "-c", _NOTE, "note", scratch.folder, scratch.note)
        note = _docker("exec", self._alive(), *leaving).stdout.decode("utf-8", "replace")
        return replace(ended, note=note)

    def _run(self, command: Command, on_line: OnLine | None, cancel: Event | None) -> Exit:
        started = time.monotonic()
        hear = on_line or _ignore
        variables = [word for item in command.env.items() for word in ("-e", "=".join(item))]
        whom = ["-u", command.user] if command.user else []
        options = ["-i", "-w", command.cwd, *whom, *variables]
        try:
            done = run(
                ["docker", "exec", *options, self._alive(), *_BY_SHELL, *command.argv],
                timeout_seconds=command.timeout_seconds,
                env=os.environ,
                stdin=command.stdin,
                on_line=lambda stream, text, continues: hear(Line(stream, text, continues)),
                cancel=cancel,
                check=False,
            )  # fmt: skip
        except TimedOut:
            self._end_processes(_TIME_OUT_GRACE_TICKS)
            seconds = time.monotonic() - started
            return Exit(code=_TERMINATED, seconds=seconds, reason="timed out")
        except Cancelled:
            self._end_processes(_CANCEL_GRACE_TICKS)
            seconds = time.monotonic() - started
            return Exit(code=_TERMINATED, seconds=seconds, reason="cancelled")
        except CommandFailed as error:
            raise MachineError(str(error)) from error
        if command.user and (unknown := _UNKNOWN.fullmatch(done.stdout + done.stderr)):
            kind, name, known = (part.decode() for part in unknown.groups())
            raise MachineError(
                f"{self._id} cannot run {command.argv[0]}: no {kind} {name} in /etc/{known}"
            )
        if done.code == _OF_DOCKER or not self._is_up():
            raise MachineError(f"{self._id} cannot run {command.argv[0]}: {_said(done)}")
        return Exit(code=done.code, seconds=done.seconds)

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Write a file; see ``machine.Machine.put_file``."""
        self._on_file("written", _PUT, path, f"{mode:o}", stdin=content)

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        """Read a file; see ``machine.Machine.get_file``."""
        most = min(size_bytes_max, _FILE_BYTES_MAX - 1)
        content = self._on_file("read", _GET, path, str(most + 1)).stdout
        if len(content) > most:
            raise MachineError(f"the file {path} is larger than {most} bytes")
        return content

    def commit(self) -> str:
        """Refuse: docker's layers are not ours."""
        raise MachineError("a container makes no layers here; only a sandbox does")

    def reboot(self) -> None:
        """End every process; the disk stays."""
        self._end_processes(_CANCEL_GRACE_TICKS)

    def terminate(self) -> None:
        """End it and free what it held. Calling it again does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(MachineError):
            _docker("rm", "-f", self._name)
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ASK_SECONDS)
        process.kill()
        process.wait()

    def _start(self, image: str) -> None:
        with tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(
                [
                    "docker", "run", "-i", "--rm", "--name", self._name, "--hostname", self._id,
                    "--entrypoint", "/bin/sh", image, "-c", _FIRST_PROCESS,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )  # fmt: skip
            assert self._process.stdout is not None  # noqa: S101 - it was asked for
            with self._process.stdout as output:
                is_ready = output.readline() == b"ready\n"
            if not is_ready:
                self.terminate()
                said.seek(0)
                why = _last_word(said.read()) or "its /bin/sh did not run"
                raise MachineError(f"no container of {image} can be started: {why}")

    def _alive(self) -> str:
        if self._process is None:
            raise MachineError(f"{self._id} was terminated")
        return self._name

    def _is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _end_processes(self, ticks: int) -> None:
        done = _docker("exec", self._alive(), "/bin/sh", "-c", _END, "end", str(ticks))
        if not self._is_up():
            raise MachineError(f"{self._id} is gone: {_said(done)}")

    def _on_file(
        self, what: str, script: str, path: str, argument: str, *, stdin: bytes = b""
    ) -> Completed:
        if not path.startswith("/") or "\0" in path:
            raise MachineError(f"{path!r} is not an absolute path")
        argv = ("exec", "-i", self._alive(), "/bin/sh", "-c", script, "file", path, argument)
        done = _docker(*argv, stdin=stdin)
        if done.code != 0:
            raise MachineError(f"the file {path} cannot be {what}: {_said(done)}")
        return done


def _examine() -> None:
    """Raise MachineError where docker is not there, or its daemon does not answer."""
    done = _docker("version", "--format", "{{.Server.Version}}")
    if done.code != 0:
        raise MachineError(f"docker's daemon does not answer: {_said(done)}")


def _pull(image: str, on_progress: OnProgress, cancel: Event | None) -> None:
    def tell(_stream: str, text: str, _continues: bool) -> None:
        on_progress(text)

    done = _ended("pull", image, on_line=tell, cancel=cancel)
    if done.code != 0:
        raise MachineError(f"the image {image} cannot be pulled: {_said(done)}")


def _docker(*arguments: str, stdin: bytes = b"") -> Completed:
    """Ask docker what does not take long. Raises MachineError where it does."""
    return _ended(*arguments, stdin=stdin, timeout_seconds=_ASK_SECONDS)


def _ended(
    *arguments: str,
    stdin: bytes = b"",
    timeout_seconds: float | None = None,
    on_line: OnOutput | None = None,
    cancel: Event | None = None,
) -> Completed:
    """Run docker, whatever it exits with. Raises MachineError where it cannot, or is ended."""
    try:
        return run(
            ["docker", *arguments],
            timeout_seconds=timeout_seconds,
            env=os.environ,
            stdin=stdin,
            on_line=on_line,
            cancel=cancel,
            check=False,
        )
    except ProgramMissing:
        raise MachineError(
            "docker is not installed: install its command line, or use --on sandbox:debian-12"
        ) from None
    except CommandFailed as error:
        raise MachineError(str(error)) from error


def _said(done: Completed) -> str:
    """Return why docker failed."""
    return _last_word(done.stderr) or f"docker exited with {done.code}"


def _last_word(stderr: bytes) -> str:
    """Return the last line, but for docker's advice to read its help."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    said = [line.strip() for line in lines if line.strip() and not line.startswith(_ADVICE)]
    return said[-1].removeprefix("docker: ") if said else ""


def _ignore(_line: Line) -> None:
    """Nobody listens."""
