"""The component language by its tables. Two of them need a machine, or its conditions:
``tests/runner/test_run_table.py``, ``test_expressions.py`` and ``tests/documents/component``.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewright.documents.component.expressions import Name, fill
from imagewright.documents.component.loading import load_component
from imagewright.documents.component.loops import values_of
from imagewright.documents.nodes import Scalar
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import SPECS

Case = dict[str, Any]

_FOLDER = Path(__file__).parent / "component"
_PARAMETERS = {"Name": "web", "Names": "a,b"}
_HEAD = """\
schemaVersion: 1.0
parameters: [{Name: {type: string}}, {Names: {type: stringList}}]
phases:
  - name: build
    steps:
      - name: Each
        action: ExecuteBash
        inputs: {commands: [echo]}
"""


def table(name: str) -> pytest.MarkDecorator:
    cases = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text("utf-8"))
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


def as_written(name: str) -> dict[str, str]:
    """Return each case's loop as it stands in the table: numbers lose their spelling in YAML."""
    found = {}
    for line in (_FOLDER / f"{name}.yaml").read_text("utf-8").splitlines():
        if line.startswith("- {name: "):
            case = yaml.safe_load(line)[0]
            begin = line.index("loop: ")
            end = max(line.rindex(", values:") if "values" in case else 0, line.rfind(", refused:"))
            found[case["name"]] = line[begin:end]
    return found


_LOOPS = as_written("loops")


@table("documents")
def test_a_document_is_told_what_the_table_says(case: Case) -> None:
    platform = Platform(case["platform"]) if "platform" in case else None

    checked = load_component(case["document"], modules=SPECS, platform=platform)

    found = [[each.code, *each.span.start[:2]] for each in checked.findings]
    assert found == case.get("findings", [])
    assert (checked.component is None) == any(each.is_error for each in checked.findings)


@table("loops")
def test_a_loop_goes_through_what_the_table_says(case: Case) -> None:
    checked = load_component(f"{_HEAD}        {_LOOPS[case['name']]}\n", modules=SPECS)

    if "refused" in case:
        assert case["refused"] in [each.code for each in checked.findings]
        assert checked.component is None
        return
    assert checked.component is not None, checked.findings
    loop = checked.component.phases[0].steps[0].loop
    assert loop is not None
    assert list(values_of(loop, _filled)) == case["values"]


def _filled(scalar: Scalar) -> str:
    def answer(expression: Any) -> str | None:
        match expression.reference:
            case Name(name):
                return _PARAMETERS.get(name)
            case _:
                return None

    return fill(scalar.text, answer)
