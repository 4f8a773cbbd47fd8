"""Steps whose effect no layer holds are not taken over from one."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.runner.conftest import a_component, steps

from imagewright.cli.component_layers import StepLayers, works_of
from imagewright.images.layers import LayerStore, Miss
from imagewright.runner.state import StepState
from imagewright.runner.status import StepStatus
from imagewright.store import schema
from imagewright.store.database import open_sqlite
from imagewright.store.ledger import DatabaseLedger
from imagewright.toe.documents import Loaded


@pytest.mark.parametrize(
    ("action", "entry", "runs_always"),
    [
        ("S3Upload", {"source": "/a", "destination": "s3://bucket/a"}, True),
        ("S3Download", {"source": "s3://bucket/a", "destination": "/a"}, False),
        ("WebDownload", {"source": "https://example.com/a", "destination": "/a"}, False),
    ],
)
def test_what_was_sent_is_sent_again(
    action: str, entry: dict[str, str], runs_always: bool, tmp_path: Path
) -> None:
    component = a_component(steps({"action": action, "inputs": [entry]}))
    (work,) = works_of([Loaded("a.yaml", "", component, ())], [{}], lambda _phase: True)
    done = StepState(
        phase="build", step="Step0", action=action, started_at="", status=StepStatus.SUCCESS
    )
    with closing(open_sqlite(tmp_path / "db")) as database:
        schema.prepare(database, back_up=lambda: None)
        store = LayerStore(tmp_path / "layers", database, DatabaseLedger(database))
        layer_id = store.seal("0" * 17, parent=None, size_bytes=0)
        layers = StepLayers(store, b"secret", driver="sandbox", has_network=True)

        may_serve = layers.remember(work, layer_id, [], done, layer_id)
        found = layers.find(work, layer_id, [])

    assert may_serve is not runs_always
    assert isinstance(found, Miss) is runs_always
    if isinstance(found, Miss):
        assert found.reason == f"what {action} does is outside the machine"
