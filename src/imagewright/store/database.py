"""The database: SQLite in the state directory, or PostgreSQL for a fleet.

The same statements run on both. What differs stands here and nowhere else: how a write begins,
and how a failed write is told apart.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from imagewright.errors import ServiceError

BUSY_TIMEOUT_SECONDS = 30


class Database:
    """Hands out connections for reading and transactions for writing.

    On SQLite one write runs at a time, in the order of asking: waiting for a lock of our own is
    fair and quick, where SQLite's busy handler sleeps. DBOS uses the same engine; its writes
    meet ours at SQLite's own lock.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that only reads. Raises ServiceError if the database is unusable."""
        with _failures_named("read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a transaction, committed at the end of the block unless it raises.

        Raises ServiceError if the database cannot be written.
        """
        with _failures_named("written"):
            if not self._is_sqlite:
                with self.engine.begin() as connection:
                    yield connection
                return
            with self._turn, self.engine.begin() as connection:
                # The lock is taken before the first read, so that what the transaction read is
                # still so when it writes.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    def begin(self) -> Any:
        """Open a write transaction, for repositories that take anything with ``begin``."""
        return self.write()

    def connect(self) -> Any:
        """Open a reading connection, for repositories that take anything with ``connect``."""
        return self.read()

    def back_up(self, to: Path) -> None:
        """Write a whole copy of a SQLite database; PostgreSQL has its own tools for that."""
        if not self._is_sqlite:
            return
        to.unlink(missing_ok=True)
        with self.read() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(to),))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_sqlite(path: Path) -> Database:
    """Open, or create, a database file."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=16,
        max_overflow=48,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # A commit must survive the loss of power: the client has been told that it holds.
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-8192")

    return Database(engine)


def open_postgresql(url: str) -> Database:
    """Open a PostgreSQL database by its SQLAlchemy URL (``postgresql+psycopg://…``)."""
    return Database(create_engine(url, pool_size=16, max_overflow=48, pool_pre_ping=True))


def insert_if_absent(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there; tell whether it was inserted.

    On PostgreSQL this waits for a transaction that is just inserting the same key.
    """
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(values).on_conflict_do_nothing()
    inserted = statement.returning(*table.primary_key.columns)
    return connection.execute(inserted).first() is not None


@contextmanager
def _failures_named(what: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if type(error) not in (OperationalError, DatabaseError):  # a defect, or a broken constraint
            raise
        raise ServiceError(f"The database cannot be {what}: {_cause(error)}") from error


def _cause(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if error.orig else type(error).__name__
