import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.errors import InvalidParameterValue, ServiceError
from imagewright.keyring import LocalKeyring, Sealed, seal, unseal

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TEXT = b"name: secret workflow"


@pytest.fixture
def ring(tmp_path: Path) -> LocalKeyring:
    return LocalKeyring(tmp_path / "keyring.json")


def test_a_sealed_document_opens_to_what_it_was(ring: LocalKeyring) -> None:
    """CRT-07."""
    sealed = seal(ring, KEY, TEXT)

    assert TEXT not in sealed.ciphertext
    assert unseal(ring, sealed) == TEXT


@pytest.mark.parametrize(
    "key_id",
    [
        KEY,
        "arn:aws:kms:us-east-1:123456789012:alias/images",
        "alias/images",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
    ],
)
def test_every_key_or_alias_gets_a_key_of_its_own_on_first_use(
    ring: LocalKeyring, key_id: str
) -> None:
    """CRT-08."""
    seal(ring, key_id, TEXT)
    seal(ring, key_id, TEXT)

    assert ring.keys() == {key_id: True}


@pytest.mark.parametrize("key_id", ["", "not a key", "arn:aws:s3:::bucket", "a\nb", "é"])
def test_what_names_no_key_is_refused(ring: LocalKeyring, key_id: str) -> None:
    """CRT-07."""
    with pytest.raises(InvalidParameterValue, match="'kmsKeyId'"):
        seal(ring, key_id, TEXT)


def test_a_bare_key_id_is_refused_in_strict_mode(tmp_path: Path) -> None:
    """CRT-08."""
    with pytest.raises(InvalidParameterValue):
        seal(LocalKeyring(tmp_path / "ring", strict=True), "alias/images", TEXT)


def test_a_disabled_key_neither_seals_nor_opens(ring: LocalKeyring) -> None:
    """CRT-07."""
    sealed = seal(ring, KEY, TEXT)

    ring.set_enabled(KEY, False)

    with pytest.raises(InvalidParameterValue, match="disabled"):
        seal(ring, KEY, TEXT)
    with pytest.raises(InvalidParameterValue, match="disabled"):
        unseal(ring, sealed)


def test_an_altered_document_is_not_opened(ring: LocalKeyring) -> None:
    sealed = seal(ring, KEY, TEXT)
    flipped = bytes([sealed.ciphertext[-1] ^ 1])

    with pytest.raises(ServiceError, match="altered"):
        unseal(ring, replace(sealed, ciphertext=sealed.ciphertext[:-1] + flipped))
    with pytest.raises(ServiceError):
        unseal(ring, Sealed(b"", sealed.key))


def test_the_file_of_keys_is_private_and_survives_threads(tmp_path: Path) -> None:
    file = tmp_path / "keyring.json"
    ring = LocalKeyring(file)
    threads = [
        threading.Thread(target=seal, args=(ring, f"alias/key-{number}", TEXT))
        for number in range(20)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert file.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(file.read_text())) == 20
    assert {path.name for path in tmp_path.iterdir()} == {"keyring.json", ".keyring.json.lock"}


def test_a_damaged_file_of_keys_is_named(tmp_path: Path) -> None:
    file = tmp_path / "keyring.json"
    file.write_text("{")

    with pytest.raises(ServiceError, match=r"keyring\.json"):
        seal(LocalKeyring(file), KEY, TEXT)
