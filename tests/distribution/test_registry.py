"""A registry as the place of a region: Docker's own, and what others answer."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conftest import wait_until
from tests.distribution.conftest import COPY, stopped

from imagewright.distribution.artefact import Parcel
from imagewright.distribution.registry import Registry
from imagewright.engine.ports import ActionError
from imagewright.outside.registries import Credentials

BCRYPT_OF_SECRET = "$2b$04$CkqPuNpEELYONPK/cmMwguK2mwXAJADL3WoEkhMR4Hg4fLKyWGCRq"
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

    def passed_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask the registry what somebody asked another, and return what it answers."""
        kept = {name: text for name, text in headers.items() if name in {"Content-Type", "Accept"}}
        connection = HTTPConnection(self.host)
        connection.request(method, path, body=body or None, headers=kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.headers), content

    def manifest(self, tag: str) -> Any:
        return json.loads(self.get(f"images/web/manifests/{tag}", Accept=MANIFEST))


@contextmanager
def running(place: Path, **config: Any) -> Iterator[Running]:
    """Run the registry of Debian's package docker-registry."""
    if shutil.which("docker-registry") is None:
        pytest.skip("needs the registry of Debian's package docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    everything = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(place / "storage")}},
        **config,
        "http": {"addr": host, **config.get("http", {})},
    }
    (place / "config.yml").write_text(json.dumps(everything))
    with subprocess.Popen(
        ["docker-registry", "serve", place / "config.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:

        def answers() -> bool:
            name, _, port = host.partition(":")
            with suppress(OSError), socket.create_connection((name, int(port))):
                return True
            return False

        wait_until(answers)
        yield Running(host, place / "storage")
        process.terminate()


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

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            where, wants = urlsplit(self.path), self.headers.get("Authorization")
            if where.path == "/token":
                knows = wants == Credentials("me", "secret").basic
                token = json.dumps({"token": f"for {parse_qs(where.query)['scope'][0]}"}).encode()
                self.say(200 if knows else 401, {}, token if given is None else given)
            elif wants != "Bearer for repository:all":
                url = f"http://{self.headers['Host']}/token"
                asks = f'Bearer realm="{url}",service="us",scope="repository:all"'
                self.say(401, {"WWW-Authenticate": asks}, b"")
            else:
                status, headers, content = registry.passed_on(
                    self.command, self.path, dict(self.headers), body
                )
                if "Location" in headers:
                    headers["Location"] = headers["Location"].replace(
                        registry.host, self.headers["Host"]
                    )
                self.say(status, headers, content)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - as they are called

        def say(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "connection", "date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


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
        known = Registry(f"http://{host}/images", Credentials("me", "secret"), timeout_seconds=5)
        known.put(copy)
        unknown = Registry(f"http://{host}/images", Credentials("me", "no"), timeout_seconds=5)
        with pytest.raises(ActionError, match="answered 401: no token"):
            unknown.put(replace(parcel, copy_id="ami-22222222"))

    assert registry.manifest("ami-11111111")["layers"]


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"token": 1}', b"\xff"])
def test_what_is_no_token_is_told(registry: Running, parcel: Parcel, answer: bytes) -> None:
    copy = replace(parcel, copy_id="ami-33333333")
    with behind_tokens(registry, answer) as host:
        known = Registry(f"http://{host}/images", Credentials("me", "secret"), timeout_seconds=5)
        with pytest.raises(ActionError, match="/token answered without a token"):
            known.put(copy)


def test_a_registry_that_is_away_is_named(parcel: Parcel) -> None:
    away = Registry("http://127.0.0.1:9/images", None, timeout_seconds=1)

    with pytest.raises(ActionError, match=rf"127.0.0.1:9/images/web:{COPY} is out of reach"):
        away.put(parcel)


def test_a_stop_ends_a_copy_to_a_registry_that_says_nothing(parcel: Parcel) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}/images"
        threading.Timer(0.3, stop.set).start()
        begun = time.monotonic()
        with pytest.raises(ActionError, match="the copying was stopped"):
            Registry(place, None, timeout_seconds=60).put(replace(parcel, stop=stop))

    assert time.monotonic() - begun < 2


def test_a_registry_encrypts_nothing() -> None:
    place = Registry("r.example.com/images", None, timeout_seconds=1)

    assert "cannot be encrypted with a key; a bucket can" in str(place.refusal("alias/a"))
