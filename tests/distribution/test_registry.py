"""A registry as the place of a region: Docker's own, and what others answer."""

import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import wait_until
from tests.distribution.conftest import COPY, stopped

from imagewright.distribution.artefact import Parcel
from imagewright.distribution.registry import Credentials, Registry
from imagewright.engine.ports import ActionError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Running:
    """A registry that runs."""

    host: str
    storage: Path

    def get(self, path: str, **headers: str) -> bytes:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", headers=headers)
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content

    def manifest(self, tag: str) -> Any:
        return json.loads(self.get(f"images/web/manifests/{tag}", Accept=MANIFEST))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run the registry of Debian's package docker-registry."""
    if shutil.which("docker-registry") is None:
        pytest.skip("needs the registry of Debian's package docker-registry")
    place = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(place / "storage")}},
        "http": {"addr": host},
    }
    (place / "config.yml").write_text(json.dumps(config))
    with subprocess.Popen(
        ["docker-registry", "serve", place / "config.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        running = Running(host, place / "storage")

        def answers() -> bool:
            with suppress(OSError):
                return running.get("") == b"{}"
            return False

        wait_until(answers)
        yield running
        process.terminate()


def place(registry: Running, credentials: Credentials | None = None) -> Registry:
    return Registry(f"http://{registry.host}/images", credentials, timeout_seconds=5)


def test_a_copy_is_pushed_and_says_what_it_is(registry: Running, parcel: Parcel) -> None:
    location = place(registry).put(parcel)

    assert location == f"{registry.host}/images/web:{COPY}"
    manifest = registry.manifest(COPY)
    assert manifest == registry.manifest("1.0.0-1")
    annotations = manifest["annotations"]
    assert annotations["org.opencontainers.image.title"] == "web 2026"
    assert json.loads(annotations["imagewright.image"]) == parcel.described
    assert len(manifest["layers"]) == 3


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo_pulls_a_copy(registry: Running, parcel: Parcel, tmp_path: Path) -> None:
    location = place(registry).put(parcel)

    done = subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "--src-tls-verify=false",
         f"docker://{location}", f"oci:{tmp_path}/pulled:a"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pulled" / "index.json").exists()


def test_a_copy_that_is_stopped_has_no_tag(registry: Running, parcel: Parcel) -> None:
    other = stopped(parcel)
    described = {**parcel.described, "slug": "stopped"}

    with pytest.raises(ActionError, match="stopped"):
        place(registry).put(replace(other, described=described))

    with pytest.raises(urllib.error.HTTPError):
        registry.get("images/stopped/tags/list")


def test_a_registry_that_is_away_is_named(parcel: Parcel) -> None:
    away = Registry("http://127.0.0.1:9/images", None, timeout_seconds=1)

    with pytest.raises(ActionError, match=rf"127.0.0.1:9/images/web:{COPY} is out of reach"):
        away.put(parcel)


def test_a_registry_encrypts_nothing() -> None:
    place = Registry("r.example.com/images", None, timeout_seconds=1)

    assert "cannot be encrypted with a key; a bucket can" in str(place.refusal("alias/a"))
