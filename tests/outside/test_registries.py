"""Whom a registry of container images hears of, and whom nobody else does."""

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.outside.web_server import authority, content, redirect, serving

from imagewright.outside.registries import Credentials, Registries, RegistryRefused
from imagewright.outside.work import Work
from imagewright.settings import Downloads, Registry

ME = Credentials("me", "secret")
BLOB = "/v2/web/blobs/sha256:0"


def registries(url: str, *, ca_bundle: Path | None = None) -> Registries:
    """Return a registry that is pulled from with a password."""
    named = {"r": Registry(url=url, username=ME.username, password=ME.password)}
    return Registries(named, Downloads(allowed_hosts=("127.0.0.1",)), ca_bundle=ca_bundle)


def wants(handler: BaseHTTPRequestHandler, challenge: str) -> None:
    """Ask who it is."""
    handler.send_response(401)
    handler.send_header("WWW-Authenticate", challenge)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_who_asks_is_told_to_the_registry_and_not_where_a_blob_lies() -> None:
    with serving() as home, serving() as storage:

        def answer(handler: BaseHTTPRequestHandler) -> None:
            if handler.headers.get("Authorization") == ME.basic:
                redirect(storage.url("/blob"), 307)(handler)
            else:
                wants(handler, 'Basic realm="ours"')

        home.answers[BLOB] = answer
        storage.answers["/blob"] = lambda handler: content(handler, b"blob")
        session = registries(home.url("")).session("r", "web", Work())

        got = session.ask("GET", home.url(BLOB), expected={200})

    assert got.data == b"blob"
    assert [each.get("Authorization") for each in home.headers] == [None, ME.basic]
    assert [each.get("Authorization") for each in storage.headers] == [None]


def test_no_password_goes_where_it_could_be_read_on_the_way(tmp_path: Path) -> None:
    certificate = authority(tmp_path)
    with serving(certificate) as home, serving() as plain:
        realm = plain.url("/token")
        home.answers[BLOB] = lambda handler: wants(handler, f'Bearer realm="{realm}"')
        session = registries(home.url(""), ca_bundle=certificate[0]).session("r", "web", Work())

        with pytest.raises(RegistryRefused, match=f"password sent to {realm}, without TLS"):
            session.ask("GET", home.url(BLOB), expected={200})

    assert not plain.headers
