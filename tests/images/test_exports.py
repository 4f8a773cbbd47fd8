"""Images as OCI layouts and tars, read back by other programs and by ourselves."""

import gzip
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.machines.lab import Lab, sh
from tests.registries import needs_skopeo

from imagewright.images.arrival import ExportFailed
from imagewright.images.contents import Change, changes, read_files, summed_up
from imagewright.images.export_oci import OciMetadata, export_oci
from imagewright.images.export_tar import export_tar
from imagewright.images.imports import ImportFailed, import_oci_layout, import_tar
from imagewright.images.layers import LayerOptions, LayerStore
from imagewright.machines.sandbox import ENVIRONMENT
from imagewright.process import run

METADATA = OciMetadata(reference="tiny:1", labels={"made": "here"})

SCRIPT = r"""
mkdir /made /made/deep
echo content > /made/deep/file; chown 12:34 /made/deep/file; chmod 4710 /made/deep/file
ln /made/deep/file /made/twin
ln -s ../etc/passwd /made/link
mkfifo /made/fifo
printf x > "/made/$(printf 'odd\377name')"
printf y > "/made/$(printf 'n%.0s' $(seq 200))"
rm /var/old/file
rm -r /etc/apt; mkdir /etc/apt; touch /etc/apt/new
touch /etc/passwd
"""
LISTING = (
    "cd /; find made etc/apt var/old -print | sort; stat -c '%a %u:%g %h %s' made/deep/file;"
    "readlink made/link; cat made/twin; test -p made/fifo"
)


@pytest.fixture(scope="module")
def image(lab: Lab, tiny: str) -> str:
    return lab.change(tiny, SCRIPT)


def seen_in(lab: Lab, layer_id: str) -> tuple[int, str]:
    machine = lab.launch(layer_id)
    try:
        return sh(machine, LISTING)
    finally:
        machine.terminate()


def test_an_oci_layout_comes_back_as_the_same_files(lab: Lab, image: str, tmp_path: Path) -> None:
    written = export_oci(lab.layers, image, tmp_path / "layout", METADATA)

    again = import_oci_layout(lab.layers, written.path)

    assert seen_in(lab, image)[0] == 0
    assert seen_in(lab, again) == seen_in(lab, image)
    assert import_oci_layout(lab.layers, written.path) == again


def test_a_tar_comes_back_as_the_same_files(lab: Lab, image: str, tmp_path: Path) -> None:
    plain = export_tar(lab.layers, image, tmp_path / "image.tar")
    packed = export_tar(lab.layers, image, tmp_path / "image.tar.gz")

    again = import_tar(lab.layers, packed.path)

    assert seen_in(lab, again) == seen_in(lab, image)
    assert packed.size_bytes < plain.size_bytes == plain.path.stat().st_size
    assert packed.path.read_bytes()[:2] == b"\x1f\x8b"


def test_an_oci_layout_has_the_layers_with_their_whiteouts(
    lab: Lab, image: str, tmp_path: Path
) -> None:
    written = export_oci(lab.layers, image, tmp_path / "layout", METADATA)

    blobs = written.path / "blobs" / "sha256"
    manifest = json.loads((blobs / written.digest.removeprefix("sha256:")).read_text())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    with tarfile.open(blobs / manifest["layers"][-1]["digest"][7:]) as top:
        names = top.getnames()
    assert len(manifest["layers"]) == len(lab.layers.chain(image)) == 3
    assert len(config["rootfs"]["diff_ids"]) == 3
    (for_docker,) = json.loads((written.path / "manifest.json").read_text())
    assert for_docker["RepoTags"] == [METADATA.reference]
    assert for_docker["Config"] == f"blobs/sha256/{manifest['config']['digest'][7:]}"
    assert all((written.path / layer).is_file() for layer in for_docker["Layers"])
    assert {"var/old/.wh.file", "etc/apt/.wh..wh..opq", "etc/apt/new", "made/link"} <= set(names)
    assert not any(name.startswith(("proc", "dev", "run", "sys")) for name in names)
    assert written.size_bytes == sum(blob.stat().st_size for blob in blobs.iterdir())


def test_the_same_image_gives_the_same_digest(lab: Lab, image: str, tmp_path: Path) -> None:
    first = export_oci(lab.layers, image, tmp_path / "one", METADATA)
    second = export_oci(lab.layers, image, tmp_path / "two", METADATA)

    assert first.digest == second.digest


PATH = f"PATH={ENVIRONMENT['PATH']}"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (
            OciMetadata(reference="a").config,
            {"Env": [PATH], "Cmd": ["/bin/sh"], "Labels": {"made": "here"}},
        ),
        ({}, {"Env": [PATH], "Labels": {"made": "here"}}),
        ({"Env": None, "Labels": None}, {"Env": [PATH], "Labels": {"made": "here"}}),
        (
            {"Env": ["A=1", "PATH=/own"], "Labels": {"made": "there", "imagewright.image": "old"}},
            {
                "Env": ["A=1", "PATH=/own"],
                "Labels": {"made": "there", "imagewright.image": "old"},
            },
        ),
        (
            {"Entrypoint": ["/e"], "User": "me", "Healthcheck": {"Test": ["NONE"]}, "Env": ["A=1"]},
            {
                "Env": [PATH, "A=1"],
                "Entrypoint": ["/e"],
                "User": "me",
                "Healthcheck": {"Test": ["NONE"]},
                "Labels": {"made": "here"},
            },
        ),
    ],
)
def test_a_layout_says_how_containers_of_it_are_run(
    lab: Lab, tiny: str, tmp_path: Path, said: Mapping[str, Any], written: Mapping[str, Any]
) -> None:
    metadata = OciMetadata(reference="tiny:1", config=said, labels={"made": "here"})

    export_oci(lab.layers, tiny, tmp_path / "layout", metadata)

    assert config_of(tmp_path / "layout") == written


def test_which_build_made_an_image_is_said_whatever_it_was_built_on(
    lab: Lab, tiny: str, tmp_path: Path
) -> None:
    config = {"Labels": {"imagewright.image": "the parent", "version": "its own"}}
    labels = {"imagewright.image": "this", "version": "ours"}

    export_oci(
        lab.layers,
        tiny,
        tmp_path / "layout",
        OciMetadata(reference="a", config=config, labels=labels),
    )

    wanted = {"imagewright.image": "this", "version": "its own"}
    assert config_of(tmp_path / "layout")["Labels"] == wanted


def config_of(layout: Path) -> Any:
    (manifest,) = json.loads((layout / "manifest.json").read_text())
    return json.loads((layout / manifest["Config"]).read_text())["config"]


@needs_skopeo
def test_skopeo_loads_the_layout(lab: Lab, image: str, tmp_path: Path) -> None:
    written = export_oci(lab.layers, image, tmp_path / "layout", METADATA)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    run(
        ["skopeo", "--insecure-policy", "copy", f"oci:{written.path}:tiny:1",
         f"docker-archive:{tmp_path}/archive.tar:tiny:1"],
        timeout_seconds=60, env=environment,
    )  # fmt: skip

    with tarfile.open(tmp_path / "archive.tar") as archive:
        content = archive.extractfile("manifest.json")
        assert content is not None
        manifest = json.load(content)
    assert manifest[0]["RepoTags"] == ["docker.io/library/tiny:1"]
    assert len(manifest[0]["Layers"]) == 3


def test_nothing_is_overwritten_and_nothing_half_written_stays(
    lab: Lab, image: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()

    with pytest.raises(ExportFailed, match="there already"):
        export_oci(lab.layers, image, tmp_path / "taken", METADATA)
    with pytest.raises(ExportFailed, match="there already"):
        export_tar(lab.layers, image, tmp_path / "taken" / "file")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_changes_list_what_a_build_did(lab: Lab, tiny: str, image: str) -> None:
    found = changes(lab.layers, image, tiny)

    kinds = {change.path: change.kind for change in found}
    assert Change("/made/deep/file", "added", 8) in found
    assert kinds["/var/old/file"] == "deleted"
    assert kinds["/etc/passwd"] == "changed"
    assert kinds["/etc/apt/new"] == "added"
    assert "/var" not in kinds
    assert [kind for kind, _count, _size in summed_up(found)] == ["added", "changed", "deleted"]
    assert changes(lab.layers, tiny, tiny) == []


def test_a_link_in_an_image_leads_to_no_file_of_the_host(lab: Lab, tiny: str) -> None:
    layer_id = lab.change(tiny, "ln -s /../../../../../../../etc/os-release /leak")

    with lab.layers.namespace() as namespace:
        content = read_files(namespace, lab.layers.stack(layer_id), ["/leak"])["/leak"]

    assert content == b'NAME="Tiny"\nVERSION_ID="1"\n'


def tar_with(path: Path, *members: tuple[str, Mapping[str, object]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, attributes in members:
            info = tarfile.TarInfo(name)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info)
    return path


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param([("../escape", {})], "leads out", id="dots"),
        pytest.param([("a/../../escape", {})], "leads out", id="dots within"),
        pytest.param(
            [("a", {"type": tarfile.LNKTYPE, "linkname": "../x"})], "leads out", id="a link's dots"
        ),
        pytest.param([("a", {"uid": 3_000_000})], "ids up to 65535", id="a large owner"),
    ],
)
def test_a_hostile_tar_is_refused(
    lab: Lab, tmp_path: Path, members: list[tuple[str, dict[str, object]]], reason: str
) -> None:
    before = lab.directories()

    with pytest.raises(ImportFailed, match=reason):
        import_tar(lab.layers, tar_with(tmp_path / "hostile.tar", *members))

    assert lab.directories() == before


def bomb(path: Path, *, kind: bytes = tarfile.REGTYPE, mib: int) -> Path:
    """Write a small tar with one member of so many MiB, all zero."""
    header = tarfile.TarInfo("bomb")
    header.type, header.size = kind, mib << 20
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT))
        for _number in range(mib):
            file.write(bytes(1 << 20))
        file.write(bytes(1024))
    return path


def test_a_tar_that_would_fill_the_disk_is_stopped(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, file = lab.directories(), bomb(tmp_path / "bomb.tar.gz", mib=8)
    layers = LayerStore(
        lab.layers.directory, lab.database, lab.ledger,
        options=LayerOptions(free_bytes_min=1 << 62),
    )  # fmt: skip
    monkeypatch.setattr(layers, "require_room", lambda *_args, **_named: None)

    with pytest.raises(ImportFailed, match=r"no room to unpack .*layers\.free_bytes_min.*prune`"):
        import_tar(layers, file)

    assert lab.directories() == before
    assert import_tar(lab.layers, file)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_tar_whose_headers_would_fill_the_memory_is_refused(
    lab: Lab, tmp_path: Path, kind: bytes
) -> None:
    file = bomb(tmp_path / "bomb.tar.gz", kind=kind, mib=5)

    with pytest.raises(ImportFailed, match="the archive has a header of 5,242,880 bytes"):
        import_tar(lab.layers, file)


def test_a_tar_that_writes_through_its_own_link_stays_inside(lab: Lab, tmp_path: Path) -> None:
    directory = {"type": tarfile.DIRTYPE, "mode": 0o755}
    link = {"type": tarfile.SYMTYPE, "linkname": str(tmp_path)}
    members: list[tuple[str, Mapping[str, object]]] = [
        (str(tmp_path)[1:], directory),
        ("out", link),
        ("out/escaped", {}),
    ]
    file = tar_with(tmp_path / "link.tar", *members)

    layer_id = import_tar(lab.layers, file)

    assert not (tmp_path / "escaped").exists()
    with lab.layers.namespace() as namespace:
        stack = lab.layers.stack(layer_id)
        escaped = f"{tmp_path}/escaped"
        assert read_files(namespace, stack, [escaped]) == {escaped: b""}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"no archive at all" * 100, "no tar archive", id="something else"),
        pytest.param(b"\x1f\x8b" + b"\0" * 100, "tar archive|damaged", id="a broken gzip"),
        pytest.param(b"", "no tar archive", id="nothing"),
    ],
)
def test_what_is_no_tar_is_refused(lab: Lab, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(content)

    with pytest.raises(ImportFailed, match=reason):
        import_tar(lab.layers, file)


def test_a_truncated_tar_is_refused(lab: Lab, image: str, tmp_path: Path) -> None:
    whole = export_tar(lab.layers, image, tmp_path / "image.tar.gz").path.read_bytes()
    file = tmp_path / "half.tar.gz"
    file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ImportFailed, match="damaged"):
        import_tar(lab.layers, file)


def test_a_damaged_blob_of_a_layout_is_refused(lab: Lab, image: str, tmp_path: Path) -> None:
    written = export_oci(lab.layers, image, tmp_path / "layout", METADATA)
    blobs = sorted((written.path / "blobs" / "sha256").iterdir(), key=lambda p: p.stat().st_size)
    blobs[-1].write_bytes(b"something else")

    with pytest.raises(ImportFailed, match="damaged"):
        import_oci_layout(lab.layers, written.path)


def test_what_is_no_layout_is_refused(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="no OCI image layout"):
        import_oci_layout(lab.layers, tmp_path)
    with pytest.raises(ImportFailed, match="cannot be read: No such file"):
        import_tar(lab.layers, tmp_path / "absent.tar")


def test_an_import_that_is_cancelled_leaves_nothing(lab: Lab, image: str, tmp_path: Path) -> None:
    other = OciMetadata(reference="tiny:1", labels={"made": "for this test"})
    written = export_oci(lab.layers, image, tmp_path / "layout", other)
    there, cancel = lab.directories(), Event()
    cancel.set()

    with pytest.raises(ImportFailed, match="unpack was cancelled"):
        import_oci_layout(lab.layers, written.path, cancel=cancel)

    assert lab.directories() == there
    assert import_oci_layout(lab.layers, written.path)
