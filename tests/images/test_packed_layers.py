"""Layers as compressed tars that are kept: what is found again, and what is packed anew."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagewright.images.packed import PackedLayer, PackedLayers


@pytest.fixture
def kept(tmp_path: Path) -> PackedLayers:
    return PackedLayers(tmp_path / "packed")


def blob(tmp_path: Path, content: bytes = b"packed") -> PackedLayer:
    file = tmp_path / "blob"
    file.write_bytes(content)
    return PackedLayer(file, hashlib.sha256(content).hexdigest(), "d" * 64, len(content))


def test_what_was_kept_is_found_without_the_file_that_it_came_from(
    kept: PackedLayers, tmp_path: Path
) -> None:
    given = blob(tmp_path)
    kept.keep("l-1", given)
    given.file.unlink()

    found = kept.find("l-1")

    assert found is not None
    assert found.file.read_bytes() == b"packed"
    assert (found.digest, found.diff_id, found.size_bytes) == (given.digest, "d" * 64, 6)
    assert kept.find("l-2") is None


def test_a_damaged_file_is_none(kept: PackedLayers, tmp_path: Path) -> None:
    kept.keep("l-1", blob(tmp_path))
    file = tmp_path / "packed" / "l-1.gz"
    file.write_bytes(b"packeD")

    assert kept.find("l-1") is None

    (tmp_path / "blob").unlink()
    kept.keep("l-1", blob(tmp_path))
    assert kept.find("l-1") is not None


@pytest.mark.parametrize("facts", ["", "[]", "{}", '{"digest": 1}', "\x00"])
def test_facts_that_say_nothing_are_none(kept: PackedLayers, tmp_path: Path, facts: str) -> None:
    kept.keep("l-1", blob(tmp_path))
    (tmp_path / "packed" / "l-1.json").write_text(facts)

    assert kept.find("l-1") is None


def test_what_a_lost_process_left_half_kept_is_none(kept: PackedLayers, tmp_path: Path) -> None:
    kept.keep("l-1", blob(tmp_path))
    (tmp_path / "packed" / "l-1.json").unlink()

    assert kept.find("l-1") is None


def test_a_layer_that_is_gone_takes_its_blob_along(kept: PackedLayers, tmp_path: Path) -> None:
    kept.keep("l-1", blob(tmp_path))
    kept.keep("l-2", blob(tmp_path))

    kept.forget(["l-1", "l-3"])

    assert kept.find("l-1") is None
    assert kept.find("l-2") is not None


def test_all_blobs_are_named_the_least_recently_used_first(
    kept: PackedLayers, tmp_path: Path
) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=9)).timestamp()
    for name in ("l-old", "l-used"):
        kept.keep(name, blob(tmp_path))
        os.utime(tmp_path / "packed" / f"{name}.json", (long_ago, long_ago))
    (tmp_path / "packed" / "l-half.gz").write_bytes(b"left by a crash")
    os.utime(tmp_path / "packed" / "l-half.gz", (long_ago, long_ago))
    assert kept.find("l-used") is not None

    found = [(blob.layer_id, blob.size_bytes) for blob in kept.everything()]

    assert found == [("l-half", 15), ("l-old", 6), ("l-used", 6)]
    assert kept.everything()[-1].used_at > datetime.now(UTC) - timedelta(days=1)


def test_where_nothing_can_be_kept_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = PackedLayers(tmp_path / "file" / "packed")

    kept.keep("l-1", blob(tmp_path))
    kept.forget(["l-1"])

    assert kept.find("l-1") is None
    assert kept.everything() == []
