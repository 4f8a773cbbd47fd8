"""What a commit waits for, on both databases."""

import pytest
from sqlalchemy import Connection, text

from imagewright.store.database import Database


def durability(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        names = {1: "NORMAL", 2: "FULL"}
        return names[connection.execute(text("PRAGMA synchronous")).scalar_one()]
    return str(connection.execute(text("SHOW synchronous_commit")).scalar_one())


@pytest.mark.parametrize(("soon", "expected"), [(False, {"FULL", "on"}), (True, {"NORMAL", "off"})])
def test_a_commit_waits_for_the_disk_unless_it_may_come_there_soon(
    database: Database, soon: bool, expected: set[str]
) -> None:
    with database.write(soon=soon) as connection:
        found = durability(connection)

    assert found in expected


def test_what_was_committed_soon_is_seen_at_once(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("CREATE TABLE seen (number INTEGER)"))

    with database.write(soon=True) as connection:
        connection.execute(text("INSERT INTO seen VALUES (7)"))

    with database.read() as connection:
        assert connection.execute(text("SELECT number FROM seen")).scalar_one() == 7
    with database.write() as connection:
        connection.execute(text("UPDATE seen SET number = number + 1"))
    with database.write(soon=True) as connection:
        assert connection.execute(text("SELECT number FROM seen")).scalar_one() == 8
