"""The state directory: where everything of an installation lies (``docs/state.md``).

One server at a time serves a state. The lock is the kernel's, so a killed server leaves none.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from imagewright.files import exclusive, write_private

STATE_VERSION = 1
"""Raised when a release lays things out differently; the database has revisions of its own."""


class StateError(Exception):
    """The state directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server of a state answers, and what its clients are by default."""

    url: str
    pid: int
    account: str
    region: str
    is_lasting: bool = True
    """False: a command's own, which ends with the command."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The paths within a state directory."""

    root: Path

    @property
    def database(self) -> Path:
        """Everything the API knows."""
        return self.root / "imagewright.db"

    @property
    def database_backup(self) -> Path:
        """The database as it was before the last migration."""
        return self.root / "imagewright.before-migration.db"

    @property
    def access_keys(self) -> Path:
        """Who may sign requests."""
        return self.root / "access-keys.json"

    @property
    def keyring(self) -> Path:
        """Keys that seal documents."""
        return self.root / "keyring.json"

    @property
    def secret(self) -> Path:
        """The installation's own secret: digests and tokens are made with it."""
        return self.root / "secret"

    @property
    def layers(self) -> Path:
        """What builds have made."""
        return self.root / "layers"

    @property
    def logs(self) -> Path:
        """What builds have said."""
        return self.root / "logs"

    @property
    def pipeline_logs(self) -> Path:
        """What the schedules of pipelines did."""
        return self.logs / "pipelines"

    @property
    def exports(self) -> Path:
        """Where images are packed before they are sent; empty but for that while."""
        return self.root / "exports"

    @property
    def regions(self) -> Path:
        """Copies of images in regions that the settings give no other place, a folder each."""
        return self.root / "regions"

    @property
    def server(self) -> Path:
        """The address of the server that runs on this state."""
        return self.root / "server.json"

    def prepare(self) -> None:
        """Make the directory, private to its owner, and stamp it.

        Raises StateError if it cannot be made, or belongs to a newer release.
        """
        stamp = self.root / "VERSION"
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            if not stamp.exists():
                write_private(stamp, f"{STATE_VERSION}\n".encode())
            found = int(stamp.read_text("ascii"))
        except OSError as error:
            raise StateError(
                f"the state directory {self.root} cannot be used: {error.strerror}; "
                "name another with --state or IMAGEWRIGHT_STATE"
            ) from error
        except ValueError:
            raise StateError(
                f"{stamp} does not hold a version number; is {self.root} a state directory?"
            ) from None
        if found > STATE_VERSION:
            raise StateError(
                f"{self.root} was written by a newer release of imagewright (layout {found}, this "
                f"one knows {STATE_VERSION}); use that release, or another --state"
            )

    def own_secret(self) -> bytes:
        """Return the installation's secret, made at first use."""
        if not self.secret.exists():
            with exclusive(self.secret):  # the first of two processes makes it, for both
                if not self.secret.exists():
                    write_private(self.secret, os.urandom(32))
        return self.secret.read_bytes()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the state for one server.

        Raises StateError if another server has it, naming its address.
        """
        with (self.root / "server.lock").open("a") as handle:
            if not _lock_patiently(handle.fileno()):
                raise StateError(self._taken())
            self.server.unlink(missing_ok=True)  # of a server that was killed
            try:
                yield
            finally:
                self.server.unlink(missing_ok=True)

    def announce(
        self, url: str, account: str, region: str, *, is_lasting: bool = True
    ) -> ServerAddress:
        """Write down where this process answers."""
        address = ServerAddress(url, os.getpid(), account, region, is_lasting)
        write_private(self.server, json.dumps(asdict(address)).encode())
        return address

    def running_server(self) -> ServerAddress | None:
        """Return the address of the server that runs on this state, if one does."""
        lock = self.root / "server.lock"
        if not lock.exists():
            return None
        with lock.open("a") as handle:
            if _try_lock(handle.fileno(), shared=True):
                return None
        try:
            return ServerAddress(**json.loads(self.server.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _taken(self) -> str:
        server = self.running_server()
        where = f" at {server.url} (process {server.pid})" if server else ""
        return (
            f"a server already runs on the state {self.root}{where}; stop it, or give this one "
            "another --state"
        )


def default_state() -> Path:
    """Return the user's state directory for imagewright."""
    if named := os.environ.get("IMAGEWRIGHT_STATE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "imagewright"
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "imagewright"


def _lock_patiently(descriptor: int) -> bool:
    """Try for a moment: whoever asks whether a server runs holds the lock for an instant.

    Which is longer where the system takes the processor away from them meanwhile.
    """
    for _ in range(50):
        if _try_lock(descriptor):
            return True
        time.sleep(0.01)
    return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """There are no shared ones: of two who ask at once, one takes the other for a server."""
        del shared
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Take the lock if nobody has it; a shared one too if others have such."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
