"""A build whose component executes another document (``component-documents.md`` §7.1)."""

import json

import pytest
from tests.e2e.conftest import Bench

_INNER = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Say, action: ExecuteBash, inputs: {commands: [echo said within]}}
"""


def outer(document: str, *before: tuple[str, object]) -> str:
    """Write a component that executes a document."""
    named = [
        {"name": f"Step{number}", "action": action, "inputs": inputs}
        for number, (action, inputs) in enumerate(
            [*before, ("ExecuteDocument", {"document": document})]
        )
    ]
    return json.dumps({"schemaVersion": 1.0, "phases": [{"name": "build", "steps": named}]})


def test_a_build_executes_a_document_of_its_machine_each_time(bench: Bench) -> None:
    file = ("CreateFile", [{"path": "/opt/inner.yaml", "content": _INNER}])
    recipe = bench.recipe(bench.component(outer("/opt/inner.yaml", file)))
    bench.built(bench.start(recipe))

    again = bench.start(recipe)
    bench.built(again)

    said = bench.log(again)
    assert "what ExecuteDocument executes is not known before" in said
    assert "said within" in said
    assert "/opt/inner.yaml: Step Say: ExecuteBash" in said


def test_a_build_executes_another_component(bench: Bench) -> None:
    """By the ARN of its build, and of its version."""
    inner = bench.component(_INNER)
    outers = [bench.component(outer(arn)) for arn in (inner, inner.rpartition("/")[0])]

    arn = bench.start(bench.recipe(*outers))

    bench.built(arn)
    assert bench.log(arn).count('"said within"') == 2


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ("us-east-1:123456789012:component/none/1.0.0/1", "cannot be found"),
        ("us-east-1:aws:component/none/1.0.0/1", "cannot be found"),
        ("us-east-1:aws:component/amazon-cloudwatch-agent-linux/x.x.x", "managed.stand_ins"),
        ("us-east-1:aws:image/debian-12-x86/x.x.x", "this is not the ARN of a component"),
        ("nonsense", "this is not the ARN of a component"),
    ],
)
def test_what_is_no_component_of_the_account_fails_its_step(
    bench: Bench, resource: str, why: str
) -> None:
    document = f"arn:aws:imagebuilder:{resource}"
    arn = bench.start(bench.recipe(bench.component(outer(document))))

    failure = bench.finished(arn)["state"]["failureContext"]["componentFailure"]

    assert failure["stepName"] == "Step0"
    assert document in failure["errorMessage"]
    assert why in failure["errorMessage"]
