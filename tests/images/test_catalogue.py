"""What stands for a parent image."""

import platform
from pathlib import Path

import pytest
from tests.machines.lab import TINY, Lab, mirror

from imagewright.images.bases import Base, Bases
from imagewright.images.catalogue import Asker, Catalogue, OwnImage, UnmappedParent
from imagewright.images.export_oci import OciMetadata, export_oci
from imagewright.images.export_tar import export_tar
from imagewright.images.imports import WrongArchitecture
from imagewright.images.pulls import PullFailed, Pulls
from imagewright.images.references import Reference
from imagewright.outside.registries import Registries
from imagewright.settings import Downloads

OWN = "ami-0123456789abcdef0"
HERE, ELSEWHERE = ("x86", "arm64") if platform.machine() == "x86_64" else ("arm64", "x86")


def catalogue(
    lab: Lab,
    table: dict[str, str] | None = None,
    *,
    trusts: bool = False,
    pulls: Pulls | None = None,
) -> Catalogue:
    other = Base(name="debian-12", suite="bookworm")
    bases = Bases(
        lab.layers,
        locks=lab.state / "locks",
        table={"tiny": TINY, "debian-12": other},
        mirror=mirror,
    )
    return Catalogue(
        lab.layers,
        bases,
        table=table or {},
        own_images=lambda name, _asker: OwnImage("l-own") if name == OWN else None,
        settings_file=Path("/state/settings.toml"),
        pulls=pulls,
        trusts_paths=trusts,
    )


def with_registries(lab: Lab, place: Path, table: dict[str, str]) -> Catalogue:
    pulls = Pulls(
        lab.layers,
        Registries({}, Downloads()),
        directory=place,
        locks=place,
        ledger=lab.ledger,
        size_bytes_max=1,
        unpacked_bytes_max=1,
        settings_file=place,
    )
    return catalogue(lab, table, pulls=pulls)


@pytest.mark.parametrize(
    ("parent", "table", "description"),
    [
        pytest.param("tiny", {}, "base tiny", id="a name"),
        pytest.param(
            f"arn:aws:imagebuilder:us-east-1:aws:image/tiny-{HERE}/x.x.x", {}, "base tiny",
            id="a managed ARN",
        ),
        pytest.param(
            f"arn:aws-cn:imagebuilder:cn-north-1:aws:image/tiny-{HERE}/2026.1.1/2", {}, "base tiny",
            id="one build of it",
        ),
        pytest.param(OWN, {}, f"image {OWN}", id="an image built here"),
        pytest.param("ami-77777777", {"ami-77777777": "tiny"}, "base tiny", id="a mapped id"),
        pytest.param("ssm:/aws/al2023", {"ssm:*": "tiny"}, "base tiny", id="a pattern"),
        pytest.param("ami-77777777", {"ami-*": OWN}, f"image {OWN}", id="mapped to our own"),
        pytest.param(
            "ami-1", {"ami-*": "debian-12", "ami-1": "tiny"}, "base tiny", id="the whole name first"
        ),
        pytest.param("tiny", {"tiny": OWN}, f"image {OWN}", id="the operator has the last word"),
    ],
)  # fmt: skip
def test_a_parent_is_resolved(
    lab: Lab, parent: str, table: dict[str, str], description: str
) -> None:
    found = catalogue(lab, table).resolve(parent)

    assert found.description == description
    catalogue(lab, table).check(parent)


@pytest.mark.parametrize(
    "parent",
    [
        "ami-0a1b2c3d",
        "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x",
        "ssm:/aws/service/ami",
        "",
        "/etc/passwd",
        "/srv/image.tar",
    ],
)
def test_an_unmapped_parent_is_refused_with_the_line_to_add(lab: Lab, parent: str) -> None:
    with pytest.raises(UnmappedParent) as caught:
        catalogue(lab).resolve(parent)

    assert f"'{parent}'" in str(caught.value)
    assert f'/state/settings.toml:\n[parents]\n"{parent}" = "tiny"' in str(caught.value)
    with pytest.raises(UnmappedParent):
        catalogue(lab).check(parent)


@pytest.mark.parametrize("target", ["tinny", "tiny.tar", "~/tiny.tar", "oci:layout"])
def test_what_the_table_names_and_is_nothing_is_told_as_such(lab: Lab, target: str) -> None:
    with pytest.raises(UnmappedParent) as caught:
        catalogue(lab, {"ami-1": target}).resolve("ami-1")

    assert f"has '{target}' stand for the parent image 'ami-1'" in str(caught.value)
    assert "Add to" not in str(caught.value)


def test_a_base_for_other_processors_is_refused(lab: Lab) -> None:
    parent = f"arn:aws:imagebuilder:us-east-1:aws:image/tiny-{ELSEWHERE}/x.x.x"

    with pytest.raises(WrongArchitecture, match=f"for {ELSEWHERE}"):
        catalogue(lab).resolve(parent)


def test_a_path_serves_where_the_operator_named_it(
    lab: Lab, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = export_tar(lab.layers, tiny, tmp_path / "tiny.tar").path

    by_table = catalogue(lab, {"ami-1": str(file)}).resolve("ami-1")
    by_trust = catalogue(lab, trusts=True).resolve(str(file))
    monkeypatch.chdir(tmp_path)
    from_here = catalogue(lab, trusts=True).resolve("./tiny.tar")

    assert by_table == by_trust == from_here
    assert by_table.description == f"tar {file}"


def test_an_image_layout_keeps_its_configuration(lab: Lab, tiny: str, tmp_path: Path) -> None:
    metadata = OciMetadata(reference="a:1", config={"Cmd": ["/bin/web"]}, labels={"a": "b"})
    layout = export_oci(lab.layers, tiny, tmp_path / "layout", metadata).path
    other = OciMetadata(reference="a:1", config={"Cmd": ["/bin/other"]})
    again = export_oci(lab.layers, tiny, tmp_path / "again", other).path

    parent = catalogue(lab, trusts=True).resolve(str(layout))

    assert parent.config["Cmd"] == ["/bin/web"]
    assert parent.config["Labels"] == {"a": "b"}
    assert catalogue(lab, trusts=True).resolve(str(again)).config["Cmd"] == ["/bin/other"]
    assert catalogue(lab, trusts=True).resolve("tiny").config == {}


@pytest.mark.parametrize(
    ("parent", "table"),
    [
        ("debian:13", {}),
        ("debian", {}),
        ("public.ecr.aws/x/y:tag", {}),
        ("ami-77777777", {"ami-*": "docker.io/library/debian:13"}),
        ("ami-77777777", {"ami-*": "docker://debian"}),
    ],
)
def test_an_image_in_a_registry_is_a_parent_before_anybody_asks_the_registry(
    lab: Lab, tmp_path: Path, parent: str, table: dict[str, str]
) -> None:
    with_registries(lab, tmp_path, table).check(parent)

    with pytest.raises(UnmappedParent):
        catalogue(lab, table).check(parent)


def test_a_name_alone_in_the_table_is_no_image_of_a_registry(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UnmappedParent, match=r"docker.io/library/debian:12"):
        with_registries(lab, tmp_path, {"ami-*": "debain-12"}).check("ami-77777777")


@pytest.mark.parametrize(
    ("parent", "asker", "account"),
    [
        ("127.0.0.1:9/web:1", Asker("111111111111", "us-east-1"), "111111111111"),
        ("127.0.0.1:9/web:1", None, None),
        ("ami-77777777", Asker("111111111111", "us-east-1"), None),
    ],
    ids=["for the account that asks", "the operator's own", "the operator's table is for all"],
)
def test_an_image_is_pulled_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    parent: str, asker: Asker | None, account: str | None,
) -> None:  # fmt: skip
    asked: list[str | None] = []

    def layer(_pulls: Pulls, _reference: Reference, *, account: str | None, **_: object) -> str:
        asked.append(account)
        raise PullFailed("as far as this goes")

    monkeypatch.setattr(Pulls, "layer", layer)
    with pytest.raises(PullFailed):
        with_registries(lab, tmp_path, {"ami-*": "127.0.0.1:9/web:1"}).resolve(parent, asker=asker)

    assert asked == [account]
