"""Machines for a command of its own: on the layers of a state, beside any server on it."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from imagewright.arns import Arn, Kind
from imagewright.clock import SystemClock, iso_milliseconds
from imagewright.machines.machine import MachineError
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store import instances
from imagewright.store.database import Database, open_sqlite

if TYPE_CHECKING:
    from imagewright.images.catalogue import Catalogue
    from imagewright.sandboxes import Sandbox


@dataclass(frozen=True, slots=True)
class Bench:
    """What machines of a state stand on."""

    database: Database
    sandbox: "Sandbox"
    catalogue: "Catalogue"
    secret: bytes
    has_network: bool
    owner: str
    """Whose the machines are, for lists of machines: an ARN, though no build has it."""


@contextmanager
def open_bench(state: StateDirectory, settings: Settings) -> Iterator[Bench]:
    """Open a state, made if need be, and free what earlier processes left when they were killed.

    Raises MachineError where no sandbox can be.
    """
    if sys.platform != "linux":
        raise MachineError(f"the sandbox needs Linux, not {sys.platform}")
    from imagewright.door.exports import free_export
    from imagewright.images.bases import Bases
    from imagewright.images.catalogue import Asker, Catalogue, OwnImage
    from imagewright.machines.ledger import reap
    from imagewright.sandboxes import debian_mirror, open_pulls, open_sandbox
    from imagewright.store import machine_images, schema

    clock = SystemClock()
    owner = str(
        Arn(
            partition="aws",
            region=settings.region,
            account=settings.account,
            kind=Kind.COMPONENT,
            path="run-by-itself",
        )
    )
    with closing(open_sqlite(state.database)) as database:
        schema.prepare(database, back_up=lambda: database.back_up(state.database_backup))
        sandbox = open_sandbox(state, settings, database, clock)
        layers = sandbox.layer_store
        reaped = reap(sandbox.ledger, {**layers.frees(), "file": free_export})
        _end_of_the_dead(database, owner, {each.entry.owner for each in reaped})
        if state.running_server() is None:
            layers.recover()
        layers.prepare()

        def own_image(reference: str, _asker: Asker | None) -> OwnImage | None:
            with database.read() as connection:
                row = machine_images.by_reference(connection, reference)
            return None if row is None else OwnImage(row.layer_id, row.config or {})

        catalogue = Catalogue(
            layers,
            Bases(layers, locks=state.root / "locks", mirror=lambda: debian_mirror(settings)),
            table=settings.parents,
            own_images=own_image,
            settings_file=state.root / "settings.toml",
            pulls=open_pulls(state, settings, sandbox),
            trusts_paths=True,
        )
        has_network = settings.sandbox.network != "none"
        yield Bench(database, sandbox, catalogue, state.own_secret(), has_network, owner)


def _end_of_the_dead(database: Database, owner: str, instance_ids: set[str]) -> None:
    """End the machines of runs by themselves whose process was killed: nobody looks into them."""
    with database.write() as connection:
        for row in instances.living(connection, owner=owner):
            if row.id in instance_ids:
                instances.end(connection, row.id, iso_milliseconds(SystemClock().now()))


@dataclass(frozen=True, slots=True)
class Held:
    """A machine's row, which holds the layer it stands on."""

    id: str
    database: Database

    def advance(self, layer_id: str) -> None:
        """Hold another layer."""
        with self.database.write() as connection:
            instances.advance(connection, self.id, layer_id)


@contextmanager
def holding(database: Database, layer_id: str, *, driver: str, owner: str) -> Iterator[Held]:
    """Yield a machine that holds a layer for as long as the block runs.

    If this process dies, it is a kept machine like others, and ends as they do.
    """
    held = Held(f"i-{uuid4().hex[:17]}", database)
    now = iso_milliseconds(SystemClock().now())
    with database.write() as connection:
        instances.add(connection, held.id, driver=driver, layer=layer_id, owner=owner, now=now)
        instances.keep(connection, held.id, now)
    try:
        yield held
    finally:
        with database.write() as connection:
            instances.end(connection, held.id, iso_milliseconds(SystemClock().now()))
