from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.store import schema
from imagewright.store.database import Database, open_sqlite


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_sqlite(tmp_path / "test.db")
    schema.prepare(opened, back_up=lambda: None)
    yield opened
    opened.close()
