"""Sandboxes for the runner's tests, and short ways to run a component on them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.specs import Platform
from imagewright.images.bases import Bases
from imagewright.images.layers import LayerStore
from imagewright.machines.machine import Command, Machine, MachineError
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

_PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/sh\n"
_GROUP = "root:x:0:\napp:x:1235:\nstaff:x:50:\n"
_OS_RELEASE = 'NAME="Test Linux"\nVERSION_ID="7.1"\n'


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
    """Sandboxes on Debian 12, furnished with accounts and a release of our own.

    Making Debian takes half a minute; with IMAGEWRIGHT_TEST_STATE it is kept there.
    """
    kept = os.environ.get("IMAGEWRIGHT_TEST_STATE")
    state = Path(kept) if kept else tmp_path_factory.mktemp("sandbox")
    state.mkdir(parents=True, exist_ok=True)
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
def lab(sandbox_room: SandboxRoom) -> Iterator[Lab]:
    """A fresh sandbox."""
    machine = sandbox_room.launch()
    yield Lab(machine)
    machine.terminate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on a sandbox."""
    for item in items:
        if "sandbox_room" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)
