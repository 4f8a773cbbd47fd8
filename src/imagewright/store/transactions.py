"""What the repositories need of a database: a transaction that writes, a connection that reads."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Transactions(Protocol):
    """An SQLAlchemy engine is one, and so is ``database.Database``."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Open a transaction, committed at the end of the block unless that raises."""
        ...

    def connect(self) -> AbstractContextManager[Connection]:
        """Open a connection for reading."""
        ...
