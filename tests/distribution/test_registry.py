"""A registry as the place of a region: Docker's own, and what others answer."""

import hashlib
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conftest import at_best_within
from tests.distribution.conftest import COPY, stopped
from tests.machines.lab import Lab
from tests.registries import (
    MANIFEST,
    PassingOn,
    Running,
    needs_skopeo,
    running,
    standing_before,
)

from imagewright.distribution.artefact import ContainerNames, Parcel, pack
from imagewright.distribution.registry import Registry
from imagewright.engine.ports import ActionError
from imagewright.images.export_oci import OciMetadata
from imagewright.outside.registries import Credentials

BCRYPT_OF_SECRET = "$2b$04$CkqPuNpEELYONPK/cmMwguK2mwXAJADL3WoEkhMR4Hg4fLKyWGCRq"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a registry that lets everybody push."""
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a registry that lets ``me`` push, with the password ``secret``."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "users").write_text(f"me:{BCRYPT_OF_SECRET}\n")
    auth = {"htpasswd": {"realm": "ours", "path": str(folder / "users")}}
    with running(folder, auth=auth) as found:
        yield found


@contextmanager
def behind_tokens(registry: Running, given: bytes | None = None) -> Iterator[str]:
    """Pass on to a registry what carries the token that ``me`` gets here; return the host.

    ``given``: what ``me`` gets in the place of a token.
    """

    class Handler(PassingOn):
        def answer(self) -> None:
            where, wants = urlsplit(self.path), self.headers.get("Authorization")
            if where.path == "/token":
                knows = wants == Credentials("me", "secret").basic
                token = json.dumps({"token": f"for {parse_qs(where.query)['scope'][0]}"}).encode()
                self.say(200 if knows else 401, {}, token if given is None else given)
            elif wants != "Bearer for repository:all":
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = f"http://{self.headers['Host']}/token"
                asks = f'Bearer realm="{url}",service="us",scope="repository:all"'
                self.say(401, {"WWW-Authenticate": asks}, b"")
            else:
                super().answer()

    with standing_before(registry, Handler) as host:
        yield host


def place(registry: Running, credentials: Credentials | None = None) -> Registry:
    return Registry(f"http://{registry.host}/images", credentials, timeout_seconds=30)


def test_a_copy_is_pushed_and_says_what_it_is(registry: Running, parcel: Parcel) -> None:
    location = place(registry).put(parcel)

    assert location == f"{registry.host}/images/web:{COPY}"
    manifest = registry.manifest(COPY)
    assert manifest == registry.manifest("1.0.0-1")
    annotations = manifest["annotations"]
    assert annotations["org.opencontainers.image.title"] == "web 2026"
    assert json.loads(annotations["imagewright.image"]) == parcel.described
    assert len(manifest["layers"]) == 3


@needs_skopeo
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


def test_who_is_known_may_push(closed: Running, parcel: Parcel) -> None:
    place(closed, Credentials("me", "secret")).put(parcel)

    wanted = {"Authorization": Credentials("me", "secret").basic, "Accept": MANIFEST}
    assert closed.get(f"images/web/manifests/{COPY}", **wanted)


@pytest.mark.parametrize("credentials", [None, Credentials("me", "wrong")])
def test_who_is_not_known_is_refused(
    closed: Running, parcel: Parcel, credentials: Credentials | None
) -> None:
    with pytest.raises(ActionError, match=r"could not be pushed: the registry answered 401"):
        place(closed, credentials).put(replace(parcel, copy_id="ami-00000000"))


def test_a_token_is_fetched_where_the_registry_says(registry: Running, parcel: Parcel) -> None:
    copy = replace(parcel, copy_id="ami-11111111")
    with behind_tokens(registry) as host:
        known = Registry(f"http://{host}/images", Credentials("me", "secret"), timeout_seconds=30)
        known.put(copy)
        unknown = Registry(f"http://{host}/images", Credentials("me", "no"), timeout_seconds=30)
        with pytest.raises(ActionError, match="answered 401: no token"):
            unknown.put(replace(parcel, copy_id="ami-22222222"))

    assert registry.manifest("ami-11111111")["layers"]


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"token": 1}', b"\xff"])
def test_what_is_no_token_is_told(registry: Running, parcel: Parcel, answer: bytes) -> None:
    copy = replace(parcel, copy_id="ami-33333333")
    with behind_tokens(registry, answer) as host:
        known = Registry(f"http://{host}/images", Credentials("me", "secret"), timeout_seconds=30)
        with pytest.raises(ActionError, match="/token answered without a token"):
            known.put(copy)


@pytest.mark.parametrize("place", ["ftp://elsewhere/", "https://[::1", "http://127.0.0.1:x/"])
def test_a_place_for_blobs_that_is_none_is_told(
    registry: Running, parcel: Parcel, place: str
) -> None:
    class Handler(PassingOn):
        do_HEAD = partialmethod(PassingOn.say, 404, {}, b"")  # noqa: N815 - as it is called
        do_POST = partialmethod(PassingOn.say, 202, {"Location": place}, b"")  # noqa: N815 - so is this

    with standing_before(registry, Handler) as host:
        pushing = Registry(f"http://{host}/images", None, timeout_seconds=30)
        with pytest.raises(ActionError, match=r"could not be pushed: .*URL"):
            pushing.put(parcel)


def test_a_registry_that_is_away_is_named(parcel: Parcel) -> None:
    away = Registry("http://127.0.0.1:9/images", None, timeout_seconds=1)

    with pytest.raises(ActionError, match=rf"127.0.0.1:9/images/web:{COPY} is out of reach"):
        away.put(parcel)


def test_a_stop_ends_a_copy_to_a_registry_that_says_nothing(parcel: Parcel) -> None:
    def seconds_to_the_end() -> float:
        stop = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            place = f"http://127.0.0.1:{silent.getsockname()[1]}/images"
            threading.Timer(0.3, stop.set).start()
            begun = time.monotonic()
            with pytest.raises(ActionError, match="the copying was stopped"):
                Registry(place, None, timeout_seconds=60).put(replace(parcel, stop=stop))
            return time.monotonic() - begun

    at_best_within(2, seconds_to_the_end)


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io"])
def test_docker_hub_is_asked_where_it_listens(parcel: Parcel, name: str) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def listen() -> None:
            connection, _address = proxy.accept()
            with connection, connection.makefile("rb") as stream:
                asked.append(stream.readline())

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        proxies = {"https_proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}"}
        hub = Registry(f"{name}/me", None, timeout_seconds=30, proxies=proxies)

        with pytest.raises(ActionError, match=f"^docker.io/me/web:{COPY} is out of reach"):
            hub.put(parcel)
        listening.join()

    assert [line.split()[:2] for line in asked] == [[b"CONNECT", b"registry-1.docker.io:443"]]


def test_a_registry_encrypts_nothing() -> None:
    place = Registry("r.example.com/images", None, timeout_seconds=1)

    assert "cannot be encrypted with a key; a bucket can" in str(place.refusal("alias/a"))


class TestAContainerImage:
    """§7.8, IMG-52, DST-05."""

    def test_has_the_digest_of_its_layout_under_all_its_tags(
        self, registry: Running, container: Parcel
    ) -> None:
        where = place(registry).put(container)

        assert container.container is not None
        assert place(registry).uris(container.container) == [
            where, f"{registry.host}/images/team/web:latest",
        ]  # fmt: skip
        assert where == f"{registry.host}/images/team/web:1.0.0-1"
        for tag in ("1.0.0-1", "latest"):
            manifest = registry.get(f"images/team/web/manifests/{tag}", Accept=MANIFEST)
            digest = hashlib.sha256(manifest).hexdigest()
            assert f"sha256:{digest}" == container.artefact.digest

    def test_is_sent_only_where_a_tag_means_something_else(
        self, registry: Running, container: Parcel, parcel: Parcel
    ) -> None:
        told: list[int] = []
        names = ContainerNames(repository="web", tags=["1.0.0-1", "sent"])
        image = replace(container, container=names, on_bytes=told.append)
        place(registry).put(parcel)  # its manifest is another, and has the tag of the version

        place(registry).put(image)

        assert told == []  # every blob is there already
        assert "annotations" not in registry.manifest("1.0.0-1")
        place(registry).put(stopped(image))  # not a byte is sent

    def test_a_tag_that_the_registry_refuses_is_named(
        self, registry: Running, container: Parcel
    ) -> None:
        names = ContainerNames(repository="UPPER", tags=["1.0.0-1"])

        with pytest.raises(ActionError, match=r"images/UPPER:1.0.0-1 could not be pushed: .*40"):
            place(registry).put(replace(container, container=names))


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_docker_runs_what_was_pushed_as_its_configuration_says(
    registry: Running, lab: Lab, tiny: str, tmp_path: Path
) -> None:
    """§7.8: with its environment, its directory, its user and what it runs."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs a daemon of Docker that answers")
    config = {
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["echo $WORD $(pwd) $(id -u)"],
        "Env": ["WORD=said"],
        "WorkingDir": "/srv",
        "User": "12",
    }
    layer_id = lab.change(tiny, "mkdir /srv")
    packed_at = tmp_path / "packed"
    packed_at.mkdir()
    artefact = pack(
        lab.layers, layer_id, "oci", packed_at, cancel=Event(),
        metadata=OciMetadata(reference="a:1", config=config),
    )  # fmt: skip
    names = ContainerNames(repository="run", tags=["1.0.0-1"])
    where = place(registry).put(
        Parcel(
            copy_id="ctr-2", artefact=artefact, described={}, container=names, kms_key_id=None,
            stop=Event(),
        )
    )  # fmt: skip

    try:
        said = docker("run", "--rm", "--network=none", where)
    finally:
        docker("image", "rm", "--force", where)

    assert said == "said /srv 12\n"
