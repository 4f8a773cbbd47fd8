"""The schema of a fresh state, and the one that the migrations make, are one."""

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from imagewright.store import schema
from imagewright.store.database import Database, open_sqlite
from imagewright.store.metadata import METADATA
from imagewright.store.schema import SchemaTooNew


def revision(database: Database) -> object:
    with database.read() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def test_the_migrations_make_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "old.db")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('base')"))
        connection.execute(text("DELETE FROM alembic_version"))

    with database.write() as connection:
        schema.migrate(connection)
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)

    assert [each for each in differences if "alembic_version" not in str(each)] == []
    assert revision(database) == schema.HEAD
    database.close()


def test_the_newest_revision_is_the_one_that_fresh_states_get() -> None:
    config = Config()
    config.set_main_option("script_location", "imagewright:store/migrations")

    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_current_state_is_neither_backed_up_nor_migrated(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "current.db")
    schema.prepare(database, back_up=lambda: pytest.fail("a fresh state needs no back-up"))

    schema.prepare(database, back_up=lambda: pytest.fail("a current state needs no back-up"))

    assert revision(database) == schema.HEAD
    database.close()


def test_a_state_from_a_newer_release_is_backed_up_and_refused(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "new.db")
    schema.prepare(database, back_up=lambda: None)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    copies: list[Path] = []

    def back_up() -> None:
        copies.append(tmp_path / "copy.db")
        database.back_up(copies[-1])

    with pytest.raises(SchemaTooNew, match="9999"):
        schema.prepare(database, back_up=back_up)

    assert copies[0].stat().st_size > 0
    assert revision(database) == "9999"
    database.close()


def test_many_servers_may_make_the_same_schema_at_once(tmp_path: Path) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        database = open_sqlite(tmp_path / "shared.db")
        try:
            schema.prepare(database, back_up=lambda: None)
        except BaseException as error:
            problems.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
