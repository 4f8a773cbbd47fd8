"""The caps of the settings, in builds (``component-documents.md`` O-9)."""

import json
from collections.abc import Iterator

import pytest
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_builds import command, component, workflow


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    with lab.bench(IMAGEWRIGHT_COMPONENTS_RESTARTS_MAX="1") as running:
        yield running


def test_a_component_restarts_its_machine_so_often(bench: Bench) -> None:
    arn = bench.start(bench.recipe(bench.component(component("exit 194"))))

    failure = json.dumps(bench.finished(arn)["state"]["failureContext"])

    assert "more than 1 restart of the machine, the setting components.restarts_max" in failure


def test_a_script_of_run_command_restarts_its_machine_so_often(bench: Bench) -> None:
    text = workflow(command("Change", "exit 194"))
    arn = bench.start(bench.recipe(), workflows=[bench.workflow(text)])

    reason = bench.finished(arn)["state"]["reason"]

    assert "after 1 of them (exit code 194), the setting components.restarts_max" in reason
