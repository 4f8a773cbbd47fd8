"""Layers, holders, instances, packages and the ledger, on SQLite and on PostgreSQL."""

import threading
from dataclasses import replace

from imagewright.store import instances, layers, packages
from imagewright.store.database import Database
from imagewright.store.layers import LayerRow
from imagewright.store.ledger import DatabaseLedger

NOW = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-02T00:00:00.000Z"


def row(name: str, parent: str | None = None, **more: object) -> LayerRow:
    base = LayerRow(
        id=name, parent=parent, directory=f"d-{name}", flat_directory=None, size_bytes=5 << 40,
        created_at=NOW, used_at=NOW, unsynced_boot_id="boot", key=None, made_by=None,
        outputs=None, has_network=None,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]  # any of its fields


def test_a_layer_comes_back_as_it_was_added(database: Database) -> None:
    with database.begin() as connection:
        layers.add(connection, row("l-1"))
        layers.remember(
            connection, "l-1", key="k", made_by="step", outputs={"a": [1, None]}, has_network=True
        )
        layers.mark_synced(connection, ["l-1"])

    with database.connect() as connection:
        found = layers.get(connection, "l-1")
        total = layers.total_size_bytes(connection)

    assert found == row(
        "l-1", key="k", made_by="step", outputs={"a": [1, None]}, has_network=True,
        unsynced_boot_id=None,
    )  # fmt: skip
    assert total == 5 << 40


def test_a_chain_is_everything_beneath_a_layer(database: Database) -> None:
    with database.begin() as connection:
        layers.add(connection, row("l-0"))
        for number in range(1, 100):
            layers.add(connection, row(f"l-{number}", f"l-{number - 1}"))
        layers.add(connection, row("l-other", "l-5"))

    with database.connect() as connection:
        found = layers.chain(connection, "l-99")
        absent = layers.chain(connection, "l-none")

    assert [layer.id for layer in found] == [f"l-{number}" for number in range(99, -1, -1)]
    assert absent == []


def test_the_newest_layer_with_a_key_is_found(database: Database) -> None:
    later = "2026-01-02T00:00:00.000Z"
    with database.begin() as connection:
        layers.add(connection, row("l-2", key="k", created_at=later))
        layers.add(connection, row("l-1", key="k"))

    with database.connect() as connection:
        found = layers.newest_with_key(connection, "k")
        absent = layers.newest_with_key(connection, "other")

    assert found is not None
    assert found.id == "l-2"
    assert absent is None


def test_a_chain_is_flattened_by_one_alone(database: Database) -> None:
    with database.begin() as connection:
        layers.add(connection, row("l-1"))

        first = layers.set_flat_directory(connection, "l-1", "flat-1")
        second = layers.set_flat_directory(connection, "l-1", "flat-2")
        absent = layers.set_flat_directory(connection, "l-none", "flat-3")

    assert (first, second, absent) == (True, False, False)


def test_holding_twice_and_releasing(database: Database) -> None:
    with database.begin() as connection:
        layers.hold(connection, "a", "l-1")
        layers.hold(connection, "a", "l-1")
        layers.hold(connection, "a", "l-2")
        layers.hold(connection, "b", "l-2")
        everyone = layers.held(connection)
        layers.release(connection, "a")
        rest = layers.held(connection)

    assert (everyone, rest) == ({"l-1", "l-2"}, {"l-2"})


def test_an_instance_lives_advances_is_kept_and_ends(database: Database) -> None:
    with database.begin() as connection:
        for name in ("i-1", "i-2"):
            instances.add(
                connection, name, driver="sandbox", layer="l-1", owner=f"build {name}", now=NOW
            )
        instances.advance(connection, "i-1", "l-2")
        instances.keep(connection, "i-1", LATER)
        instances.keep(connection, "i-1", "2027-01-01T00:00:00.000Z")
        kept = instances.get(connection, "i-1")
        held = layers.held(connection)
        instances.end(connection, "i-2", NOW)
        instances.end(connection, "i-2", "2027-01-01T00:00:00.000Z")
        ended = instances.get(connection, "i-2")
        living = instances.living(connection)
        of_other = instances.living(connection, owner="build i-2")
        left = layers.held(connection)

    assert kept == instances.InstanceRow(
        "i-1", "sandbox", "l-2", "build i-1", "kept", NOW, None, LATER, "l-1"
    )
    assert held == {"l-1", "l-2"}
    assert ended is not None
    assert (ended.state, ended.ended_at) == ("terminated", NOW)
    assert living == [kept]
    assert of_other == []
    assert left == {"l-2"}


def test_a_work_that_outlasts_its_instance_leaves_no_layer_held(database: Database) -> None:
    """One test of a group may end the machine that another still works on."""
    with database.begin() as connection:
        instances.add(connection, "i-1", driver="sandbox", layer="l-1", owner="build", now=NOW)
        instances.end(connection, "i-1", NOW)
        instances.advance(connection, "i-1", "l-2")
        left = layers.held(connection)

    assert left == set()


def test_packages_are_replaced_and_paged_in_order(database: Database) -> None:
    found = [("b", "2"), ("a", "1"), ("b", "1"), ("a", "1")]
    with database.begin() as connection:
        packages.put(connection, "arn", [("old", "1")])
        packages.put(connection, "arn", found)
        first = packages.page(connection, "arn", after=None, count=2)
        second = packages.page(connection, "arn", after=first[-1], count=2)

    assert first == [("a", "1"), ("b", "1")]
    assert second == [("b", "2")]


def test_the_ledger_takes_entries_from_many_threads(database: Database) -> None:
    ledger = DatabaseLedger(database)

    def enter_and_strike() -> None:
        for _round in range(5):
            kept = ledger.enter("file", {"path": "/kept"}, "many")
            ledger.strike(ledger.enter("file", {"path": "/freed"}, "many"))
            assert kept

    threads = [threading.Thread(target=enter_and_strike) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    left = [entry for entry in ledger.entries() if entry.owner == "many"]
    assert [entry.what["path"] for entry in left] == ["/kept"] * 20
    for entry in left:
        ledger.strike(entry.id)
    assert ledger.entries() == []
