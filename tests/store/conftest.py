"""Every test of the store runs on both databases."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from imagewright.store import schema
from imagewright.store.database import Database, open_postgresql, open_sqlite


def _programs() -> Path | None:
    """Find PostgreSQL's own programs, which Debian keeps off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else next(iter(found), None)


def _as_user(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a PostgreSQL server of our own on a socket, and return its address."""
    programs = _programs()
    if programs is None:
        pytest.skip("needs the programs of PostgreSQL (apt-get install postgresql)")
    # The socket's path must be short, and nobody must be able to reach it.
    home = Path("/tmp") / f"iw-pg-{uuid4().hex[:8]}"
    home.mkdir(mode=0o700)
    prefix = _as_user(home)
    data = home / "data"
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*prefix, programs / "initdb", "-D", data, "-U", "test", "-A", "trust", "--no-sync"],
        **run,  # type: ignore[call-overload]  # a plain dict
    )
    options = f"-k {home} -c listen_addresses='' -c fsync=off"
    control = [*prefix, programs / "pg_ctl", "-D", data, "-w", "-l", home / "log"]
    subprocess.run([*control, "-o", options, "start"], **run)  # type: ignore[call-overload]
    yield f"postgresql+psycopg://test@/postgres?host={home}"
    subprocess.run([*control, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]
    shutil.rmtree(home)


def _fresh_postgresql(url: str) -> Database:
    name = f"t{uuid4().hex[:12]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return open_postgresql(url.replace("/postgres?", f"/{name}?"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an empty database of each kind, its schema in place."""
    if request.param == "sqlite":
        opened = open_sqlite(tmp_path / "test.db")
    else:
        opened = _fresh_postgresql(request.getfixturevalue("postgresql_url"))
    schema.prepare(opened, back_up=lambda: None)
    yield opened
    opened.close()
