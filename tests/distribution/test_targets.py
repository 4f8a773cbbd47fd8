"""Which place stands for a region, and how it is reached."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.distribution.conftest import COPY
from tests.machines.lab import Lab
from tests.outside.web_server import authority
from tests.registries import PassingOn, running, standing_before

from imagewright.aws.clients import AwsClients
from imagewright.distribution.artefact import Parcel
from imagewright.distribution.targets import Targets
from imagewright.engine.ports import ActionError
from imagewright.settings import Aws, Region

WEST = "us-west-2"


def targets(
    lab: Lab,
    tmp_path: Path,
    registry: str,
    *,
    ca_bundle: Path | None = None,
    proxies: Mapping[str, str] | None = None,
) -> Targets:
    """Return the places of settings with a registry in the west."""
    return Targets(
        {WEST: Region(registry=registry)}, tmp_path / "regions", clients=AwsClients(Aws()),
        ledger=lab.ledger, timeout_seconds=30, ca_bundle=ca_bundle, proxies=proxies or {},
    )  # fmt: skip


def test_a_registry_is_pushed_to_through_the_proxy(
    lab: Lab, parcel: Parcel, tmp_path: Path
) -> None:
    asked: set[str] = set()

    class Proxy(PassingOn):
        def answer(self) -> None:
            where = urlsplit(self.path)
            asked.add(f"{where.scheme}://{where.netloc}")
            self.path = where._replace(scheme="", netloc="").geturl()
            super().answer()

    with running(tmp_path) as registry, standing_before(registry, Proxy) as proxy:
        far = "http://no-such-name.invalid"
        by = targets(lab, tmp_path, f"{far}/images", proxies={"http_proxy": f"http://{proxy}"})

        by.of(WEST).put(parcel)

        assert asked == {far}
        assert registry.manifest(COPY)["layers"]


def test_a_registry_is_trusted_by_the_authorities_of_the_settings(
    lab: Lab, parcel: Parcel, tmp_path: Path
) -> None:
    certificate, key = authority(tmp_path)
    files = {"certificate": str(certificate), "key": str(key)}
    with running(tmp_path, http={"tls": files}) as registry:
        place = f"{registry.host}/images"
        with pytest.raises(ActionError, match=r"not trusted.*sandbox\.ca_bundle"):
            targets(lab, tmp_path, place).of(WEST).put(replace(parcel, copy_id="ami-1"))

        where = targets(lab, tmp_path, place, ca_bundle=certificate).of(WEST).put(parcel)

    assert where == f"{place}/web:{COPY}"
