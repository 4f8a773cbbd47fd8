"""Which ids outside stand for those inside."""

import os
from pathlib import Path

import pytest

from imagewright.machines import idmap
from imagewright.machines.idmap import NoIds, Range, current_map, subordinate_range


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("me:100000:65536\n", Range(1, 100_000, 65_536), id="by name"),
        pytest.param(f"{os.geteuid()}:7:9\n", Range(1, 7, 9), id="by number"),
        pytest.param("you:1:9\nme:3:4\nme:5:6\nme:7:2\n", Range(1, 5, 6), id="the largest"),
        pytest.param("you:1:2\n", None, id="another's"),
        pytest.param("me:x:4\nme:1\nme\n\n# me:1:2\n", None, id="malformed"),
        pytest.param("", None, id="empty"),
    ],
)
def test_subordinate_ranges_are_read(tmp_path: Path, text: str, found: Range | None) -> None:
    file = tmp_path / "subuid"
    file.write_text(text)

    assert subordinate_range(file, "me") == found


def test_an_absent_file_has_no_range(tmp_path: Path) -> None:
    assert subordinate_range(tmp_path / "subuid", "me") is None


def test_whoever_runs_this_has_a_map_of_all_ids() -> None:
    ids = current_map()

    assert sum(r.count for r in ids.users) >= 65_536
    assert ids.users[0].inside == 0
    assert ids.by_helper == (os.geteuid() != 0)
    if os.geteuid() == 0:
        assert ids.root[0] >= 0x7000_0000
    else:
        assert ids.root[0] == os.geteuid()


@pytest.mark.parametrize("text", ["", "ordinary:100000:1000\n"])
def test_a_missing_range_names_the_file_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file = tmp_path / "subuid"
    file.write_text(text)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    monkeypatch.setattr(idmap, "_user_name", lambda: "ordinary")

    with pytest.raises(NoIds) as caught:
        idmap._own_and_subordinate(4321, file, "ordinary")

    assert str(file) in str(caught.value)
    assert "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ordinary" in str(
        caught.value
    )


def test_in_a_container_without_spare_ids_root_maps_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idmap, "_ids_here", lambda: [Range(0, 100_000, 65_536)])

    ids = idmap._map_of_root()

    assert ids.users == (Range(0, 0, 65_536),)


def test_a_missing_helper_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idmap, "ENVIRONMENT", {"PATH": "/nowhere"})
    ids = idmap.IdMap((Range(0, 1, 1),), (Range(0, 1, 1),), by_helper=True)

    with pytest.raises(NoIds, match=r"newuidmap is not installed.*apt-get install uidmap"):
        ids.write(os.getpid())


@pytest.mark.skipif(
    not Path("/usr/bin/newuidmap").exists(), reason="newuidmap (package uidmap) is not installed"
)
def test_a_refusal_of_the_helper_is_handed_on() -> None:
    ids = idmap.IdMap((Range(0, 4_000_000_000, 1),), (Range(0, 1, 1),), by_helper=True)

    with pytest.raises(NoIds, match=r"newuidmap refused the ids 0 4000000000 1: .*/etc/subuid"):
        ids.write(os.getpid())
