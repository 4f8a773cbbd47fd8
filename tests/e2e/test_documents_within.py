"""A build whose component executes another document (``component-documents.md`` §7.1)."""

import json

from tests.e2e.conftest import Bench

_INNER = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Say, action: ExecuteBash, inputs: {commands: [echo said within]}}
"""


def test_a_build_executes_a_document_of_its_machine_each_time(bench: Bench) -> None:
    steps = [
        ("CreateFile", [{"path": "/opt/inner.yaml", "content": _INNER}]),
        ("ExecuteDocument", {"document": "/opt/inner.yaml"}),
    ]
    named = [
        {"name": f"Step{number}", "action": action, "inputs": inputs}
        for number, (action, inputs) in enumerate(steps)
    ]
    text = json.dumps({"schemaVersion": 1.0, "phases": [{"name": "build", "steps": named}]})
    recipe = bench.recipe(bench.component(text))
    bench.built(bench.start(recipe))

    again = bench.start(recipe)
    bench.built(again)

    said = bench.log(again)
    assert "what ExecuteDocument executes is not known before" in said
    assert "said within" in said
    assert "/opt/inner.yaml: Step Say: ExecuteBash" in said
