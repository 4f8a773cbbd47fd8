"""Images pulled from registries as base layers.

A tag is asked for anew each time; what it means is pulled once, every blob verified by its digest,
into an OCI layout beside the layers that is gone when it is imported. Where the registry cannot be
reached, what its tag meant the last time serves.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from uuid import uuid4

from imagewright.images.alone import alone
from imagewright.images.bases import OnProgress, Progress, debian_architecture
from imagewright.images.imports import (
    WrongArchitecture,
    demand_layers,
    demand_readable,
    demand_runs_here,
    import_oci_layout,
)
from imagewright.images.layers import Hit, LayerStore
from imagewright.images.references import PREFIX, Reference
from imagewright.machines.ledger import Ledger
from imagewright.machines.machine import MachineError
from imagewright.oci import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST
from imagewright.outside.connections import AddressRefused, NameUnknown, NoTls
from imagewright.outside.pulling import Puller, is_digest, may_pass, parsed
from imagewright.outside.registries import (
    ANSWER_BYTES_MAX,
    Registries,
    RegistryFailed,
    RegistryOutOfReach,
    RegistryRefused,
)
from imagewright.outside.work import TransferFailed, Work, attend, size

_NESTING_MAX = 3
"""How deep an index may lie in another."""
_ECR = re.compile(r"[0-9]{12}\.dkr\.ecr(?:-fips)?\.[^/]+", re.ASCII)

Result = TypeVar("Result")
Json = Mapping[str, Any]


class PullFailed(MachineError):
    """An image cannot be pulled; the message says why, and the way out."""


class _OutOfReach(PullFailed):
    """The registry does not answer now; what is here may serve."""


@dataclass(frozen=True, slots=True)
class _Pull:
    """One image that somebody waits for."""

    reference: Reference
    account: str | None
    on_progress: OnProgress
    cancel: Event | None

    def tell(self, fraction: float, line: str) -> None:
        self.on_progress(Progress(str(self.reference), fraction, line, verb="pulling"))

    def note(self, sentence: str) -> None:
        self.on_progress(
            Progress(str(self.reference), 1.0, sentence, verb="pulling", is_notice=True)
        )


class Pulls:
    """Pulls images. Safe to use from many threads and processes at once."""

    def __init__(
        self,
        store: LayerStore,
        registries: Registries,
        *,
        directory: Path,
        locks: Path,
        ledger: Ledger,
        size_bytes_max: int,
        unpacked_bytes_max: int,
        settings_file: Path,
        pause_seconds: float = 1.0,
    ) -> None:
        """``directory``: for images on their way. ``locks``: shared by all who share the store.

        ``size_bytes_max``: of one blob. ``unpacked_bytes_max``: of one image, unpacked.
        ``pause_seconds``: before a second try.
        """
        self._store = store
        self._registries = registries
        self._directory = directory
        self._locks = locks
        self._ledger = ledger
        self._size_bytes_max = size_bytes_max
        self._unpacked_bytes_max = unpacked_bytes_max
        self._settings_file = settings_file
        self._pause_seconds = pause_seconds

    def layer(
        self,
        reference: Reference,
        *,
        account: str | None = None,
        on_progress: OnProgress = lambda _progress: None,
        cancel: Event | None = None,
    ) -> str:
        """Return the layer of an image, pulled now if it is not there yet.

        ``account``: whose wish it is; None: the operator's. One that may not pull with the name
        of the settings gets what the registry shows to anybody, also where it is here already.
        Raises PullFailed, ImportFailed, WrongArchitecture, WaitingEnded and the other
        MachineErrors.
        """
        pull = _Pull(reference, account, on_progress, cancel)
        must_ask = self._registries.keeps_from(reference.host, account)
        if reference.digest is not None and not is_digest(reference.digest):
            raise PullFailed(f"{reference} has a digest that is none of sha256")
        if reference.digest is not None and not must_ask:
            digest = reference.digest
        else:
            try:
                digest = self._do(pull, lambda puller, _work: puller.digest_of(reference.wanted))
            except _OutOfReach as error:
                if must_ask:
                    raise
                return self._as_before(pull, error)
        key = _key("digest", digest)
        if (found := self._before(key)) is None:

            def tell_of_waiting() -> None:
                pull.tell(0.0, "waiting: another build is pulling it")

            with alone(
                self._locks, f"pull-{key[:16]}", on_wait=tell_of_waiting, cancel=pull.cancel
            ):
                found = self._before(key) or self._pulled(pull, digest, key)
        else:
            pull.note(f"{reference} is {digest}, which was pulled before")
        if reference.digest is None:
            self._remember(_key("tag", str(reference)), found, digest)
        return found

    def _as_before(self, pull: "_Pull", error: "_OutOfReach") -> str:
        """Return what a reference meant the last time. Raises PullFailed if it never did."""
        found = self._store.find(_key("tag", str(pull.reference)))
        if not isinstance(found, Hit):
            raise error
        pull.note(f"{error}. What it meant before serves: {found.outputs['digest']}")
        return found.layer_id

    def _before(self, key: str) -> str | None:
        found = self._store.find(key)
        return found.layer_id if isinstance(found, Hit) else None

    def _remember(self, key: str, layer_id: str, digest: str) -> None:
        outputs = {"digest": digest}
        self._store.remember_unchanging(layer_id, key=key, outputs=outputs, network=False)

    def _pulled(self, pull: "_Pull", digest: str, key: str) -> str:
        reference = pull.reference
        with self._room() as layout:
            self._do(pull, lambda puller, work: self._fill(puller, work, reference, digest, layout))
            pull.tell(1.0, "unpacking it")
            layer_id = import_oci_layout(
                self._store,
                layout,
                origin=str(reference),
                unpacked_bytes_max=self._unpacked_bytes_max,
                cancel=pull.cancel,
            )
        self._remember(key, layer_id, digest)
        pull.note(f"{reference} is {digest}; it was pulled")
        return layer_id

    @contextmanager
    def _room(self) -> Iterator[Path]:
        place = self._directory / uuid4().hex
        entry = self._ledger.enter("file", {"path": str(place)}, "a pull")
        try:
            (place / "blobs" / "sha256").mkdir(mode=0o700, parents=True)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            self._ledger.strike(entry)

    def _do(self, pull: _Pull, do: Callable[[Puller, Work], Result]) -> Result:
        """Ask the registry, and tell how far it is. Raises PullFailed and the other MachineErrors.

        A cancel ends it at once.
        """
        reference, work = pull.reference, Work()

        def begin(work: Work) -> Result:
            session = self._registries.session(
                reference.host, reference.repository, work, account=pull.account
            )
            return do(Puller(session, pause_seconds=self._pause_seconds), work)

        def tell_remarks() -> None:
            while work.remarks:
                pull.note(f"{reference}: {work.remarks.popleft()}")

        def look() -> None:
            if pull.cancel is not None and pull.cancel.is_set():
                raise PullFailed(f"the pulling of {reference} was cancelled")
            tell_remarks()
            if work.total_bytes:
                pull.tell(min(work.done_bytes / work.total_bytes, 1.0), work.how_far)

        try:
            return attend(work, begin, look)
        except RegistryOutOfReach as error:
            is_away = error.may_pass or isinstance(error.__cause__, NameUnknown)
            raise (_OutOfReach if is_away else PullFailed)(self._explained(pull, error)) from error
        except RegistryRefused as error:
            kind = _OutOfReach if may_pass(error) else PullFailed
            raise kind(self._explained(pull, error)) from error
        except (TransferFailed, OSError) as error:
            raise PullFailed(f"{reference} cannot be pulled: {error}") from error
        finally:
            tell_remarks()

    def _fill(
        self, puller: Puller, work: Work, reference: Reference, digest: str, layout: Path
    ) -> None:
        """Write the image of this host's architecture as an OCI layout."""
        manifest, data, media_type = _manifest(puller, reference, digest)
        config, layers = _blobs(manifest, reference)
        for layer in layers:
            demand_readable(layer, str(reference), f"{PREFIX}{reference}")
        largest = max(each["size"] for each in layers)
        if largest > self._size_bytes_max:
            raise PullFailed(
                f"{reference} has a layer of {size(largest)}, and the setting "
                f"downloads.size_bytes_max is {size(self._size_bytes_max)}"
            )
        work.total_bytes = sum(each["size"] for each in [config, *layers])
        self._store.require_room(work.total_bytes, f"the pull of {reference}", at=self._directory)
        blobs = layout / "blobs" / "sha256"
        for blob in [config, *layers]:
            file = blobs / blob["digest"].partition(":")[2]
            if file.exists():  # the same layer twice, such as an empty one
                work.done_bytes += blob["size"]
                continue
            with file.open("w+b") as stream:
                puller.blob(blob, stream)
            if blob is config:
                described = parsed(file.read_bytes())
                demand_runs_here(described, str(reference))
        own = f"sha256:{hashlib.sha256(data).hexdigest()}"
        (blobs / own.partition(":")[2]).write_bytes(data)
        descriptor = {"mediaType": media_type, "digest": own, "size": len(data)}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}
        (layout / "index.json").write_text(json.dumps(index))
        (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))

    def _explained(self, pull: _Pull, error: RegistryFailed) -> str:
        """Say what went wrong, and the way out."""
        reference, account = pull.reference, pull.account
        host = reference.host
        entry = f'[registries."{host}"] in {self._settings_file}'
        mirror = f"url below {entry} may name a mirror"
        begun = f"{reference} cannot be pulled: "
        match error:
            case RegistryOutOfReach(__cause__=AddressRefused()):
                return f"{begun}{error}, unless the settings name the registry: {entry}"
            case RegistryOutOfReach(__cause__=NoTls()):
                way = f'url = "http://{host}" below {entry}'
                return f"{begun}{error}. For a registry without TLS: {way}"
            case RegistryOutOfReach(may_pass=True):
                return f"{begun}{host} is out of reach: {error}. {mirror}"
            case RegistryRefused(status=401 | 403) if self._registries.keeps_from(host, account):
                return (
                    f"{begun}{host} has no such image, or does not show it to everybody, and "
                    f"accounts below {entry} does not name the account {account} ({error})"
                )
            case RegistryRefused(status=401 | 403) if self._registries.is_known_to(host):
                return (
                    f"{begun}{host} does not let the username of {entry} have it, or there is no "
                    f"such image ({error})"
                )
            case RegistryRefused(status=401 | 403):
                hint = (
                    " (AWS, and what `aws ecr get-login-password` prints)"
                    if _ECR.fullmatch(host)
                    else ""
                )
                return (
                    f"{begun}{host} has no such image, or does not show it to everybody; username "
                    f"and password{hint} below {entry} say who pulls ({error})"
                )
            case RegistryRefused(status=404):
                return f"{begun}{host} has no such image, or does not show it ({error})"
            case RegistryRefused(status=429):
                return (
                    f"{begun}{host} answers no more for now; username and password below {entry} "
                    f"may raise its limit, or {mirror} ({error})"
                )
            case RegistryOutOfReach():
                return f"{begun}{error}. {mirror}"
            case _:
                return f"{begun}{error}"


def _key(kind: str, what: str) -> str:
    return hashlib.sha256(f"pull {kind} {what} {debian_architecture()}".encode()).hexdigest()


def _manifest(puller: Puller, reference: Reference, digest: str) -> tuple[Json, bytes, str]:
    """Return the manifest of the image for this host, as read, as it is, and its media type.

    Raises PullFailed, WrongArchitecture.
    """
    for _depth in range(_NESTING_MAX):
        data, named = puller.manifest(digest)
        content = parsed(data)
        media_type = str(content.get("mediaType") or named)
        if media_type in {MANIFEST, DOCKER_MANIFEST}:
            return content, data, media_type
        if media_type not in {INDEX, DOCKER_INDEX}:
            raise PullFailed(
                f"{reference} has a manifest of a kind that cannot be read here: {media_type}"
            )
        digest = _choose(content, reference)
    raise PullFailed(f"{reference} is an index of indexes of indexes")


def _choose(index: Json, reference: Reference) -> str:
    """Return the digest of what an index has for this host."""
    here = {"os": "linux", "architecture": debian_architecture()}
    there = []
    for entry in _objects(index.get("manifests")):
        platform = entry.get("platform")
        platform = platform if isinstance(platform, dict) else here
        named = {name: platform.get(name) for name in here}
        if named == here and is_digest(str(entry.get("digest"))):
            return str(entry["digest"])
        if named["os"] != "unknown":  # attestations say that of themselves
            there.append(f"{named['os']}/{named['architecture']}")
    raise WrongArchitecture(
        f"{reference} is there for {', '.join(sorted(set(there))) or 'nothing'}, and this host's "
        f"sandbox runs linux/{here['architecture']} only"
    )


def _blobs(manifest: Json, reference: Reference) -> tuple[Json, Sequence[Json]]:
    """Return the descriptors of an image's configuration and of its layers.

    Raises PullFailed, ImportFailed.
    """
    config = _objects([manifest.get("config")])
    if not config or not manifest.get("layers"):
        raise PullFailed(f"{reference} is no image of a file system: it has no layers")
    layers = demand_layers(manifest["layers"], str(reference))
    for blob in [*config, *layers]:
        size_bytes = blob.get("size")
        is_sized = isinstance(size_bytes, int) and size_bytes >= 0
        if not is_sized or not is_digest(str(blob.get("digest"))):
            raise PullFailed(f"{reference} names a blob without size or sha256 digest")
    if config[0]["size"] > ANSWER_BYTES_MAX:
        raise PullFailed(f"{reference} has a configuration of {size(config[0]['size'])}")
    return config[0], layers


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
