"""What a build asks of this host about its components."""

import json
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from imagewright.actions.component_questions import relearn
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import Documents, OutOfReachError, World
from imagewright.masking import Secrets, StoredText

READS: dict[str, Any] = {
    "schemaVersion": 1.0,
    "phases": [
        {
            "name": "build",
            "steps": [
                {
                    "name": "Read",
                    "action": "ExecuteBash",
                    "inputs": {"commands": ["echo {{ aws:ssm:/a }} {{ aws:ssm:/b }}"]},
                }
            ],
        }
    ],
}


def test_all_secrets_together_have_so_much_time_to_be_read_again() -> None:
    """One answers; the other is slow, and each piece of its answer comes before a time-out."""
    over = Event()

    def get(name: str, *, region: str) -> StoredText:
        if name == "/b":
            over.wait()
        return StoredText("hunter2", is_secret=True)

    planned = SimpleNamespace(document=None, parameters={})
    plan = cast(
        BuildPlan, SimpleNamespace(image_arn="arn", region="us-east-1", components=[planned])
    )
    documents = cast(Documents, SimpleNamespace(open=lambda _kept, _region: json.dumps(READS)))
    world = cast(World, SimpleNamespace(parameters=SimpleNamespace(get=get)))

    with pytest.raises(OutOfReachError, match=r"could not be read within 1\.5 s"):
        relearn(plan, Secrets(), documents, world, seconds_max=1.5)
    over.set()
