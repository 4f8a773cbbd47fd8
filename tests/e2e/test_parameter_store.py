"""Components that read parameters of Systems Manager, from a real service over HTTP (§3.5)."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.e2e.conftest import Bench, Lab
from tests.other_services import OtherServices


@pytest.fixture(scope="module")
def reading(lab: Lab, others: OtherServices) -> Iterator[Bench]:
    with lab.bench(IMAGEWRIGHT_AWS_SSM_ENDPOINT=others.url) as running:
        yield running


@pytest.fixture
def store(others: OtherServices) -> Any:
    return others.client("ssm")


def component(name: str) -> str:
    """Write what a parameter holds into the image."""
    return f"""\
name: {uuid4()}
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Write
        action: CreateFile
        inputs:
          - path: /etc/app
            content: "{{{{ aws:ssm:{name} }}}}"
  - name: validate
    steps:
      - name: Show
        action: ExecuteBash
        inputs:
          commands: ["cat /etc/app"]
"""


def test_each_build_reads_what_a_parameter_holds_then(reading: Bench, store: Any) -> None:
    name = f"/app/{uuid4()}"
    recipe = reading.recipe(reading.component(component(name)))
    for value in ("one", "two"):
        store.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

        arn = reading.start(recipe)
        reading.built(arn)

        assert f'"text": "{value}"' in reading.log(arn)
        assert "it reads aws:ssm:, where another value may stand now" in reading.explain(arn)


def test_a_parameter_that_is_not_there_fails_its_step(reading: Bench) -> None:
    arn = reading.start(reading.recipe(reading.component(component("/none"))))

    failure = reading.finished(arn)["state"]["failureContext"]["componentFailure"]

    assert failure["stepName"] == "Write"
    assert "ParameterNotFound" in failure["errorMessage"]
