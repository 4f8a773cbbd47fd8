"""A state directory with real layers and a real sandbox, for tests of machines and images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from imagewright.images.bases import Base, Bases
from imagewright.images.layers import LayerOptions, LayerStore
from imagewright.images.mirrors import Mirror
from imagewright.machines.idmap import current_map
from imagewright.machines.ledger import reap
from imagewright.machines.machine import Command, Exit, Line, Machine
from imagewright.machines.namespaces import Namespace
from imagewright.machines.network import Mode, Network
from imagewright.machines.sandbox import SandboxDriver, SandboxMachine, SandboxOptions
from imagewright.sandboxes import debian_mirror
from imagewright.settings import Settings
from imagewright.store import schema
from imagewright.store.database import open_sqlite
from imagewright.store.ledger import DatabaseLedger

TINY = Base(name="tiny", suite="bookworm", variant="extract", packages=("busybox-static",))
"""Two megabytes and one program; made in about 2.5 s."""


def mirror() -> Mirror:
    """Return where Debian comes from on this host."""
    return debian_mirror(Settings())


class Lab:
    """Everything that machines need, put together as an application would."""

    def __init__(self, state: Path, *, mode: Mode = "host", options: LayerOptions | None = None):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state = state
        self.database = open_sqlite(state / "database.sqlite")
        schema.prepare(self.database, back_up=lambda: None)
        self.ledger = DatabaseLedger(self.database)
        self.layers = LayerStore(
            state / "layers",
            self.database,
            self.ledger,
            options=options or LayerOptions(free_bytes_min=0),
        )
        self.layers.prepare()
        self.bases = Bases(self.layers, locks=state / "locks", table={"tiny": TINY}, mirror=mirror)
        self.network = Network(
            mode, directory=self.layers.directory, verdict_file=state / "network.json"
        )
        self.notices: list[str] = []

    def tiny(self) -> str:
        """Return a base layer with all of busybox's commands."""
        machine = self.launch(self.bases.layer("tiny"))
        done = machine.run(Command(argv=["/bin/busybox", "--install", "-s", "/bin"]))
        assert done.code == 0
        assert sh(machine, "rm /etc/resolv.conf") == (0, "")  # the host's, from mmdebstrap
        machine.put_file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mode=0o644)
        machine.put_file("/etc/os-release", b'NAME="Tiny"\nVERSION_ID="1"\n', mode=0o644)
        machine.put_file("/var/old/file", b"old", mode=0o644)
        layer_id = machine.commit()
        machine.terminate()
        return layer_id

    def launch(
        self,
        layer_id: str,
        *,
        options: SandboxOptions | None = None,
        network: Network | None = None,
    ) -> SandboxMachine:
        """Start a machine of a new name."""
        driver = SandboxDriver(self.layers, self.ledger, network or self.network, options=options)
        return driver.launch(new_instance_id(), layer_id, on_notice=self.notices.append)

    def change(self, layer_id: str, script: str) -> str:
        """Run a shell script on a layer and return the layer it makes."""
        machine = self.launch(layer_id)
        try:
            code, output = sh(machine, script)
            assert code == 0, output
            return machine.commit()
        finally:
            machine.terminate()

    def directories(self) -> set[str]:
        """Return the names of what lies beside the layers' rows and what is not there."""
        return {path.name for path in self.layers.directory.iterdir()}

    def reap(self) -> list[str]:
        """Free what a crash left; return it for people."""
        return [r.entry.description for r in reap(self.ledger, self.layers.frees())]

    def close(self) -> None:
        """Give back what was opened, and delete the layers."""
        self.database.close()
        wipe(self.state)


def wipe(state: Path) -> None:
    """Delete the layers of a state: an ordinary user outside has no right to."""
    layers = state / "layers"
    if layers.is_dir():
        with Namespace(layers, current_map()) as namespace:
            namespace.call("remove", names=sorted(path.name for path in layers.iterdir()))


def new_instance_id() -> str:
    """Return a new instance id."""
    return f"i-{uuid4().hex[:17]}"


def sh(machine: Machine, script: str, **more: Any) -> tuple[int, str]:
    """Run a shell script; return its exit code and all its output as one text."""
    lines: list[str] = []
    result = run(
        machine, ["sh", "-c", script], on_line=lambda line: lines.append(line.text), **more
    )
    return result.code, "\n".join(lines)


def run(
    machine: Machine,
    argv: list[str],
    *,
    on_line: Callable[[Line], None] | None = None,
    cancel: Any = None,
    **more: Any,
) -> Exit:
    """Run a program."""
    return machine.run(Command(argv=argv, **more), on_line=on_line, cancel=cancel)
