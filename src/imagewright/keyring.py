"""Keys that seal documents at rest: a ring of our own, or a KMS (CRT-07, CRT-08).

Envelope encryption: each document has a data key of its own (AES-256-GCM), and the data key is
wrapped by the key that the caller named. The clear text is never written.
"""

import base64
import binascii
import json
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imagewright.errors import InvalidParameterValue, ServiceError
from imagewright.files import exclusive, write_private

_NONCE_BYTES = 12
_ARN = re.compile(
    r"arn:aws[^:]*:kms:[^:]*:[0-9]{12}:(?:key/(?:mrk-)?[a-zA-Z0-9-]+|alias/[a-zA-Z0-9:/_-]+)",
    re.ASCII,
)
_BARE = re.compile(r"(?:mrk-)?[a-zA-Z0-9-]{1,256}|alias/[a-zA-Z0-9:/_-]{1,256}", re.ASCII)


class KeyService(Protocol):
    """Whatever can wrap a data key under a key that the caller named."""

    def new_data_key(self, key_id: str) -> tuple[bytes, str]:
        """Make a data key: 32 bytes, and its wrapped form as text.

        Raises InvalidParameterValue, Forbidden, ClientError or ServiceUnavailable (CRT-07).
        """
        ...

    def unwrap(self, key_id: str, wrapped: str) -> bytes:
        """Return the data key. Raises as ``new_data_key``."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """A document as it is stored, and the key that opens it."""

    ciphertext: bytes
    key: Mapping[str, str]
    """``id`` as the caller gave it, and ``wrapped``, the data key."""


def seal(service: KeyService, key_id: str, clear: bytes) -> Sealed:
    """Encrypt a document under a new data key. Raises as ``KeyService.new_data_key``."""
    data_key, wrapped = service.new_data_key(key_id)
    return Sealed(_encrypt(data_key, clear, key_id.encode()), {"id": key_id, "wrapped": wrapped})


def unseal(service: KeyService, sealed: Sealed) -> bytes:
    """Decrypt a document. Raises as ``KeyService.unwrap``, or ServiceError if it was altered."""
    data_key = service.unwrap(sealed.key["id"], sealed.key["wrapped"])
    return _decrypt(data_key, sealed.ciphertext, sealed.key["id"].encode())


class _Entry(TypedDict):
    key: str
    enabled: bool


class LocalKeyring:
    """A file of keys; each key or alias that is named gets one of its own on first use.

    ``enabled = false`` beside a key refuses it, as a disabled KMS key is refused.
    """

    def __init__(self, file: Path, *, strict: bool = False) -> None:
        self._file = file
        self._strict = strict
        self._lock = threading.Lock()

    def new_data_key(self, key_id: str) -> tuple[bytes, str]:
        """See KeyService; a key id that no KMS could have is refused."""
        if not (_ARN.fullmatch(key_id) or (not self._strict and _BARE.fullmatch(key_id))):
            raise InvalidParameterValue("kmsKeyId", "It is not the ARN of a KMS key or alias.")
        wrapping_key = self._key(key_id, create=True)
        data_key = secrets.token_bytes(32)
        wrapped = _encrypt(wrapping_key, data_key, key_id.encode())
        return data_key, base64.b64encode(wrapped).decode("ascii")

    def unwrap(self, key_id: str, wrapped: str) -> bytes:
        """See KeyService."""
        return _decrypt(self._key(key_id, create=False), base64.b64decode(wrapped), key_id.encode())

    def keys(self) -> Mapping[str, bool]:
        """Return the ids of all keys, and whether each is enabled."""
        return {key_id: entry["enabled"] for key_id, entry in self._read().items()}

    def set_enabled(self, key_id: str, enabled: bool) -> None:
        """Enable or disable a key. Raises KeyError if the ring has no such key."""
        with self._changing() as ring:
            ring[key_id]["enabled"] = enabled

    def _key(self, key_id: str, *, create: bool) -> bytes:
        entry = self._read().get(key_id)
        if entry is None and create:
            fresh = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
            with self._changing() as ring:
                entry = ring.setdefault(key_id, {"key": fresh, "enabled": True})
        if entry is None:
            raise ServiceError(f"The keyring has lost the key '{key_id}'.")
        if not entry["enabled"]:
            raise InvalidParameterValue("kmsKeyId", f"The key '{key_id}' is disabled.")
        return base64.b64decode(entry["key"])

    @contextmanager
    def _changing(self) -> Iterator[dict[str, _Entry]]:
        """Hand out the ring as it is now, and write what became of it."""
        try:
            with self._lock, exclusive(self._file):
                ring = self._read()
                yield ring
                write_private(self._file, json.dumps(ring, indent=2).encode())
        except OSError as error:
            raise ServiceError(f"The keyring cannot be written: {error}") from error

    def _read(self) -> dict[str, _Entry]:
        try:
            ring: dict[str, _Entry] = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ServiceError(f"The keyring {self._file.name} cannot be read: {error}") from error
        return ring


def _encrypt(key: bytes, clear: bytes, bound_to: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, clear, bound_to)


def _decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise ServiceError("A sealed document cannot be opened: it was altered.") from error
