"""Access keys: who may sign requests. Kept in the state directory, made at first start."""

import json
import re
import secrets
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from imagewright.files import exclusive, write_private

_ID_ALPHABET = string.ascii_uppercase + "234567"
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}", re.ASCII)


class KeyFileError(Exception):
    """The file of access keys cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A pair that signs requests, and whose it is."""

    access_key_id: str
    secret_access_key: str
    account: str
    user: str

    @property
    def arn(self) -> str:
        """The principal that this key proves."""
        return f"arn:aws:iam::{self.account}:user/{self.user}"


class AccessKeys:
    """All access keys of an installation. Safe to use from several threads.

    A key added by another process is seen at once: the file is read again when it has changed.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, AccessKey] = {}

    def find(self, access_key_id: str) -> AccessKey | None:
        """Return the key with this id."""
        return self._current().get(access_key_id)

    def all(self) -> tuple[AccessKey, ...]:
        """Return every key, the first made first."""
        return tuple(self._current().values())

    def first_of(self, account: str) -> AccessKey:
        """Return the oldest key of an account; make one if it has none."""
        for key in self.all():
            if key.account == account:
                return key
        return self.create(account, "imagewright")

    def create(self, account: str, user: str) -> AccessKey:
        """Make a key.

        Raises KeyFileError for an account or user that no principal could have, and if the file
        cannot be written.
        """
        if not _ACCOUNT.fullmatch(account):
            raise KeyFileError(f"an account has twelve digits, not '{account}'")
        if not _USER.fullmatch(user):
            raise KeyFileError(f"'{user}' is not a user name (letters, digits and +=,.@_-)")
        key = AccessKey(
            access_key_id="AKIA" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16)),
            secret_access_key=secrets.token_urlsafe(30),
            account=account,
            user=user,
        )
        with self._changing() as keys:
            keys[key.access_key_id] = key
        return key

    def delete(self, access_key_id: str) -> bool:
        """Delete a key; tell whether it was there. Raises KeyFileError."""
        with self._changing() as keys:
            return keys.pop(access_key_id, None) is not None

    @contextmanager
    def _changing(self) -> Iterator[dict[str, AccessKey]]:
        """Hand out the keys as they are now, and write what became of them."""
        try:
            with self._lock, exclusive(self._file):
                keys = self._read()
                yield keys
                content = json.dumps([asdict(key) for key in keys.values()], indent=2)
                write_private(self._file, content.encode())
        except OSError as error:
            raise KeyFileError(
                f"{self._file} cannot be written: {error.strerror or error}"
            ) from error

    def _current(self) -> dict[str, AccessKey]:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            with self._lock:
                self._keys = self._read()
                self._stamp = stamp
        return self._keys

    def _read(self) -> dict[str, AccessKey]:
        try:
            entries = json.loads(self._file.read_text("utf-8"))
            return {entry["access_key_id"]: AccessKey(**entry) for entry in entries}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise KeyFileError(f"{self._file} cannot be read: {error}") from error
