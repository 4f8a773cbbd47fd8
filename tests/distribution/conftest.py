"""Real layers, packed and ready to go to real places."""

from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from tests.machines.conftest import lab, state, tiny
from tests.machines.lab import Lab

from imagewright.distribution.artefact import Artefact, ContainerNames, Form, Parcel, pack
from imagewright.images.export_oci import OciMetadata

__all__ = ["lab", "state", "tiny"]

COPY = "ami-0123456789abcdef0"
OWN = "000000000000"
OTHER = "111111111111"


def packed(lab: Lab, layer_id: str, form: Form, place: Path) -> Artefact:
    """Pack a layer."""
    place.mkdir()
    metadata = OciMetadata(reference="a:1")
    return pack(lab.layers, layer_id, form, place, metadata=metadata, cancel=Event())


@pytest.fixture(scope="session")
def artefact(lab: Lab, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    """Return an image of three layers as an OCI layout."""
    layer_id = lab.change(tiny, "echo made > /made")
    return packed(lab, layer_id, "oci", tmp_path_factory.mktemp("packed") / "oci")


@pytest.fixture
def parcel(artefact: Artefact) -> Parcel:
    """Return that image on its way."""
    described = {
        "imageId": COPY,
        "name": "web 2026",
        "description": "Ærlig",
        "slug": "web",
        "version": "1.0.0/1",
        "createdAt": "2026-09-09T19:19:08.103Z",
        "digest": artefact.digest,
    }
    return Parcel(
        copy_id=COPY, artefact=artefact, described=described, kms_key_id=None, stop=Event()
    )


@pytest.fixture
def container(artefact: Artefact) -> Parcel:
    """Return that image as a container image, on its way."""
    described = {"imageId": "ctr-0123456789abcdef0", "version": "1.0.0/1", "accountId": OWN}
    names = ContainerNames(repository="team/web", tags=["1.0.0-1", "latest"])
    return Parcel(
        copy_id=described["imageId"],
        artefact=artefact,
        described=described,
        container=names,
        kms_key_id=None,
        stop=Event(),
    )


def another(container: Parcel, account: str = OWN) -> Parcel:
    """Return another container image of the same names."""
    described = {"imageId": "ctr-1123456789abcdef0", "version": "1.0.0/1", "accountId": account}
    return replace(container, copy_id=described["imageId"], described=described)


def stopped(parcel: Parcel) -> Parcel:
    """Return a parcel whose step is to end."""
    stop = Event()
    stop.set()
    return replace(parcel, stop=stop)
