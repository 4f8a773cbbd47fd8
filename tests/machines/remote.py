"""Machines of an ordinary user, from a test that runs as root: a process of that user holds them.

Run as a program, this is that process; it takes a connection as file descriptor 0.
"""

import os
import pwd
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any

from tests.machines.lab import Lab

from imagewright.machines.machine import Command, Exit, MachineError, OnLine
from imagewright.machines.sandbox import SandboxMachine

_ROOT = Path(__file__).parents[2]
_TICK_SECONDS = 0.01


class NoUser(Exception):
    """There is no ordinary user to be; the message says why."""


@cache
def ordinary_user() -> pwd.struct_passwd:
    """Choose a user with subordinate ids. Raises NoUser."""
    wanted = os.environ.get("IMAGEWRIGHT_TEST_USER")
    names = [wanted] if wanted else [line.split(":")[0] for line in _subordinate_lines()]
    for name in names:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid != 0:
            return user
    raise NoUser("no ordinary user has a line in /etc/subuid (set IMAGEWRIGHT_TEST_USER)")


def _subordinate_lines() -> list[str]:
    try:
        return Path("/etc/subuid").read_text().splitlines()
    except OSError:
        return []


@cache
def python_of(user: pwd.struct_passwd) -> str:
    """Find a Python that the user may run with these libraries. Raises NoUser."""
    for program in (sys.executable, "/usr/bin/python3"):
        probe = _as_user(user, [program, "-c", "import sqlalchemy, tests.machines.lab"])
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return program
    raise NoUser(f"user {user.pw_name} can run no Python with this project's libraries")


def _as_user(user: pwd.struct_passwd, argv: list[str]) -> list[str]:
    libraries = [str(_ROOT), str(_ROOT / "src"), sysconfig.get_path("purelib")]
    return [
        "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups",
        "env", "-i", "-C", user.pw_dir, f"HOME={user.pw_dir}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        f"PYTHONPATH={':'.join(libraries)}", "PYTHONDONTWRITEBYTECODE=1", *argv,
    ]  # fmt: skip


class RemoteLab:
    """A lab in the home of an ordinary user."""

    def __init__(self) -> None:
        user = ordinary_user()
        ours, theirs = _connection_pair()
        self._connection = ours
        argv = _as_user(user, [python_of(user), "-m", "tests.machines.remote"])
        self._process = subprocess.Popen(argv, stdin=theirs)
        os.close(theirs)

    def tiny(self) -> str:
        """See ``Lab.tiny``."""
        return str(self.call("tiny"))

    def launch(self, layer_id: str) -> "RemoteMachine":
        """See ``Lab.launch``."""
        number, instance_id = self.call("launch", layer_id)
        return RemoteMachine(self, number, instance_id)

    @property
    def notices(self) -> list[str]:
        """What machines had to say."""
        return list(self.call("notices"))

    def call(self, name: str, *arguments: Any) -> Any:
        """Have something done there."""
        self._connection.send((name, arguments))
        return self.answer()

    def answer(self, on_line: OnLine | None = None, cancel: Event | None = None) -> Any:
        """Wait for what came of it."""
        while True:
            if cancel is not None:
                if cancel.is_set():
                    self._connection.send(("cancel", ()))
                    cancel = None
                elif not self._connection.poll(_TICK_SECONDS):
                    continue
            kind, value = self._connection.recv()
            if kind == "line":
                if on_line is not None:
                    on_line(value)
            elif kind == "error":
                raise MachineError(value)
            else:
                return value

    def close(self) -> None:
        """End it."""
        self._connection.close()
        self._process.wait(30)


class RemoteMachine:
    """A machine over there."""

    def __init__(self, lab: RemoteLab, number: int, instance_id: str) -> None:
        self._lab = lab
        self._number = number
        self.id = instance_id

    def run(
        self, command: Command, *, on_line: OnLine | None = None, cancel: Event | None = None
    ) -> Exit:
        """See ``Machine.run``."""
        self._lab._connection.send(("run", (self._number, command)))
        result: Exit = self._lab.answer(on_line, cancel)
        return result

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """See ``Machine.put_file``."""
        self._lab.call("put_file", self._number, path, content, mode)

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        """See ``Machine.get_file``."""
        return bytes(self._lab.call("get_file", self._number, path, size_bytes_max))

    def commit(self) -> str:
        """See ``Machine.commit``."""
        return str(self._lab.call("commit", self._number))

    def reboot(self) -> None:
        """See ``Machine.reboot``."""
        self._lab.call("reboot", self._number)

    def terminate(self) -> None:
        """See ``Machine.terminate``."""
        self._lab.call("terminate", self._number)


def _connection_pair() -> tuple[Connection, int]:
    import socket

    ours, theirs = socket.socketpair()
    return Connection(ours.detach()), theirs.detach()


class _Server:
    """The process of the ordinary user."""

    def __init__(self, connection: Connection, lab: Lab) -> None:
        self._connection = connection
        self._lab = lab
        self._machines: list[SandboxMachine] = []
        self._cancel = Event()

    def serve(self) -> None:
        while True:
            try:
                name, arguments = self._connection.recv()
            except EOFError:
                return
            if name == "cancel":
                self._cancel.set()
            elif name == "run":  # beside us, so that a cancel is heard
                Thread(target=self._answer, args=(name, arguments)).start()
            else:
                self._answer(name, arguments)

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            operation: Callable[..., Any] = getattr(self, name)
            self._connection.send(("result", operation(*arguments)))
        except MachineError as error:
            self._connection.send(("error", str(error)))

    def tiny(self) -> str:
        return self._lab.tiny()

    def notices(self) -> list[str]:
        return self._lab.notices

    def launch(self, layer_id: str) -> tuple[int, str]:
        machine = self._lab.launch(layer_id)
        self._machines.append(machine)
        return len(self._machines) - 1, machine.id

    def run(self, number: int, command: Command) -> Exit:
        self._cancel.clear()
        return self._machines[number].run(
            command,
            on_line=lambda line: self._connection.send(("line", line)),
            cancel=self._cancel,
        )

    def put_file(self, number: int, path: str, content: bytes, mode: int) -> None:
        self._machines[number].put_file(path, content, mode=mode)

    def get_file(self, number: int, path: str, size_bytes_max: int) -> bytes:
        return self._machines[number].get_file(path, size_bytes_max=size_bytes_max)

    def commit(self, number: int) -> str:
        return self._machines[number].commit()

    def reboot(self, number: int) -> None:
        self._machines[number].reboot()

    def terminate(self, number: int) -> None:
        self._machines[number].terminate()


def main() -> None:
    """Serve the connection on file descriptor 0 until the other side closes it."""
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix="imagewright-test-") as home:
        lab = Lab(Path(home) / "state")
        try:
            _Server(Connection(os.dup(0)), lab).serve()
        finally:
            lab.close()


if __name__ == "__main__":
    main()
