"""Machines for the runner's tests, and short ways to run a component on them.

``HostMachine`` is a driver for these tests alone: each command really runs, in bubblewrap, with
the host's programs to read and a folder of its own for everything else. It makes no layers.
"""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any, Literal

import pytest
import yaml

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.specs import Platform
from imagewright.images.bases import Bases
from imagewright.images.layers import LayerStore
from imagewright.machines.machine import Command, Exit, Line, Machine, MachineError, OnLine
from imagewright.machines.network import Network
from imagewright.machines.sandbox import SandboxDriver, SandboxMachine
from imagewright.runner.modules.table import SPECS
from imagewright.runner.reporting import Event
from imagewright.runner.result import RunResult, StepResult
from imagewright.runner.run import run_component
from imagewright.sandboxes import debian_mirror
from imagewright.settings import Settings
from imagewright.store import schema
from imagewright.store.database import open_sqlite
from imagewright.store.ledger import DatabaseLedger

_FOLDERS = ("etc", "tmp", "opt", "var", "home", "root", "srv", "run", "mnt", "work")
_FROM_HOST = ("/usr", "/etc/alternatives")
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/sh\n"
_GROUP = "root:x:0:\napp:x:1235:\nstaff:x:50:\n"
_OS_RELEASE = 'NAME="Test Linux"\nVERSION_ID="7.1"\n'


class HostMachine:
    """A test driver: commands of this host in a root of their own."""

    def __init__(self, root: Path) -> None:
        self.id = "i-0123456789abcdef0"
        self.root = root
        self.reboots = 0
        self.has_accounts = os.geteuid() == 0
        for name in _FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        (root / "etc/passwd").write_text(_PASSWD)
        (root / "etc/group").write_text(_GROUP)
        (root / "etc/os-release").write_text(_OS_RELEASE)

    def run(
        self,
        command: Command,
        *,
        on_line: OnLine | None = None,
        cancel: threading.Event | None = None,
    ) -> Exit:
        started = time.monotonic()
        process = subprocess.Popen(
            self._argv(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        lock = threading.Lock()
        readers = [
            threading.Thread(target=_read, args=(process.stdout, "stdout", on_line, lock)),
            threading.Thread(target=_read, args=(process.stderr, "stderr", on_line, lock)),
            threading.Thread(target=_write, args=(process.stdin, command.stdin)),
        ]
        for reader in readers:
            reader.start()
        reason = _wait(process, command.timeout_seconds, cancel)
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()
        return Exit(code=process.wait(), seconds=time.monotonic() - started, reason=reason)

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        script = 'mkdir -p "${1%/*}/" && cat >"$1" && chmod "$2" "$1"'
        argv = ("/bin/sh", "-c", script, "put", path, f"{mode:o}")
        if self.run(Command(argv=argv, stdin=content)).code != 0:
            raise MachineError(f"cannot write {path}")

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        argv = self._argv(Command(argv=("/bin/cat", path)))
        done = subprocess.run(argv, capture_output=True, check=False)
        if done.returncode != 0 or len(done.stdout) > size_bytes_max:
            raise MachineError(f"cannot read {path}")
        return done.stdout

    def commit(self) -> str:
        raise MachineError("this driver makes no layers")

    def reboot(self) -> None:
        self.reboots += 1

    def terminate(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def _argv(self, command: Command) -> list[str]:
        binds = [
            word for name in _FOLDERS for word in ("--bind", f"{self.root}/{name}", f"/{name}")
        ]
        binds += [word for path in _FROM_HOST for word in ("--ro-bind-try", path, path)]
        links = [word for name, to in _LINKS.items() for word in ("--symlink", to, f"/{name}")]
        environment = {"HOME": "/root", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
        environment |= command.env
        variables = [word for item in environment.items() for word in ("--setenv", *item)]
        return [
            "bwrap", *binds, *links, "--dev", "/dev", "--proc", "/proc", "--unshare-pid",
            *([] if self.has_accounts else ["--unshare-user", "--uid", "0", "--gid", "0"]),
            "--clearenv", *variables,
            "--chdir", command.cwd, "--new-session", "--die-with-parent",
            "/bin/sh", "-c", 'exec "$@"', "exec", *command.argv,
        ]  # fmt: skip


def _read(
    stream: IO[bytes],
    name: Literal["stdout", "stderr"],
    on_line: OnLine | None,
    lock: threading.Lock,
) -> None:
    for line in stream:
        if on_line is not None:
            with lock:
                on_line(Line(name, line.removesuffix(b"\n").decode("utf-8", "replace")))


def _write(stream: IO[bytes], content: bytes) -> None:
    try:
        stream.write(content)
        stream.close()
    except BrokenPipeError:
        pass


def _wait(
    process: "subprocess.Popen[bytes]", timeout: float | None, cancel: threading.Event | None
) -> Literal["exited", "timed out", "cancelled"]:
    ends_at = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            process.wait(0.01)
        except subprocess.TimeoutExpired:
            pass
        else:
            return "exited"
        if cancel is not None and cancel.is_set():
            process.kill()
            return "cancelled"
        if ends_at is not None and time.monotonic() >= ends_at:
            process.kill()
            return "timed out"


@dataclass
class Log:
    """A reporter that keeps everything."""

    events: list[Event] = field(default_factory=list)

    def report(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Lab:
    """A machine with ways to look at it and to run components on it."""

    machine: Machine
    log: Log = field(default_factory=Log)

    def run(self, document: str | Mapping[str, object], **options: Any) -> RunResult:
        """Run all phases of a document."""
        component = a_component(document)
        defaults: dict[str, Any] = {
            "machine": self.machine,
            "phases": [phase.name for phase in component.phases],
            "reporter": self.log,
        }
        return run_component(component, **{**defaults, **options})

    def needs_accounts(self) -> None:
        """Skip a test that gives files away, where a machine has one account only."""
        if not getattr(self.machine, "has_accounts", True):
            pytest.skip("only root can give files to other accounts on the host")

    def step(self, action: str, inputs: object = None, **keys: object) -> StepResult:
        """Run one step, and say how it ended."""
        step = {"name": "Only", "action": action, **keys}
        if inputs is not None:
            step["inputs"] = inputs
        result = self.run({"phases": [{"name": "build", "steps": [step]}]})
        return result.phases[0].steps[0]

    def sh(self, script: str, *arguments: str) -> str:
        """Run a command on the machine, and return what it printed; it must succeed."""
        lines: list[str] = []
        command = Command(argv=("/bin/sh", "-c", script, "sh", *arguments))
        ended = self.machine.run(command, on_line=lambda line: lines.append(line.text))
        assert ended.code == 0, lines
        return "\n".join(lines)

    def write(self, path: str, content: str | bytes = "") -> None:
        """Put a file on the machine."""
        data = content.encode() if isinstance(content, str) else content
        self.machine.put_file(path, data, mode=0o644)

    def read(self, path: str) -> bytes:
        """Read a file of the machine."""
        return self.machine.get_file(path)

    def exists(self, path: str) -> bool:
        """Tell whether there is anything of this name on the machine."""
        return self.sh('[ -e "$1" ] || [ -L "$1" ] && echo yes || echo no', path) == "yes"

    def names(self, folder: str) -> list[str]:
        """Name what a folder of the machine holds."""
        return sorted(self.sh('ls -A "$1"', folder).splitlines())


def a_component(document: str | Mapping[str, object]) -> Component:
    if isinstance(document, str):
        text = document
    else:
        text = yaml.safe_dump({"schemaVersion": "1.0", **document}, sort_keys=False)
    checked = load_component(text, modules=SPECS, platform=Platform.LINUX)
    assert checked.component is not None, checked.findings
    return checked.component


def steps(*given: Mapping[str, object], phase: str = "build") -> dict[str, object]:
    """Write a document of one phase; steps without a name get one."""
    named = [{"name": f"Step{number}", **step} for number, step in enumerate(given)]
    return {"phases": [{"name": phase, "steps": named}]}


def bash(*commands: str, **keys: object) -> dict[str, object]:
    """Write an ExecuteBash step."""
    return {"action": "ExecuteBash", "inputs": {"commands": list(commands)}, **keys}


STRANGE_NAMES = (
    "with space",
    "-rf",
    "--",
    "line\nend",
    "quo'te",
    'dou"ble',
    "$HOME",
    "`id`",
    "a;b&c|d",
    "back\\slash",
    "[a-z]?",
    "üñí",
    "~",
    "#",
    "...",
)
"""File names that mean something to a shell."""


_FURNISH = """
mkdir /work
printf '%s' "$1" >/etc/passwd
printf '%s' "$2" >/etc/group
rm /etc/os-release
printf '%s' "$3" >/etc/os-release
"""


@dataclass
class SandboxRoom:
    """Sandboxes of one test session, all on one layer."""

    driver: SandboxDriver
    layer_id: str
    numbers: Iterator[int] = field(default_factory=count)

    def launch(self) -> SandboxMachine:
        return self.driver.launch(f"i-{next(self.numbers):017x}", self.layer_id)


@pytest.fixture(scope="session")
def sandbox_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRoom]:
    """Sandboxes on Debian 12, furnished like the host's root.

    Making Debian takes half a minute; with IMAGEWRIGHT_TEST_STATE it is kept there.
    """
    kept = os.environ.get("IMAGEWRIGHT_TEST_STATE")
    state = Path(kept) if kept else tmp_path_factory.mktemp("sandbox")
    database = open_sqlite(state / "runner-tests.db")
    schema.prepare(database, back_up=lambda: None)
    ledger = DatabaseLedger(database)
    layers = LayerStore(state / "layers", database, ledger)
    network = Network("none", directory=state / "layers", verdict_file=state / "network")
    driver = SandboxDriver(layers, ledger, network)
    try:
        layers.prepare()
        mirror = debian_mirror(Settings())
        base = Bases(layers, locks=state / "locks", mirror=lambda: mirror).layer("debian-12")
        machine = driver.launch("i-" + "f" * 17, base)
    except MachineError as error:
        pytest.skip(f"no sandbox here: {error}")
    lab = Lab(machine)
    lab.sh(_FURNISH, _PASSWD, _GROUP, _OS_RELEASE)
    layer_id = machine.commit()
    machine.terminate()
    yield SandboxRoom(driver, layer_id)
    assert ledger.entries() == []
    database.close()


@pytest.fixture
def sandbox_lab(sandbox_room: SandboxRoom) -> Iterator[Lab]:
    """A fresh sandbox."""
    machine = sandbox_room.launch()
    yield Lab(machine)
    machine.terminate()


@pytest.fixture
def host_lab(tmp_path: Path) -> Iterator[Lab]:
    """A fresh machine of the test driver."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    machine = HostMachine(tmp_path / "root")
    yield Lab(machine)
    machine.terminate()


@pytest.fixture(params=["host", pytest.param("sandbox", marks=pytest.mark.e2e)])
def lab(request: pytest.FixtureRequest) -> Lab:
    """A fresh machine: of the test driver, and of the real one."""
    chosen = request.getfixturevalue(f"{request.param}_lab")
    assert isinstance(chosen, Lab)
    return chosen
