"""Which steps are taken over from a layer, and which are done each time."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.runner.conftest import a_component, steps

from imagewright.cli.component_layers import StepLayers, StepWork, works_of
from imagewright.images.layers import LayerStore, Miss
from imagewright.runner.state import StepState
from imagewright.runner.status import StepStatus
from imagewright.store import schema
from imagewright.store.database import open_sqlite
from imagewright.store.ledger import DatabaseLedger
from imagewright.toe.documents import Loaded


def step_layers(store: LayerStore, region: str = "eu-west-1") -> StepLayers:
    surroundings = {"account": "123456789012", "region": region}
    return StepLayers(
        store, b"secret", driver="sandbox", has_network=True, surroundings=surroundings
    )


@contextmanager
def layer_store(folder: Path) -> Iterator[LayerStore]:
    with closing(open_sqlite(folder / "db")) as database:
        schema.prepare(database, back_up=lambda: None)
        yield LayerStore(folder / "layers", database, DatabaseLedger(database))


def step_work(action: str, entry: dict[str, str]) -> tuple[StepWork, StepState]:
    """Return a step, and how it ended."""
    component = a_component(steps({"action": action, "inputs": [entry]}))
    (work,) = works_of([Loaded("a.yaml", "", component, ())], [{}], lambda _phase: True)
    return work, StepState(
        phase="build", step="Step0", action=action, started_at="", status=StepStatus.SUCCESS
    )


@pytest.mark.parametrize(
    ("action", "entry", "why"),
    [
        (
            "S3Upload",
            {"source": "/a", "destination": "s3://bucket/a"},
            "what S3Upload does is outside the machine",
        ),
        (
            "ExecuteDocument",
            {"document": "/a.yaml"},
            "what ExecuteDocument executes is not known before",
        ),
        ("S3Download", {"source": "s3://bucket/a", "destination": "/a"}, ""),
        ("WebDownload", {"source": "https://example.com/a", "destination": "/a"}, ""),
        ("CreateFile", {"path": "/a", "content": "{{ context:osName }}"}, ""),
        (
            "CreateFile",
            {"path": "/a", "content": "{{ context:date }}"},
            "it uses context:date, which is new each time",
        ),
        (
            "CreateFile",
            {"path": "/a", "content": "{{ aws:ssm:/channel }}"},
            "it reads aws:ssm:, where another value may stand now",
        ),
    ],
)
def test_what_a_layer_does_not_hold_is_done_each_time(
    action: str, entry: dict[str, str], why: str, tmp_path: Path
) -> None:
    work, done = step_work(action, entry)
    with layer_store(tmp_path) as store:
        layer_id = store.seal("0" * 17, parent=None, size_bytes=0)
        layers = step_layers(store)

        may_serve = layers.remember(work, layer_id, [], done, layer_id)
        found = layers.find(work, layer_id, [])

    assert may_serve is not bool(why)
    assert (found.reason if isinstance(found, Miss) else "") == why


def test_a_step_is_done_again_where_the_settings_name_another_region(tmp_path: Path) -> None:
    work, done = step_work("CreateFile", {"path": "/a", "content": "{{ context:region }}"})
    with layer_store(tmp_path) as store:
        layer_id = store.seal("0" * 17, parent=None, size_bytes=0)
        step_layers(store).remember(work, layer_id, [], done, layer_id)

        same = step_layers(store).find(work, layer_id, [])
        elsewhere = step_layers(store, "us-east-1").find(work, layer_id, [])

    assert (isinstance(same, Miss), isinstance(elsewhere, Miss)) == (False, True)
