"""Clients of the second door, and builds that were never run."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import REGION, Server, end_server, start_server

from imagewright.arns import Kind
from imagewright.call import Call, Principal
from imagewright.cli.client import Client
from imagewright.clock import SystemClock
from imagewright.engine.plan import BuildPlan
from imagewright.store import builds, schema
from imagewright.store import resources as store
from imagewright.store.database import Database, open_sqlite
from imagewright.store.resources import Draft, Place
from imagewright.versions import Version

ACCOUNT = "000000000000"
OTHER = "111122223333"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of this folder's own: others put into theirs what no build leaves."""
    started = start_server(tmp_path_factory.mktemp("door") / "state")
    yield started
    end_server(started)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return an empty database."""
    opened = open_sqlite(tmp_path / "imagewright.db")
    schema.prepare(opened, back_up=lambda: None)
    return opened


@pytest.fixture
def door(server: Server) -> Callable[..., Client]:
    """Return clients of the shared server's second door, by account."""

    def client(account: str = ACCOUNT) -> Client:
        key = server.key(account)
        return Client(server.url, key.access_key_id, key.secret_access_key, account, REGION)

    return client


def call_by(account: str = ACCOUNT, region: str = REGION) -> Call:
    """Make the call of somebody."""
    principal = Principal(account, f"arn:aws:iam::{account}:user/any", "AKIA")
    return Call("id", "Any", principal, region, SystemClock().now())


def add_image(
    database: Database, name: str = "web", version: str = "1.0.0", status: str = "PENDING"
) -> str:
    """Record a build that nobody works on; return its image's ARN."""
    place = Place(account=ACCOUNT, region=REGION, kind=Kind.IMAGE)
    draft = Draft(
        path=name,
        version=Version.parse(version),
        version_text=version,
        name=name,
        status=status,
        body={"state": {"status": status}, "outputResources": {"amis": []}},
        created_at="2026-01-01T00:00:00.000Z",
    )
    plan = BuildPlan(
        image_arn="",
        account=ACCOUNT,
        region=REGION,
        image_name=name,
        version=version,
        build=1,
        parent_image="debian-12",
    )
    with database.write() as connection:
        # No two drafts of a version may be alike.
        count = store.count_builds(connection, place)
        arn = str(store.add_build(connection, place, replace(draft, digest=str(count))).arn)
        builds.add_build(connection, replace(plan, image_arn=arn))
    return arn
