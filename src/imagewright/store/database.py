"""The database: SQLite in the state directory, or PostgreSQL for a fleet.

The same statements run on both. What differs stands here and nowhere else: how a write begins,
and how a failed write is told apart.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Engine, Executable, Row, Table, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from imagewright.errors import ServiceError

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

BUSY_TIMEOUT_SECONDS = 30
_SWITCH_PAUSE_SECONDS = 0.01


class Database:
    """Hands out connections for reading and transactions for writing.

    On SQLite one write runs at a time, in the order of asking: waiting for a lock of our own is
    fair and quick, where SQLite's busy handler sleeps. DBOS uses the same database; its writes
    meet ours at SQLite's own lock.
    """

    def __init__(self, engine: Engine, soon: Engine) -> None:
        """``soon`` commits without waiting for the disk; see ``write``."""
        self.engine = engine
        self.soon = soon
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that only reads. Raises ServiceError if the database is unusable."""
        with _failures_named("read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, soon: bool = False) -> Iterator[Connection]:
        """Yield a transaction, committed at the end of the block unless it raises.

        A commit survives the loss of power. With ``soon`` it survives the end of this process in
        whatever way, and reaches the disk with the next commit that waits for it: the loss of
        power takes back the last of these commits, never one and not those after it. That is for
        the steps of a build, which are taken up again from wherever the records stand.

        Raises ServiceError if the database cannot be written.
        """
        engine = self.soon if soon else self.engine
        with _failures_named("written"):
            if not self._is_sqlite:
                with engine.begin() as connection:
                    yield connection
                return
            with self._turn, engine.begin() as connection:
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
        self.soon.dispose()
        self.engine.dispose()


def open_sqlite(path: Path) -> Database:
    """Open, or create, a database file."""
    # FULL: a commit survives the loss of power, as the client was told. NORMAL: the write-ahead
    # log is not flushed by each commit; what is lost of it is its end.
    return Database(_sqlite_engine(path, "FULL"), _sqlite_engine(path, "NORMAL"))


def _sqlite_engine(path: Path, synchronous: Literal["FULL", "NORMAL"]) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=16,
        max_overflow=48,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        _use_write_ahead_log(connection)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-2048")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to it, again and again: SQLite waits for nobody else who just does the same."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_SWITCH_PAUSE_SECONDS)
        else:
            return


def open_postgresql(url: str) -> Database:
    """Open a PostgreSQL database by its SQLAlchemy URL (``postgresql+psycopg://…``)."""
    engine = create_engine(url, pool_size=16, max_overflow=48, pool_pre_ping=True)
    soon = create_engine(
        url,
        pool_size=16,
        max_overflow=48,
        pool_pre_ping=True,
        connect_args={"options": "-c synchronous_commit=off"},
    )
    return Database(engine, soon)


def insert_if_absent(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there; tell whether it was inserted.

    On PostgreSQL this waits for a transaction that is just inserting the same key.
    """
    statement = _insert_or_nothing(connection.dialect.name, table)
    return connection.execute(statement, dict(values)).first() is not None


def insert_or_hold(
    connection: Connection, table: Table, values: Mapping[str, Any], *, touched: str
) -> Row[Any]:
    """Insert a row unless one with its key is there; return the row that is there now.

    It stays as it is until the transaction ends: other writers of it wait. ``touched`` names a
    column outside the key, which is written with the value it has.
    """
    statement = _insert_or_touch(connection.dialect.name, table, touched)
    return connection.execute(statement, dict(values)).one()


@cache
def _insert_or_nothing(dialect_name: str, table: Table) -> Executable:
    statement: Executable = (
        _insert(dialect_name, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    )
    return statement


@cache
def _insert_or_touch(dialect_name: str, table: Table, touched: str) -> Executable:
    statement: Executable = (
        _insert(dialect_name, table)
        .on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_={touched: table.c[touched]}
        )
        .returning(*table.columns)
    )
    return statement


def _insert(dialect_name: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    # Loading the one that is not used would take time from the server's start.
    if dialect_name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


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
