"""Managed base images: made with mmdebstrap when first wanted, kept, and used by every build.

They carry what a cloud image has and scripts rely on. A base is an ordinary layer without a parent;
its key says how it was made, so that a new recipe makes a new one.
"""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from imagewright.images.alone import alone
from imagewright.images.layers import LayerStore
from imagewright.images.mirrors import Mirror, proxy_environment
from imagewright.machines.inside.program import PLACE
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import NamespaceError
from imagewright.managed import IMAGES
from imagewright.process import ENVIRONMENT, LineSplitter

_RECIPE_NUMBER = 1
"""Part of the key: raise it when what is made changes."""
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_ROOM_BYTES = 1 << 30
_LAST_LINES = 15
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PACKAGES = (
    "bash", "ca-certificates", "curl", "gnupg", "hostname", "iproute2", "lsb-release", "netbase",
    "procps", "python3", "sudo", "systemd", "systemd-sysv", "wget",
)  # fmt: skip

# What mmdebstrap says when it begins something, and how far along that is.
_MILESTONES = (
    ("running apt-get update", 0.02),
    ("downloading packages", 0.06),
    ("extracting archives", 0.12),
    ("installing essential packages", 0.22),
    ("installing remaining packages", 0.50),
    ("cleaning package lists", 0.98),
)

# Neither the host's name nor its resolver belongs into an image.
_FINISH = r"""
set -e
cd "$1"
mkdir -p etc
rm -f etc/resolv.conf etc/hostname
echo localhost > etc/hostname
printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' > etc/hosts
: > etc/machine-id
"""


class BaseFailed(MachineError):
    """A base image could not be made; the message ends with what mmdebstrap said."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the making of a base is, or the pulling of an image."""

    base: str
    fraction: float
    """0 to 1."""
    line: str
    verb: str = "making"
    is_notice: bool = False
    """The line is a sentence that should be read, not only how far it is."""


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What a managed base is made of."""

    name: str
    suite: str
    packages: Sequence[str] = _PACKAGES
    variant: str = "minbase"

    def key(self, mirror: Mirror, architecture: str) -> str:
        """Return the key of the layer that it becomes."""
        facts = [
            _RECIPE_NUMBER, self.name, self.suite, list(self.packages), self.variant,
            architecture, mirror.archive, mirror.security, _FINISH,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


BASES: Mapping[str, Base] = {
    image.base: Base(name=image.base, suite=image.suite) for image in IMAGES
}


class Bases:
    """Makes and finds managed bases. Safe to use from many threads and processes at once."""

    def __init__(
        self,
        store: LayerStore,
        *,
        locks: Path,
        table: Mapping[str, Base] = BASES,
        mirror: Callable[[], Mirror],
        proxies: Callable[[], Mapping[str, str]] = proxy_environment,
    ) -> None:
        """``locks`` is a directory for lock files, shared by all who share the store.

        ``mirror`` tells where Debian comes from, each time a base is wanted.
        """
        self._store = store
        self._locks = locks
        self._table = table
        self._mirror = mirror
        self._proxies = proxies

    @property
    def names(self) -> tuple[str, ...]:
        """The bases there are."""
        return tuple(self._table)

    def layer(
        self,
        name: str,
        *,
        on_progress: OnProgress = lambda _progress: None,
        cancel: Event | None = None,
    ) -> str:
        """Return the layer of a base, made now if it is not there yet.

        Raises BaseFailed, WaitingEnded, DiskFull, NoNamespace, NoIds; KeyError for a name that is
        none.
        """
        base = self._table[name]
        mirror, architecture = self._mirror(), debian_architecture()
        key = base.key(mirror, architecture)
        if (found := self._store.newest(key)) is not None:
            return found

        def tell_of_waiting() -> None:
            on_progress(Progress(name, 0.0, f"waiting: another build is making {name}"))

        with alone(self._locks, f"base-{key[:16]}", on_wait=tell_of_waiting, cancel=cancel):
            if (found := self._store.newest(key)) is not None:
                return found
            layer_id = self._make(base, mirror, architecture, on_progress, cancel)
            self._store.remember(
                layer_id, key=key, made_by=f"base {name}", outputs={"base": name}, network=False
            )
        return layer_id

    def _make(
        self,
        base: Base,
        mirror: Mirror,
        architecture: str,
        on_progress: OnProgress,
        cancel: Event | None,
    ) -> str:
        if not _KEYRING.exists():
            raise BaseFailed(
                f"{base.name} cannot be made: the keys of Debian's archive are not in {_KEYRING}. "
                "As root, run: apt-get install debian-archive-keyring"
            )
        report = _Report(base.name, on_progress)
        with self._store.begun(f"base {base.name}", needed_bytes=_ROOM_BYTES) as name:
            try:
                with self._store.namespace() as namespace:
                    result = namespace.stream(
                        "program",
                        report.feed,
                        cancel=cancel,
                        name=name,
                        argv=_mmdebstrap(base, mirror, architecture),
                        env={**ENVIRONMENT, **self._proxies(), "TMPDIR": "/tmp"},  # noqa: S108
                    )
            except NamespaceError as error:
                raise BaseFailed(f"{base.name} cannot be made: {error}") from None
            if result["code"] != 0:
                raise BaseFailed(report.failure(result["code"]))
            layer_id = self._store.seal(name, parent=None, size_bytes=result["size_bytes"])
        self._store.make_durable(layer_id)
        return layer_id


class _Report:
    """Turns what mmdebstrap says into progress, and keeps its last words."""

    def __init__(self, base: str, on_progress: OnProgress) -> None:
        self._base = base
        self._on_progress = on_progress
        self._fraction = 0.0
        self._last: list[str] = []
        self._splitter = LineSplitter(self._take)

    def feed(self, data: bytes) -> None:
        """Take in what was written."""
        self._splitter.feed(data)

    def failure(self, code: int) -> str:
        """Say what went wrong."""
        if code == 127:
            return (
                f"{self._base} cannot be made: mmdebstrap is not installed. "
                "As root, run: apt-get install mmdebstrap"
            )
        self._splitter.finish()
        said = "\n  ".join(self._last)
        return f"{self._base} cannot be made: mmdebstrap exited {code}\n  {said}"

    def _take(self, line: str, _continues: bool) -> None:
        line = line.rstrip("\r")
        for words, fraction in _MILESTONES:
            if words in line:
                self._fraction = max(self._fraction, fraction)
        self._last = [*self._last, line][-_LAST_LINES:]
        self._on_progress(Progress(self._base, self._fraction, line))


def debian_architecture() -> str:
    """Return Debian's name for this host's architecture."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def _mmdebstrap(base: Base, mirror: Mirror, architecture: str) -> list[str]:
    # Where this comes from, apt in the guest will look too.
    sources = [
        f"deb {mirror.archive} {base.suite} main",
        f"deb {mirror.archive} {base.suite}-updates main",
    ]
    if mirror.security is not None:
        sources.append(f"deb {mirror.security} {base.suite}-security main")
    return [
        "mmdebstrap", "--mode=root", "--format=directory", f"--variant={base.variant}",
        f"--architectures={architecture}", f"--keyring={_KEYRING}",
        f"--include={','.join(base.packages)}", f"--customize-hook={_FINISH}",
        base.suite, PLACE, *sources,
    ]  # fmt: skip
