"""What is entered, who keeps it, and what the reaper does to what is left."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.machines.ledger import (
    Entry,
    Identity,
    Kind,
    end_process,
    identity_from,
    identity_of,
    reap,
    this_boot,
    this_host,
)
from imagewright.store import schema
from imagewright.store.database import open_sqlite
from imagewright.store.ledger import DatabaseLedger


@pytest.fixture
def ledger(tmp_path: Path) -> DatabaseLedger:
    database = open_sqlite(tmp_path / "test.db")
    schema.prepare(database, back_up=lambda: None)
    return DatabaseLedger(database)


@pytest.fixture
def sleeper() -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


class Left:
    """A ledger whose keeper is gone."""

    def __init__(self, *entries: Entry) -> None:
        self.left = list(entries)

    def enter(self, kind: Kind, what: object, owner: str) -> str:
        raise AssertionError("the reaper makes nothing")

    def strike(self, entry_id: str) -> None:
        self.left = [entry for entry in self.left if entry.id != entry_id]

    def entries(self) -> list[Entry]:
        return list(self.left)


GONE = Identity(pid=os.getpid(), start_ticks=1, boot_id=this_boot(), host_id=this_host())


def entry(kind: Kind, what: dict[str, str | int], number: str = "1") -> Entry:
    return Entry(number, kind, what, "i-1", GONE, "2026-01-01T00:00:00.000Z")


def test_what_is_entered_stays_until_it_is_struck_off(ledger: DatabaseLedger) -> None:
    first = ledger.enter("directory", {"name": "a"}, "i-1")
    second = ledger.enter("file", {"path": "/b"}, "i-2")

    ledger.strike(first)
    ledger.strike(first)

    (left,) = ledger.entries()
    assert (left.id, left.kind, left.what, left.owner) == (second, "file", {"path": "/b"}, "i-2")
    assert left.keeper == identity_of(os.getpid())
    assert left.description == "file /b of i-2"


def test_a_living_keepers_entries_are_left_alone(ledger: DatabaseLedger) -> None:
    ledger.enter("file", {"path": "/b"}, "i-2")

    assert reap(ledger, {}) == []
    assert len(ledger.entries()) == 1


def test_a_process_is_known_by_more_than_its_number(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    identity = identity_of(sleeper.pid)
    others = [
        replace(identity, start_ticks=identity.start_ticks + 1),
        replace(identity, boot_id="another"),
        replace(identity, host_id="another", pid=1),  # nobody here can tell
    ]

    alive = [one.is_alive for one in (identity, *others)]
    sleeper.kill()
    sleeper.wait()

    assert alive == [True, False, False, True]
    assert not identity_from(identity.as_facts()).is_alive
    with pytest.raises(ProcessLookupError):
        identity_of(sleeper.pid)


def test_a_left_process_is_ended(sleeper: "subprocess.Popen[bytes]") -> None:
    ledger = Left(entry("process", identity_of(sleeper.pid).as_facts()))

    (done,) = reap(ledger, {})

    assert done.problem is None
    assert sleeper.wait(5) == -9
    assert ledger.left == []


def test_a_recycled_number_is_never_hit(sleeper: "subprocess.Popen[bytes]") -> None:
    identity = identity_of(sleeper.pid)
    earlier = replace(identity, start_ticks=identity.start_ticks - 1)
    ledger = Left(
        entry("process", earlier.as_facts()),
        entry("process", replace(identity, boot_id="another").as_facts(), "2"),
    )

    reap(ledger, {})

    assert sleeper.poll() is None
    assert ledger.left == []


def test_a_process_of_another_host_is_not_ours_to_end(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    end_process(replace(identity_of(sleeper.pid), host_id="another"))

    assert sleeper.poll() is None


def test_what_cannot_be_freed_stays_and_does_not_keep_the_rest(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    freed: list[str] = []

    def free(entry: Entry) -> None:
        freed.append(str(entry.what["name"]))

    ledger = Left(
        entry("directory", {"path": str(tmp_path / "full")}, "1"),
        entry("mount", {"name": "x"}, "2"),
        entry("directory", {"path": str(empty)}, "3"),
        entry("directory", {"name": "layer"}, "4"),
    )

    results = reap(ledger, {"directory": free})

    problems = {result.entry.id: result.problem for result in results}
    assert problems["3"] is None
    assert problems["4"] is None
    assert "not empty" in str(problems["1"])
    assert "knows how to free a mount" in str(problems["2"])
    assert freed == ["layer"]
    assert not empty.exists()
    assert [left.id for left in ledger.left] == ["1", "2"]


def test_entries_are_durable_before_the_call_returns(tmp_path: Path) -> None:
    """Another process sees them, however the one that made them ended."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from imagewright.store import schema\n"
        "from imagewright.store.database import open_sqlite\n"
        "from imagewright.store.ledger import DatabaseLedger\n"
        "database = open_sqlite(Path(sys.argv[1]))\n"
        "schema.prepare(database, back_up=lambda: None)\n"
        "DatabaseLedger(database).enter('directory', {'name': 'a'}, 'i-1'); os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "test.db")], check=False)

    (left,) = DatabaseLedger(open_sqlite(tmp_path / "test.db")).entries()

    assert left.what == {"name": "a"}
    assert not left.keeper.is_alive
