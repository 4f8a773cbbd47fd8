"""Runs by the table ``conformance/component/runs.yaml``: §4, §6.3, §13, O-5 to O-9."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runner.conftest import Lab, a_component

_TABLE = Path(__file__).parents[1] / "conformance/component/runs.yaml"


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["name"]) for case in yaml.safe_load(_TABLE.read_text())]
)
def test_a_run_comes_to_what_the_table_says(case: dict[str, Any], lab: Lab) -> None:
    component = a_component(case["document"])
    phases = case.get("phases", [phase.name for phase in component.phases])

    result = lab.run(case["document"], phases=phases, parameters=case.get("parameters", {}))

    steps = [step for phase in result.phases for step in phase.steps]
    assert result.status.value == case["status"], result.failure
    assert [[each.step, each.status.value, each.attempts] for each in steps] == case["steps"]
    found = {f"{e.phase}.{e.step}.{name}": out for e in steps for name, out in e.outputs.items()}
    assert found | case.get("outputs", {}) == found
    assert case["counts"] == [
        result.executed_step_count,
        result.failed_step_count,
        result.ignored_failed_step_count,
    ]
    assert result.reboots == case.get("reboots", 0)
