"""Bringing a database to the schema of this release.

Alembic is loaded only when there is something to migrate: it costs more than the port may wait.
"""

from collections.abc import Callable

from sqlalchemy import Connection, inspect, text

from imagewright.errors import ServiceError
from imagewright.store import build_tables, machine_tables, pipeline_tables, tables  # noqa: F401 - they fill METADATA
from imagewright.store.database import Database
from imagewright.store.metadata import METADATA

HEAD = "0007"
"""The newest revision in ``migrations/versions``; a test holds the two together."""

_ADVISORY_LOCK = 0x1A6E


class SchemaTooNew(Exception):
    """The database was written by a newer release."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the database has revision {found}, which this release does not know (its own is "
            f"{HEAD}); use the newer release that wrote it, or another state"
        )


def prepare(database: Database, *, back_up: Callable[[], None]) -> None:
    """Create the schema, or migrate it after a back-up; do nothing if it is current.

    Safe when several servers start at once, and when an earlier attempt died half-way.
    Raises SchemaTooNew, or ServiceError if the database cannot be used.
    """
    found = _revision(database)
    if found == HEAD:
        return
    if found is not None:
        back_up()
        with database.write() as connection:
            migrate(connection)
        return
    with database.write() as connection:
        _lock_out_others(connection)
        METADATA.create_all(connection)
        connection.execute(
            text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
        )
        if connection.execute(text("SELECT version_num FROM alembic_version")).first() is None:
            connection.execute(
                text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD}
            )


def _revision(database: Database) -> str | None:
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)


def migrate(connection: Connection) -> None:
    """Apply what is missing, in the caller's transaction. Raises SchemaTooNew, ServiceError."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", "imagewright:store/migrations")
    _lock_out_others(connection)
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if "Can't locate revision" in str(error):
            raise SchemaTooNew(str(found)) from None
        raise ServiceError(f"The database cannot be migrated from {found}: {error}") from error


def _lock_out_others(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
