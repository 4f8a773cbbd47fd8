"""Layers: the states of machines, kept on the disk, named in the database, and used again.

A layer has an id, new each time it is made, and may have a key: what it was made from. Equal keys
mean that the same was asked for, and then the layer and the step's outputs serve again.

A directory becomes a layer by its row, which is written last; one without a row is half-written,
and whoever finds it deletes it. Directories are short names beneath one directory, which belongs to
root inside the sandbox; nothing here opens a path inside a layer.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from imagewright.clock import Clock, SystemClock, iso_milliseconds
from imagewright.images.packed import PackedLayers, beyond
from imagewright.machines.idmap import current_map, problem_of_owner
from imagewright.machines.inside.kernel import sync_filesystem
from imagewright.machines.ledger import Entry, Free, Kind, Ledger, identity_of, this_boot
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import Namespace
from imagewright.store import layers as rows
from imagewright.store.layers import LayerRow
from imagewright.store.transactions import Transactions

STACK_MAX = 30
"""How many directories are mounted at most; a longer chain is flattened first. The names must fit
in a page of mount options.
"""


class LayerMissing(MachineError):
    """No such layer, or one beneath it is gone."""

    def __init__(self, layer_id: str) -> None:
        super().__init__(f"the layer {layer_id} is not there; build the step again")


class ForeignLayers(MachineError):
    """The layers belong to another user than the machines of this one need."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}. Copy the state anew with `cp -a`, as root, or take another --state"
        )


class DiskFull(MachineError):
    """There is too little room to begin."""

    def __init__(self, directory: Path, *, purpose: str, needed: int, free: int, kept: int) -> None:
        super().__init__(
            f"{purpose} needs {_mib(needed)} in {directory} and leaves {_mib(kept)} free "
            f"(layers.free_bytes_min), but only {_mib(free)} are free. Make room, for instance "
            "with `imagewright prune`"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerFacts:
    """What a layer is made from; all values are JSON."""

    parent: str
    """The parent layer's id, never its key: a parent made anew gets no old children."""
    document: Any
    parameters: Any
    environment: Mapping[str, str]
    driver: str
    architecture: str
    protocol: int
    """The runner's protocol number: a runner that works otherwise makes other layers."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Values that matter and must not be guessed from the key."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A layer that serves again."""

    layer_id: str
    outputs: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Miss:
    """Why the work is done (again)."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerOptions:
    """See the settings of the same names."""

    max_age: timedelta = timedelta(hours=24)
    size_bytes_max: int = 0
    free_bytes_min: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Usage:
    """What layers take up."""

    layers: int
    size_bytes: int
    packed_size_bytes: int
    """What is kept of packing them."""
    free_bytes: int


def layer_key(facts: LayerFacts, secret_key: bytes) -> str:
    """Return the name of what a layer is made from; secrets enter as their HMAC."""
    secrets = {
        name: hmac.digest(secret_key, value.encode(), "sha256").hex()
        for name, value in facts.secrets.items()
    }
    content = {
        "parent": facts.parent,
        "document": facts.document,
        "parameters": facts.parameters,
        "environment": dict(facts.environment),
        "driver": facts.driver,
        "architecture": facts.architecture,
        "protocol": facts.protocol,
        "secrets": secrets,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def new_layer_name() -> str:
    """Return 17 hex digits."""
    return uuid4().hex[:17]


class LayerStore:
    """Keeps the layers of one state directory. Safe to use from many threads."""

    def __init__(
        self,
        directory: Path,
        database: Transactions,
        ledger: Ledger,
        *,
        options: LayerOptions | None = None,
        clock: Clock | None = None,
        new_name: Callable[[], str] = new_layer_name,
    ) -> None:
        self._directory = directory
        self._database = database
        self._ledger = ledger
        self._options = options or LayerOptions()
        self._clock = clock or SystemClock()
        self.packed = PackedLayers(directory.with_name("packed"))
        """Of each layer that was exported before, its blob."""
        self._new_name = new_name
        self._entries: dict[str, str] = {}

    @property
    def free_bytes_min(self) -> int:
        """What is to stay free of the disk."""
        return self._options.free_bytes_min

    @property
    def directory(self) -> Path:
        """Where all layers lie, each under its name."""
        return self._directory

    # What machines need ------------------------------------------------------------------

    def stack(self, layer_id: str) -> tuple[str, ...]:
        """Name the directories that make up a layer, topmost first; at most ``STACK_MAX``.

        Raises LayerMissing, and DiskFull or MachineError where a long chain cannot be flattened,
        or the layers are not for this user's machines.
        """
        self._require_owner()
        names = self._names(layer_id)
        if len(names) > STACK_MAX:
            self._flatten(layer_id, names)
            names = self._names(layer_id)
        return names

    def begin(self, owner: str, *, needed_bytes: int = 0) -> str:
        """Set a new directory's name down in the ledger and return it.

        Raises DiskFull and ForeignLayers.
        """
        self.require_room(needed_bytes, f"a new layer for {owner}")
        self.prepare()
        self._require_owner()
        name = self._new_name()
        self._entries[name] = self._ledger.enter("directory", {"name": name}, owner)
        return name

    @contextmanager
    def begun(self, owner: str, *, needed_bytes: int) -> Iterator[str]:
        """Begin a layer for the block to fill and seal; if it raises, nothing stays. See begin."""
        name = self.begin(owner, needed_bytes=needed_bytes)
        try:
            yield name
        except BaseException:
            with suppress(MachineError):  # then the reaper finds it, by its entry in the ledger
                self.discard(name)
            raise

    def seal(self, name: str, *, parent: str | None, size_bytes: int) -> str:
        """Make a directory a layer on top of ``parent``, and return its id."""
        layer_id = f"l-{name}"
        now = self._now()
        row = LayerRow(
            id=layer_id, parent=parent, directory=name, flat_directory=None,
            size_bytes=size_bytes, created_at=now, used_at=now, unsynced_boot_id=this_boot(),
            key=None, made_by=None, outputs=None, has_network=None,
        )  # fmt: skip
        with self._database.begin() as connection:
            rows.add(connection, row)
        self._strike(name)
        return layer_id

    def discard(self, name: str, namespace: Namespace | None = None) -> None:
        """Delete a directory that never became a layer, in this namespace or a new one."""
        with nullcontext(namespace) if namespace else self.namespace() as place:
            place.call("remove", names=[name])
        self._strike(name)

    # What steps need ---------------------------------------------------------------------

    def find(self, key: str, *, fresh: bool = False, always: str = "") -> Hit | Miss:
        """Look for a layer made from the same, and say why it serves or why there is none.

        ``always`` says why the work is done in any case.
        """
        if always:
            return Miss(always)
        if fresh:
            return Miss("asked not to reuse anything (--no-cache)")
        with self._database.connect() as connection:
            if (row := rows.newest_with_key(connection, key)) is not None:
                made = row.id, row.outputs or {}, bool(row.has_network), row.created_at
            elif (work := rows.unchanging(connection, key)) is not None:
                made = work.layer, work.outputs, work.has_network, work.created_at
            else:
                return Miss("nothing was made yet from exactly this parent, document and input")
        layer_id, outputs, has_network, created_at = made
        age = self._clock.now() - datetime.fromisoformat(created_at)
        if has_network and age > self._options.max_age:
            return Miss(
                f"it was made {_span(age)} ago with a network in reach, and layers.max_age is "
                f"{_span(self._options.max_age)}"
            )
        with self._database.begin() as connection:
            rows.touch(connection, [layer_id], self._now())
        network = "with a network in reach" if has_network else "without a network"
        return Hit(layer_id, outputs, f"unchanged since it was made {_span(age)} ago, {network}")

    def newest(self, key: str) -> str | None:
        """Return the layer made last under a key, however old it is, and note that it was used."""
        with self._database.connect() as connection:
            row = rows.newest_with_key(connection, key)
        if row is None:
            return None
        with self._database.begin() as connection:
            rows.touch(connection, [row.id], self._now())
        return row.id

    def remember(
        self, layer_id: str, *, key: str, made_by: str, outputs: Mapping[str, Any], network: bool
    ) -> None:
        """Let a layer serve again: under which key, and with which outputs of its step.

        ``made_by`` names the step for people; ``network``: was one in reach?
        """
        with self._database.begin() as connection:
            rows.remember(
                connection, layer_id, key=key, made_by=made_by, outputs=outputs,
                has_network=network,
            )  # fmt: skip

    def remember_unchanging(
        self, layer_id: str, *, key: str, outputs: Mapping[str, Any], network: bool
    ) -> None:
        """Let a work that changed no file of this layer serve again, with its outputs."""
        with self._database.begin() as connection:
            rows.remember_unchanging(
                connection, layer_id, key=key, outputs=outputs, has_network=network, now=self._now()
            )

    def make_durable(self, layer_id: str) -> None:
        """Return once a layer and all beneath it are surely on the disk.

        Until then it lives through the end of any process, but not of the host.
        """
        unsynced = [row.id for row in self._chain(layer_id) if row.unsynced_boot_id]
        if unsynced:
            sync_filesystem(str(self._directory))
            with self._database.begin() as connection:
                rows.mark_synced(connection, unsynced)

    def hold(self, holder: str, layer_id: str) -> None:
        """Keep a layer and all beneath it for as long as ``holder`` is there."""
        with self._database.begin() as connection:
            rows.hold(connection, holder, layer_id)

    def release(self, holder: str) -> None:
        """Let go of what ``holder`` kept; ``prune`` may then free it."""
        with self._database.begin() as connection:
            rows.release(connection, holder)

    def chain(self, layer_id: str) -> tuple[LayerRow, ...]:
        """Return a layer and all beneath it, the topmost first.

        Raises LayerMissing and ForeignLayers.
        """
        self._require_owner()
        return tuple(self._chain(layer_id))

    # Upkeep ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the directory; it belongs to root inside, and to nobody else's eyes."""
        if self._directory.exists():
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self._directory, *current_map().root)

    def _require_owner(self) -> None:
        if (problem := problem_of_owner(self._directory)) is not None:
            raise ForeignLayers(problem)

    @contextmanager
    def namespace(self, *, archives: bool = False) -> Iterator[Namespace]:
        """Open a namespace to work on layers in. Raises NoNamespace, NoIds."""
        self.prepare()
        with Namespace(self._directory, current_map(), archives=archives) as namespace:
            entry = self._ledger.enter("process", identity_of(namespace.pid).as_facts(), "layers")
            try:
                yield namespace
            finally:
                namespace.close()
                self._ledger.strike(entry)

    def require_room(self, needed_bytes: int, purpose: str, *, at: Path | None = None) -> None:
        """Raise DiskFull unless so much fits, and the room that must stay free does too."""
        directory = at or self._directory
        free = _free_bytes(directory)
        kept = self._options.free_bytes_min
        if free < needed_bytes + kept:
            raise DiskFull(directory, purpose=purpose, needed=needed_bytes, free=free, kept=kept)

    def usage(self) -> Usage:
        """Return what the layers take up."""
        with self._database.connect() as connection:
            found = rows.everything(connection)
        return Usage(
            layers=len(found),
            size_bytes=sum(row.size_bytes for row in found),
            packed_size_bytes=sum(blob.size_bytes for blob in self.packed.everything()),
            free_bytes=_free_bytes(self._directory),
        )

    def trim_packed(self) -> None:
        """Drop blobs, the least recently used first, that go beyond ``size_bytes_max``."""
        if self._options.size_bytes_max:
            room = self._options.size_bytes_max - self.usage().size_bytes
            gone = beyond(self.packed.everything(), room)
            self.packed.forget(blob.layer_id for blob in gone)

    def recover(self) -> list[str]:
        """Forget layers that the host's sudden end may have torn, and those on top of them.

        To be called once at the start; returns their ids.
        """
        with self._database.connect() as connection:
            found = rows.everything(connection)
        torn = {r.id for r in found if r.unsynced_boot_id not in {None, this_boot()}}
        for row in found:  # the oldest first, so parents come before their children
            if row.parent in torn:
                torn.add(row.id)
        self._delete([row for row in found if row.id in torn])
        return sorted(torn)

    def frees(self) -> Mapping[Kind, Free]:
        """Return how the reaper frees what this store entered in the ledger."""
        return {"directory": self._free_directory}

    def _free_directory(self, entry: Entry) -> None:
        name = str(entry.what["name"])
        with self._database.connect() as connection:
            if name in _directories(rows.everything(connection)):
                return
        with self.namespace() as namespace:
            namespace.call("remove", names=[name])

    def delete(self, layer_ids: Iterable[str]) -> None:
        """Delete layers, whoever holds them; for ``prune``, which knows that nobody does."""
        wanted = set(layer_ids)
        with self._database.connect() as connection:
            found = [row for row in rows.everything(connection) if row.id in wanted]
        self._delete(found)

    def _delete(self, gone: Sequence[LayerRow]) -> None:
        """Enter the directories, forget the rows, delete: a crash in between is made good."""
        if not gone:
            return
        names = sorted(_directories(gone))
        for name in names:
            self._entries[name] = self._ledger.enter("directory", {"name": name}, "prune")
        with self._database.begin() as connection:
            rows.delete_rows(connection, [row.id for row in gone])
        self.packed.forget(row.id for row in gone)
        with self.namespace() as namespace:
            namespace.call("remove", names=names)
        for name in names:
            self._strike(name)

    def _names(self, layer_id: str) -> tuple[str, ...]:
        names: list[str] = []
        for row in self._chain(layer_id):
            if row.flat_directory is not None:
                return (*names, row.flat_directory)
            names.append(row.directory)
        return tuple(names)

    def _chain(self, layer_id: str) -> list[LayerRow]:
        with self._database.connect() as connection:
            found = rows.chain(connection, layer_id)
        if not found or found[-1].parent is not None:
            raise LayerMissing(layer_id)
        return found

    def _flatten(self, layer_id: str, names: Sequence[str]) -> None:
        """Make one directory of hard links that shows what the whole chain shows."""
        name = self.begin(f"the flattened form of {layer_id}")
        with self.namespace() as namespace:
            namespace.call("flatten", name=name, stack=names)
            with self._database.begin() as connection:
                was_first = rows.set_flat_directory(connection, layer_id, name)
            if not was_first:
                namespace.call("remove", names=[name])
        self._strike(name)

    def _strike(self, name: str) -> None:
        if (entry := self._entries.pop(name, None)) is not None:
            self._ledger.strike(entry)

    def _now(self) -> str:
        return iso_milliseconds(self._clock.now())


def _directories(found: Iterable[LayerRow]) -> set[str]:
    return {name for row in found for name in (row.directory, row.flat_directory) if name}


def _free_bytes(path: Path) -> int:
    existing = next(place for place in (path, *path.parents) if place.exists())
    status = os.statvfs(existing)
    return status.f_bavail * status.f_frsize


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.0f} MiB"


def _span(time: timedelta) -> str:
    """Say a length of time as people do."""
    seconds = time.total_seconds()
    for unit, length in (("days", 172_800), ("h", 7200), ("min", 120)):
        if seconds >= length:
            per_unit = {"days": 86_400, "h": 3600, "min": 60}[unit]
            return f"{seconds / per_unit:.0f} {unit}"
    return f"{seconds:.0f} s"
