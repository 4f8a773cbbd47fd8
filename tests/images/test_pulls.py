"""Images pulled from a real registry, and from one with a troublemaker before it."""

import hashlib
import json
import platform
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.conftest import at_best_within
from tests.distribution.conftest import OTHER, OWN, artefact, parcel
from tests.distribution.test_registry import BCRYPT_OF_SECRET, behind_tokens
from tests.machines.lab import Lab, sh
from tests.outside.web_server import authority
from tests.registries import Running, running

from imagewright.distribution.artefact import Artefact, Parcel
from imagewright.distribution.registry import Registry
from imagewright.images.bases import Progress
from imagewright.images.imports import ImportFailed, WrongArchitecture, config_of
from imagewright.images.pulls import PullFailed, Pulls
from imagewright.images.references import Reference, read_reference
from imagewright.oci import DOCKER_INDEX, INDEX
from imagewright.oci import DOCKER_MANIFEST as DOCKER
from imagewright.outside.registries import Credentials, Registries
from imagewright.settings import Downloads
from imagewright.settings import Registry as Named

__all__ = ["artefact", "parcel"]

HERE, ELSEWHERE = ("amd64", "arm64") if platform.machine() == "x86_64" else ("arm64", "amd64")
WEB = "images/web:1.0.0-1"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def pushed(registry: Running, parcel: Parcel) -> Running:
    """Return a registry with an image of three layers."""
    Registry(f"http://{registry.host}/images", None, timeout_seconds=30).put(parcel)
    return registry


@dataclass
class Pulling:
    """Pulls into the lab's layers, and what was told of it."""

    pulls: Pulls
    lab: Lab
    told: list[Progress] = field(default_factory=list)

    def __call__(self, text: str, cancel: Event | None = None, account: str | None = None) -> str:
        return self.pulls.layer(
            reference(text), account=account, on_progress=self.told.append, cancel=cancel
        )

    @property
    def notices(self) -> str:
        return "\n".join(each.line for each in self.told if each.is_notice)

    def refusal(self, text: str, account: str | None = None) -> str:
        with pytest.raises(PullFailed) as caught:
            self(text, account=account)
        return str(caught.value)


def reference(text: str) -> Reference:
    found = read_reference(text)
    assert found is not None
    return found


@pytest.fixture
def pulling(lab: Lab, tmp_path: Path) -> Iterator[Callable[..., Pulling]]:
    """Return what pulls, with registries as the settings name them; nothing may be left over."""

    def make(
        *hosts: str,
        ca_bundle: Path | None = None,
        size_bytes_max: int = 1 << 30,
        unpacked_bytes_max: int = 1 << 30,
        **named: Named,
    ) -> Pulling:
        known = {host: Named(url=f"http://{host}") for host in hosts} | named
        downloads = Downloads(timeout_seconds=30)
        pulls = Pulls(
            lab.layers,
            Registries(known, downloads, ca_bundle=ca_bundle),
            directory=tmp_path / "exports",
            locks=tmp_path / "locks",
            ledger=lab.ledger,
            size_bytes_max=size_bytes_max,
            unpacked_bytes_max=unpacked_bytes_max,
            settings_file=Path("/state/settings.toml"),
            pause_seconds=0.01,
        )
        return Pulling(pulls, lab)

    yield make
    assert not [*tmp_path.glob("exports/*")]
    assert not lab.ledger.entries()


def asked(host: str, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
    connection = HTTPConnection(host)
    connection.request(method, path, body=body or None, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status < 300, (answer.status, path)
    return answer


def put_blob(host: str, content: Json) -> Json:
    """Put a blob into the repository ``images/web`` by hand; return its descriptor."""
    data = json.dumps(content).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    begun = asked(host, "POST", "/v2/images/web/blobs/uploads/")
    where = begun.headers["Location"].partition(host)[2]
    asked(host, "PUT", f"{where}&digest={digest}", data)
    media_type = "application/vnd.oci.image.config.v1+json"
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def put_manifest(host: str, tag: str, manifest: Json) -> Json:
    data = json.dumps(manifest).encode()
    media_type = manifest["mediaType"]
    asked(host, "PUT", f"/v2/images/web/manifests/{tag}", data, **{"Content-Type": media_type})
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def config_blob(artefact: Artefact, manifest: Json) -> Json:
    digest = manifest["config"]["digest"].partition(":")[2]
    content: Json = json.loads((artefact.root / "oci" / "blobs" / "sha256" / digest).read_bytes())
    return content


def variant(registry: Running, artefact: Artefact, tag: str, **changes: Any) -> Json:
    """Put the image once more with another configuration; return the descriptor."""
    manifest = registry.manifest("1.0.0-1")
    config = put_blob(registry.host, {**config_blob(artefact, manifest), **changes})
    return put_manifest(registry.host, tag, {**manifest, "config": config})


def test_an_image_is_pulled_once_with_its_configuration(
    pushed: Running, pulling: Callable[..., Pulling]
) -> None:
    pull = pulling(pushed.host)

    layer_id = pull(f"{pushed.host}/{WEB}")
    again = pull(f"{pushed.host}/{WEB}")
    by_digest = pull(f"{pushed.host}/images/web@{pull.told[-1].line.split()[2].rstrip(',')}")

    assert layer_id == again == by_digest
    machine = pull.lab.launch(layer_id)
    assert sh(machine, "cat /made") == (0, "made")
    machine.terminate()
    assert config_of(pull.lab.layers, layer_id)["Cmd"] == ["/bin/sh"]
    assert "it was pulled\n" in pull.notices
    assert pull.notices.endswith("which was pulled before")


def test_of_an_index_the_image_of_this_host_is_chosen(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    ours = variant(pushed, artefact, "ours", config={"Env": ["WHICH=ours"]})
    theirs = variant(pushed, artefact, "theirs", architecture=ELSEWHERE)
    entries = [
        {**theirs, "platform": {"os": "linux", "architecture": ELSEWHERE}},
        {**theirs, "platform": {"os": "unknown", "architecture": "unknown"}},
        {**ours, "platform": {"os": "linux", "architecture": HERE}},
    ]
    both = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    put_manifest(pushed.host, "both", both)
    put_manifest(
        pushed.host, "nested", both | {"manifests": [put_manifest(pushed.host, "b", both)]}
    )
    put_manifest(pushed.host, "away", both | {"manifests": entries[:2]})
    pull = pulling(pushed.host)

    layer_id = pull(f"{pushed.host}/images/web:both")

    assert config_of(pull.lab.layers, layer_id) == {"Env": ["WHICH=ours"]}
    assert pull(f"{pushed.host}/images/web:nested") == layer_id
    for tag in ("away", "theirs"):
        with pytest.raises(WrongArchitecture, match=f"linux/{ELSEWHERE}, and this host's sandbox"):
            pull(f"{pushed.host}/images/web:{tag}")


def test_images_as_docker_pushes_them_are_pulled(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    manifest = pushed.manifest("1.0.0-1")
    docker = "application/vnd.docker"
    config = put_blob(pushed.host, {**config_blob(artefact, manifest), "config": None})
    layers = [
        {**each, "mediaType": f"{docker}.image.rootfs.diff.tar.gzip"}
        for each in manifest["layers"]
    ]  # fmt: skip
    own = {
        "schemaVersion": 2,
        "mediaType": DOCKER,
        "config": {**config, "mediaType": f"{docker}.container.image.v1+json"},
        "layers": layers,
    }
    entry = put_manifest(pushed.host, "docker", own)
    entries = [{**entry, "platform": {"os": "linux", "architecture": HERE}}]
    index = {"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": entries}
    put_manifest(pushed.host, "docker-index", index)
    pull = pulling(pushed.host)

    layer_id = pull(f"{pushed.host}/images/web:docker-index")

    assert layer_id == pull(f"{pushed.host}/images/web:docker")
    assert config_of(pull.lab.layers, layer_id) == {}


def test_layers_packed_with_zstd_are_refused_before_they_are_pulled(
    pushed: Running, pulling: Callable[..., Pulling]
) -> None:
    manifest = pushed.manifest("1.0.0-1")
    manifest["layers"][1]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+zstd"
    put_manifest(pushed.host, "zstd", manifest)

    with pytest.raises(ImportFailed, match=f"gzip docker://{pushed.host}/images/web:zstd oci:"):
        pulling(pushed.host)(f"{pushed.host}/images/web:zstd")


@dataclass
class Between:
    """A server before a registry that does otherwise when told to."""

    host: str = ""
    seen: list[str] = field(default_factory=list)
    """Method, last part of the path, and range."""
    faults: list[Callable[[BaseHTTPRequestHandler, int, bytes], bool]] = field(default_factory=list)
    """The first is asked what to do with an answer; it says whether it did, and is gone then."""
    manifests: dict[str, bytes] = field(default_factory=dict)
    """By their digests, those that the registry itself might not take."""
    passes_on: frozenset[str] = frozenset({"Accept", "Range"})
    """These of what is asked with."""
    down: int = 0
    """What it answers to everything; 0: it passes on."""


@contextmanager
def between(registry: Running) -> Iterator[Between]:
    state = Between()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            wanted = self.headers.get("Range", "")
            kind = "blob" if "/blobs/" in self.path else self.path.rpartition("/")[2]
            state.seen.append(f"{self.command} {kind} {wanted}".strip())
            if state.down:
                self.send_response(state.down)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if (manifest := state.manifests.get(kind)) is not None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(manifest)))
                self.end_headers()
                self.wfile.write(manifest)
                return
            connection = HTTPConnection(registry.host)
            kept = {n: v for n, v in self.headers.items() if n in state.passes_on}
            connection.request(self.command, self.path, headers=kept)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if kind == "blob" and state.faults and state.faults[0](self, answer.status, body):
                state.faults.pop(0)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in {"connection", "date"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = answer  # noqa: N815 - as they are called

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.host = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def cut(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> bool:
    """Send half of a large blob."""
    if len(body) < 10_000:
        return False
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    return True


def damage(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> bool:
    """Send as many other bytes."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(bytes(len(body)))
    return True


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        pytest.param([{}] * 251, "has 251 layers, and 250 can be unpacked at most", id="many"),
        pytest.param([{}, "layer"], "has layers that are none", id="no objects"),
    ],
)
def test_layers_that_cannot_be_unpacked_are_refused_before_they_are_pulled(
    pushed: Running, pulling: Callable[..., Pulling], layers: list[Any], why: str
) -> None:
    manifest = pushed.manifest("1.0.0-1")
    first = manifest["layers"][0]
    described = [{**first, **each} if isinstance(each, dict) else each for each in layers]
    data = json.dumps({**manifest, "layers": described}).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    with between(pushed) as server:
        server.manifests[digest] = data

        with pytest.raises(ImportFailed, match=why):
            pulling(server.host)(f"{server.host}/images/web@{digest}")

    assert server.seen == [f"GET {digest}"]


def another(pushed: Running, artefact: Artefact, tag: str) -> str:
    """Put an image that was not pulled yet; return what follows the host."""
    variant(pushed, artefact, tag, config={"Labels": {"tag": tag}})
    return f"images/web:{tag}"


def test_a_blob_that_breaks_off_goes_on_where_it_was(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    image = another(pushed, artefact, "cut")
    with between(pushed) as server:
        server.faults = [cut, cut]
        pulling(server.host)(f"{server.host}/{image}")

    parts = [each for each in server.seen if each.startswith("GET blob bytes=")]
    begun = [each for each in parts if each.endswith("=0-")]
    assert len(begun) == 4
    assert len(parts) == 6


def test_a_blob_that_breaks_off_comes_again_from_a_registry_without_ranges(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    image = another(pushed, artefact, "whole")
    with between(pushed) as server:
        server.faults, server.passes_on = [cut], frozenset({"Accept"})
        pull = pulling(server.host)
        assert pull(f"{server.host}/{image}")

    assert "came damaged" not in pull.notices
    assert sum(each.startswith("GET blob bytes=") for each in server.seen) == 5


def test_what_comes_damaged_is_got_again_and_then_refused(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    image = another(pushed, artefact, "damaged")
    with between(pushed) as server:
        pull = pulling(server.host)
        server.faults = [damage, damage]
        assert "is something else" in pull.refusal(f"{server.host}/{image}")
        server.faults = [damage]
        assert pull(f"{server.host}/{image}")

    assert "came damaged (try 1 of 2)" in pull.notices


def test_a_tag_is_asked_for_anew_and_serves_as_before_without_its_registry(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    another(pushed, artefact, "moving")
    with between(pushed) as server:
        text = f"{server.host}/images/web:moving"
        pull = pulling(server.host)
        first = pull(text)
        server.seen.clear()
        assert pull(text) == first
        assert server.seen == ["HEAD moving"]
        variant(pushed, artefact, "moving", config={"Labels": {"is": "new"}})
        second = pull(text)
        assert second != first
        server.down = 503
        assert pull(text) == second
        assert "answered 503" in pull.notices
    assert pull(text) == second
    assert "is out of reach: Connection refused" in pull.notices
    assert "What it meant before serves: sha256:" in pull.notices
    assert "is out of reach" in pull.refusal(f"{server.host}/images/web:other")


def test_a_manifest_that_is_another_than_was_asked_for_is_refused(
    pushed: Running, pulling: Callable[..., Pulling]
) -> None:
    with between(pushed) as server:
        wanted = f"sha256:{'1' * 64}"
        server.manifests[wanted] = b"{}"

        message = pulling(server.host).refusal(f"{server.host}/images/web@{wanted}")

    assert "the registry has sha256:44136fa3" in message
    assert f"in the place of {wanted}" in message


def test_who_may_pull_is_asked_for(
    pushed: Running, parcel: Parcel, pulling: Callable[..., Pulling], tmp_path: Path
) -> None:
    def named(host: str, password: str) -> Named:
        return Named(url=f"http://{host}", username="me", password=password)

    (tmp_path / "users").write_text(f"me:{BCRYPT_OF_SECRET}\n")
    auth = {"htpasswd": {"realm": "ours", "path": str(tmp_path / "users")}}
    with running(tmp_path, auth=auth) as closed:
        place = f"http://{closed.host}/images"
        Registry(place, Credentials("me", "secret"), timeout_seconds=30).put(
            replace(parcel, described={**parcel.described, "name": "closed"})
        )
        text = f"{closed.host}/{WEB}"
        refused = pulling(closed.host).refusal(text)
        wrong = pulling(**{closed.host: named(closed.host, "wrong")}).refusal(text)
        assert pulling(**{closed.host: named(closed.host, "secret")})(text)
    with behind_tokens(pushed) as host:
        unknown = pulling(**{host: named(host, "wrong")}).refusal(f"{host}/{WEB}")
        assert pulling(**{host: named(host, "secret")})(f"{host}/{WEB}")

    entry = f'[registries."{closed.host}"] in /state/settings.toml'
    assert f"username and password below {entry} say who pulls" in refused
    assert f"does not let the username of {entry} have it" in wrong
    assert "/token answered 401: no token" in unknown


def test_only_the_accounts_that_are_named_pull_with_a_password(
    pushed: Running, parcel: Parcel, pulling: Callable[..., Pulling], tmp_path: Path
) -> None:
    """What is here already, by its tag or its digest, is no way around it."""
    (tmp_path / "users").write_text(f"me:{BCRYPT_OF_SECRET}\n")
    auth = {"htpasswd": {"realm": "ours", "path": str(tmp_path / "users")}}
    with running(tmp_path, auth=auth) as closed:
        place, text = f"http://{closed.host}/images", f"{closed.host}/{WEB}"
        Registry(place, Credentials("me", "secret"), timeout_seconds=30).put(parcel)
        named = Named(
            url=f"http://{closed.host}", username="me", password="secret", accounts=(OWN,)
        )
        pull = pulling(**{closed.host: named})
        layer_id = pull(text, account=OWN)
        digest = pull.told[-1].line.split()[2].rstrip(",;")
        by_tag = pull.refusal(text, OTHER)
        by_digest = pull.refusal(f"{closed.host}/images/web@{digest}", OTHER)
        assert pull(text) == layer_id
    with_none = pull.refusal(text, OTHER)
    open_to_all = Named(
        url=f"http://{pushed.host}", username="me", password="secret", accounts=(OWN,)
    )

    assert pulling(**{pushed.host: open_to_all})(f"{pushed.host}/{WEB}", account=OTHER)
    entry = f'[registries."{closed.host}"] in /state/settings.toml'
    for refused in (by_tag, by_digest):
        assert f"accounts below {entry} does not name the account {OTHER}" in refused
    assert f"{closed.host} is out of reach" in with_none
    assert pull(text, account=OWN) == layer_id


def test_an_image_is_pulled_only_if_it_is_small_enough_unpacked(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling], lab: Lab
) -> None:
    variant(pushed, artefact, "large", config={"Labels": {"is": "large"}})
    text, before = f"{pushed.host}/images/web:large", lab.directories()

    with pytest.raises(ImportFailed) as refused:
        pulling(pushed.host, unpacked_bytes_max=1 << 20)(text)

    assert f"{text} takes more than 1.0 MiB once it is unpacked" in str(refused.value)
    assert "downloads.unpacked_bytes_max" in str(refused.value)
    assert lab.directories() == before
    assert pulling(pushed.host)(text)


def test_a_mirror_stands_in_for_a_registry(
    registry: Running, parcel: Parcel, pulling: Callable[..., Pulling]
) -> None:
    Registry(f"http://{registry.host}/hub/library", None, timeout_seconds=30).put(parcel)
    mirror = Named(url=f"http://{registry.host}/hub")

    assert pulling(**{"docker.io": mirror})("web:1.0.0-1")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("images/web:absent", "has no such image, or does not show it"),
        ("images/none:1", "has no such image, or does not show it"),
        (f"images/web@sha256:{'0' * 64}", "has no such image, or does not show it"),
        (f"images/web@sha512:{'0' * 128}", "a digest that is none of sha256"),
    ],
)
def test_what_is_not_there_is_told(
    pushed: Running, pulling: Callable[..., Pulling], image: str, why: str
) -> None:
    assert why in pulling(pushed.host).refusal(f"{pushed.host}/{image}")


def test_a_host_of_its_own_is_reached_only_where_the_settings_name_it(
    pushed: Running, pulling: Callable[..., Pulling]
) -> None:
    message = pulling().refusal(f"{pushed.host}/{WEB}")

    assert "127.0.0.1 is a loopback address" in message
    assert f'unless the settings name the registry: [registries."{pushed.host}"]' in message


def test_tls_is_spoken_unless_the_settings_say_otherwise(
    pushed: Running, parcel: Parcel, pulling: Callable[..., Pulling], tmp_path: Path
) -> None:
    message = pulling(**{pushed.host: Named()}).refusal(f"{pushed.host}/{WEB}")
    certificate, key = authority(tmp_path)
    files = {"certificate": str(certificate), "key": str(key)}
    with running(tmp_path, http={"tls": files}) as served:
        host = served.host
        Registry(f"{host}/images", None, timeout_seconds=30, ca_bundle=certificate).put(parcel)
        untrusted = pulling(**{host: Named()}).refusal(f"{host}/{WEB}")
        trusting = pulling(ca_bundle=certificate, **{host: Named()})
        assert trusting(f"{host}/{WEB}")

    assert f'without TLS: url = "http://{pushed.host}" below [registries.' in message
    assert "is not trusted" in untrusted
    assert "sandbox.ca_bundle" in untrusted


def test_a_name_that_nobody_knows_is_told_with_the_way_out(pulling: Callable[..., Pulling]) -> None:
    message = pulling().refusal("registry.invalid/web:1")

    assert "the name registry.invalid cannot be resolved" in message
    assert 'url below [registries."registry.invalid"] in /state/settings.toml' in message


def test_a_layer_beyond_the_limit_is_refused_before_it_is_pulled(
    pushed: Running, artefact: Artefact, pulling: Callable[..., Pulling]
) -> None:
    image = another(pushed, artefact, "large")

    message = pulling(pushed.host, size_bytes_max=1000).refusal(f"{pushed.host}/{image}")

    assert "has a layer of" in message
    assert "the setting downloads.size_bytes_max is 0.0 MiB" in message


def test_a_cancel_ends_a_pull_that_waits_for_a_silent_registry(
    pulling: Callable[..., Pulling],
) -> None:
    def seconds_to_the_end() -> float:
        cancel = Event()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            threading.Timer(0.3, cancel.set).start()
            begun = time.monotonic()
            with pytest.raises(PullFailed, match="was cancelled"):
                pulling(host)(f"{host}/web:1", cancel)
            return time.monotonic() - begun

    at_best_within(2, seconds_to_the_end)
