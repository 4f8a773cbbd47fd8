"""Builds on an image that lies in a registry."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import wait_until
from tests.distribution.conftest import COPY, packed
from tests.e2e.conftest import BUILD_SECONDS, Lab
from tests.e2e.test_builds import workflow
from tests.e2e.test_component_runs import Component, component, summary, write
from tests.images.test_pulls import WEB, between
from tests.machines.lab import Lab as Machines
from tests.registries import Running, running

from imagewright.distribution.artefact import Parcel
from imagewright.distribution.registry import Registry

__all__ = ["component"]

MAPPED = "ami-00000000000000abc"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a registry with a new image of busybox."""
    place = tmp_path_factory.mktemp("pushed")
    machines = Machines(place / "state")
    artefact = packed(machines, machines.tiny(), "oci", place / "packed")
    machines.close()
    described = {
        "imageId": COPY, "name": str(uuid4()), "slug": "web", "version": "1.0.0/1",
        "createdAt": "2026-09-09T19:19:08.103Z",
    }  # fmt: skip
    parcel = Parcel(
        copy_id=COPY, artefact=artefact, described=described, kms_key_id=None, stop=Event()
    )
    (place / "registry").mkdir()
    with running(place / "registry") as found:
        Registry(f"http://{found.host}/images", None, timeout_seconds=30).put(parcel)
        yield found


def reaching(host: str) -> dict[str, str]:
    """Return the settings with which an AMI stands for the image in a registry."""
    return {
        "IMAGEWRIGHT_PARENTS": json.dumps({MAPPED: f"{host}/{WEB}"}),
        "IMAGEWRIGHT_REGISTRIES": json.dumps({host: {"url": f"http://{host}"}}),
    }


def test_a_build_outlives_its_server_while_its_parent_is_pulled(
    lab: Lab, registry: Running
) -> None:
    released = threading.Event()

    def hang(_handler: BaseHTTPRequestHandler, _status: int, _body: bytes) -> bool:
        return released.wait(60)

    with between(registry) as server:
        server.faults = [hang]
        with lab.bench(**reaching(server.host)) as bench:
            arn = bench.start(bench.recipe(parent=MAPPED), workflows=[bench.workflow(workflow())])
            wait_until(lambda: any("GET blob" in each for each in server.seen))
            assert [*lab.state.glob("exports/*")]
            bench.server.process.kill()
            bench.server.process.wait(BUILD_SECONDS)
        released.set()
        with lab.bench(**reaching(server.host)) as bench:
            bench.built(arn)
            assert f"{server.host}/{WEB} is sha256:" in bench.log(arn)
            bench.nothing_is_left()

    assert not [*lab.state.glob("exports/*")]


def test_a_build_whose_parent_no_registry_has_says_so(lab: Lab, registry: Running) -> None:
    settings = reaching(registry.host)
    parents: dict[str, Any] = {MAPPED: f"{registry.host}/images/none:1"}
    with lab.bench(**settings | {"IMAGEWRIGHT_PARENTS": json.dumps(parents)}) as bench:
        arn = bench.start(bench.recipe(parent=MAPPED), workflows=[bench.workflow(workflow())])
        state = bench.finished(arn)["state"]

    assert state["status"] == "FAILED"
    assert f"{registry.host}/images/none:1 cannot be pulled: " in state["reason"]


def test_a_component_runs_on_an_image_of_a_registry(
    component: Component, registry: Running, tmp_path: Path
) -> None:
    made = {"path": "/made", "content": "here"}
    write(tmp_path / "app.yaml", {"name": "Make", "action": "CreateFile", "inputs": [made]})
    place = f"sandbox:{registry.host}/{WEB}"

    done = component("run", "-d", "app.yaml", "--on", place, **reaching(registry.host))

    assert done.returncode == 0, done.stderr
    assert summary(done)["status"] == "success"
