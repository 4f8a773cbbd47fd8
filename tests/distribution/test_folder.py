"""A folder as the place of a region."""

import errno
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.distribution.conftest import COPY, OTHER, another, packed, stopped
from tests.machines.lab import Lab

from imagewright.distribution.artefact import ContainerNames, Parcel
from imagewright.distribution.folder import Folder
from imagewright.engine.ports import ActionError
from imagewright.images.imports import import_oci_layout
from imagewright.machines.inside import kernel


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Folder:
    return Folder(tmp_path / "made" / "region", "oci", lab.ledger)


def test_a_copy_is_an_image_that_can_be_built_on_and_says_what_it_is(
    lab: Lab, folder: Folder, parcel: Parcel
) -> None:
    place = Path(folder.put(parcel))

    assert place.name == COPY
    assert json.loads((place / "image.json").read_text()) == parcel.described
    layer_id = import_oci_layout(lab.layers, place / "oci")
    assert lab.change(layer_id, 'test "$(cat /made)" = made')
    assert lab.ledger.entries() == []


def test_a_tar_is_a_copy_too(lab: Lab, tiny: str, parcel: Parcel, tmp_path: Path) -> None:
    artefact = packed(lab, tiny, "tar", tmp_path / "packed")
    folder = Folder(tmp_path / "region", "tar", lab.ledger)

    place = Path(folder.put(replace(parcel, artefact=artefact)))

    assert sorted(path.name for path in place.iterdir()) == ["image.json", "image.tar.gz"]
    with tarfile.open(place / "image.tar.gz") as archive:
        assert "./etc/passwd" in archive.getnames() or "etc/passwd" in archive.getnames()


def test_a_copy_that_is_there_is_left_alone(folder: Folder, parcel: Parcel) -> None:
    place = Path(folder.put(parcel))
    (place / "oci" / "index.json").write_text("mine")

    assert folder.put(parcel) == str(place)

    assert (place / "oci" / "index.json").read_text() == "mine"


def test_what_a_crash_left_is_made_anew(folder: Folder, parcel: Parcel, tmp_path: Path) -> None:
    partial = tmp_path / "made" / "region" / f".{COPY}.partial"
    (partial / "oci").mkdir(parents=True)
    (partial / "oci" / "index.json").write_text("half")

    place = Path(folder.put(parcel))

    assert json.loads((place / "oci" / "index.json").read_text())["schemaVersion"] == 2
    assert [path.name for path in place.parent.iterdir()] == [COPY]


def test_a_copy_that_is_stopped_leaves_nothing(
    lab: Lab, folder: Folder, parcel: Parcel, tmp_path: Path
) -> None:
    with pytest.raises(ActionError, match="stopped"):
        folder.put(stopped(parcel))

    assert list((tmp_path / "made" / "region").iterdir()) == []
    assert lab.ledger.entries() == []


def test_a_folder_that_cannot_be_written_is_named(lab: Lab, parcel: Parcel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = Folder(tmp_path / "file", "oci", lab.ledger)

    with pytest.raises(ActionError, match=rf"file/{COPY} cannot be written: File exists"):
        folder.put(parcel)


def test_a_folder_encrypts_nothing(folder: Folder) -> None:
    assert folder.refusal(None) is None
    assert "cannot be encrypted with a key; a bucket can" in str(folder.refusal("alias/a"))


class TestAContainerImage:
    """§7.8, IMG-52."""

    def test_is_a_layout_with_all_its_tags(
        self, lab: Lab, folder: Folder, container: Parcel, tmp_path: Path
    ) -> None:
        place = Path(folder.put(container))

        assert place == tmp_path / "made/region/team/web/1.0.0-1"
        assert container.container is not None
        assert folder.uris(container.container) == [f"oci:{place}:1.0.0-1", f"oci:{place}:latest"]
        index = json.loads((place / "index.json").read_text())["manifests"]
        assert [*(each["annotations"].popitem()[1] for each in index)] == ["1.0.0-1", "latest"]
        (for_docker,) = json.loads((place / "manifest.json").read_text())
        assert for_docker["RepoTags"] == ["team/web:1.0.0-1", "team/web:latest"]
        assert lab.change(import_oci_layout(lab.layers, place), "test -e /made")

    def test_is_left_alone_where_it_is_and_takes_the_place_of_another(
        self, lab: Lab, folder: Folder, container: Parcel, tmp_path: Path
    ) -> None:
        place = Path(folder.put(container))
        (place / "mine").touch()

        folder.put(container)
        assert (place / "mine").exists()
        folder.put(another(container))

        assert not (place / "mine").exists()
        assert json.loads((place / "image.json").read_text()) == another(container).described
        assert [path.name for path in (tmp_path / "made/region").iterdir()] == ["team"]
        assert lab.ledger.entries() == []

    def test_is_whole_at_every_moment_while_another_takes_its_place(
        self, folder: Folder, container: Parcel
    ) -> None:
        place = Path(folder.put(container))
        ended, missed = Event(), []

        def look() -> None:
            while not ended.is_set():
                try:
                    (place / "image.json").read_bytes()
                except OSError as error:
                    missed.append(error)

        reader = Thread(target=look)
        reader.start()
        for each in [another(container), container] * 5:
            folder.put(each)
        ended.set()
        reader.join()

        assert missed == []
        assert json.loads((place / "image.json").read_text()) == container.described

    @pytest.mark.parametrize("fails", [False, True], ids=["two names", "the second rename fails"])
    def test_is_replaced_by_renames_where_no_names_can_change_places(
        self,
        lab: Lab,
        folder: Folder,
        container: Parcel,
        monkeypatch: pytest.MonkeyPatch,
        fails: bool,
    ) -> None:
        place = Path(folder.put(container))

        def exchange(one: str, _other: str) -> None:
            if fails:
                Path(one).rename(f"{one}.gone")
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

        monkeypatch.setattr(kernel, "exchange", exchange)
        if fails:
            with pytest.raises(ActionError, match=r"1\.0\.0-1 cannot be written: No such file"):
                folder.put(another(container))
        else:
            folder.put(another(container))

        described = container.described if fails else another(container).described
        assert json.loads((place / "image.json").read_text()) == described
        assert (place / "oci-layout").exists()
        assert lab.ledger.entries() == []

    def test_takes_no_place_of_another_account_that_came_in_between(
        self, lab: Lab, folder: Folder, container: Parcel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place, theirs = Path(folder.put(container)), another(container, OTHER)
        exchange, written = kernel.exchange, json.dumps(theirs.described)

        def late(one: str, other: str) -> None:
            (place / "image.json").write_text(written)
            monkeypatch.undo()
            exchange(one, other)

        monkeypatch.setattr(kernel, "exchange", late)
        with pytest.raises(ActionError, match=f"is an image of the account {OTHER}"):
            folder.put(another(container))

        assert (place / "image.json").read_text() == written
        assert [path.name for path in place.parents[2].iterdir()] == ["team"]
        assert lab.ledger.entries() == []

    def test_takes_no_place_of_another_account(
        self, lab: Lab, folder: Folder, container: Parcel
    ) -> None:
        place = Path(folder.put(another(container, OTHER)))
        (place / "mine").touch()

        with pytest.raises(ActionError, match=rf"1\.0\.0-1 is an image of the account {OTHER}"):
            folder.put(container)

        assert (place / "mine").exists()
        assert json.loads((place / "image.json").read_text())["accountId"] == OTHER
        assert lab.ledger.entries() == []

    def test_does_not_lie_within_another(self, folder: Folder, container: Parcel) -> None:
        """It would go when that one is replaced."""
        outer = folder.put(container)
        names = ContainerNames(repository="team/web/1.0.0-1/blobs", tags=["2.0.0-1"])

        with pytest.raises(ActionError, match=f"written: {outer} is an image by itself"):
            folder.put(replace(another(container), container=names))

        assert not Path(outer, "blobs", "2.0.0-1").exists()

    def test_takes_no_place_of_what_is_no_image(
        self, folder: Folder, container: Parcel, tmp_path: Path
    ) -> None:
        taken = tmp_path / "made/region/team/web/1.0.0-1/mine"
        taken.mkdir(parents=True)

        with pytest.raises(ActionError, match=r"1\.0\.0-1 cannot be written: Directory not"):
            folder.put(container)

        assert taken.exists()
