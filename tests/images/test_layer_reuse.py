"""Which layer serves again, and why not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagewright.images.layers import Hit, LayerFacts, LayerStore, Miss, layer_key
from imagewright.store import schema
from imagewright.store.database import open_sqlite
from imagewright.store.ledger import DatabaseLedger

FACTS = LayerFacts(
    parent="l-1",
    document={"name": "install", "phases": [{"steps": []}]},
    parameters={"version": "1"},
    environment={"PATH": "/bin"},
    driver="sandbox",
    architecture="amd64",
    protocol=1,
    secrets={"token": "hunter2"},
)


def changed(**facts: Any) -> LayerFacts:
    values = {name: getattr(FACTS, name) for name in LayerFacts.__slots__}
    return LayerFacts(**{**values, **facts})


def test_equal_facts_have_equal_keys_in_whatever_order() -> None:
    again = changed(document={"phases": [{"steps": []}], "name": "install"})

    assert layer_key(again, b"k") == layer_key(FACTS, b"k")


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"parent": "l-2"}, id="another parent"),
        pytest.param({"document": {"name": "install"}}, id="another document"),
        pytest.param({"parameters": {"version": 1}}, id="a number for a text"),
        pytest.param({"environment": {}}, id="another environment"),
        pytest.param({"driver": "docker"}, id="another driver"),
        pytest.param({"architecture": "arm64"}, id="another architecture"),
        pytest.param({"protocol": 2}, id="another runner"),
        pytest.param({"secrets": {"token": "hunter3"}}, id="another secret"),
    ],
)
def test_every_fact_matters(facts: dict[str, Any]) -> None:
    assert layer_key(changed(**facts), b"k") != layer_key(FACTS, b"k")


def test_a_secret_cannot_be_guessed_without_the_states_key() -> None:
    assert layer_key(FACTS, b"k") != layer_key(FACTS, b"another state's key")


class MovableClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def store(tmp_path: Path, clock: MovableClock) -> LayerStore:
    database = open_sqlite(tmp_path / "test.db")
    schema.prepare(database, back_up=lambda: None)
    return LayerStore(
        tmp_path / "layers", database, DatabaseLedger(database, clock=clock), clock=clock
    )


def remembered(store: LayerStore, *, network: bool) -> str:
    layer_id = store.seal("0123456789abcdef0", parent=None, size_bytes=1)
    store.remember(layer_id, key="k", made_by="step", outputs={"a": [1]}, network=network)
    return layer_id


def test_nothing_made_yet_is_a_miss(store: LayerStore) -> None:
    assert store.find("k") == Miss(
        "nothing was made yet from exactly this parent, document and input"
    )


def test_a_layer_without_a_key_is_not_found(store: LayerStore) -> None:
    store.seal("0123456789abcdef0", parent=None, size_bytes=1)

    assert isinstance(store.find("k"), Miss)


@pytest.mark.parametrize(
    ("network", "hours", "reason"),
    [
        (True, 0.5, "unchanged since it was made 30 min ago, with a network in reach"),
        (True, 23.9, "unchanged since it was made 24 h ago, with a network in reach"),
        (False, 10_000, "unchanged since it was made 417 days ago, without a network"),
    ],
)
def test_a_hit_brings_the_outputs_and_says_why(
    store: LayerStore, clock: MovableClock, network: bool, hours: float, reason: str
) -> None:
    layer_id = remembered(store, network=network)
    clock.time += timedelta(hours=hours)

    assert store.find("k") == Hit(layer_id, {"a": [1]}, reason)


def test_a_layer_made_with_a_network_serves_for_a_day(
    store: LayerStore, clock: MovableClock
) -> None:
    remembered(store, network=True)
    clock.time += timedelta(hours=25)

    assert store.find("k") == Miss(
        "it was made 25 h ago with a network in reach, and layers.max_age is 24 h"
    )


def test_who_asks_for_fresh_work_gets_it(store: LayerStore) -> None:
    remembered(store, network=False)

    assert store.find("k", fresh=True) == Miss("asked not to reuse anything (--no-cache)")


def test_what_always_runs_is_never_reused_and_says_why(store: LayerStore) -> None:
    remembered(store, network=False)

    assert store.find("k", always="tests always run") == Miss("tests always run")


def test_the_newest_of_several_serves(store: LayerStore, clock: MovableClock) -> None:
    remembered(store, network=False)
    clock.time += timedelta(hours=1)
    newer = store.seal("fedcba98765432100", parent=None, size_bytes=1)
    store.remember(newer, key="k", made_by="step", outputs={}, network=False)

    found = store.find("k")

    assert isinstance(found, Hit)
    assert found.layer_id == newer


def unchanging(store: LayerStore, *, network: bool) -> str:
    layer_id = store.seal("0123456789abcdef0", parent=None, size_bytes=1)
    store.remember_unchanging(layer_id, key="k", outputs={"a": [1]}, network=network)
    return layer_id


def test_a_work_that_changed_nothing_serves_from_the_layer_it_stood_on(
    store: LayerStore, clock: MovableClock
) -> None:
    layer_id = unchanging(store, network=True)
    clock.time += timedelta(minutes=30)

    assert store.find("k") == Hit(
        layer_id, {"a": [1]}, "unchanged since it was made 30 min ago, with a network in reach"
    )


def test_a_work_that_changed_nothing_ages_by_itself_and_not_with_its_layer(
    store: LayerStore, clock: MovableClock
) -> None:
    layer_id = unchanging(store, network=True)
    clock.time += timedelta(hours=25)
    aged = store.find("k")

    store.remember_unchanging(layer_id, key="k", outputs={"a": [2]}, network=True)

    assert aged == Miss("it was made 25 h ago with a network in reach, and layers.max_age is 24 h")
    assert store.find("k") == Hit(
        layer_id, {"a": [2]}, "unchanged since it was made 0 s ago, with a network in reach"
    )


def test_a_work_that_changed_nothing_goes_with_the_layer_it_stood_on(store: LayerStore) -> None:
    layer_id = unchanging(store, network=False)

    store.delete([layer_id])

    assert isinstance(store.find("k"), Miss)
