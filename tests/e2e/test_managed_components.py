"""The components that the product ships do what their names say (component-documents.md §11)."""

from typing import Any

import pytest
from tests.e2e.conftest import Bench

ARN = "arn:aws:imagebuilder:us-east-1:aws:component"


def managed(name: str, **parameters: str) -> dict[str, Any]:
    """Name a managed component in a recipe."""
    given = [{"name": each, "value": [value]} for each, value in parameters.items()]
    return {"componentArn": f"{ARN}/{name}/x.x.x"} | ({"parameters": given} if given else {})


def test_those_that_need_no_packages_run_to_their_ends(bench: Bench) -> None:
    arn = bench.start(
        bench.recipe(
            *map(
                managed,
                ["hello-world-linux", "reboot-linux", "reboot-test-linux",
                 "simple-boot-test-linux"],
            )
        )
    )  # fmt: skip

    bench.built(arn)

    log = bench.log(arn)
    for said in (
        "Hello World! Build.",
        "Hello World! Validate.",
        "Hello World! Test.",
        "The machine is back after its restart.",
        "The image started and runs commands",
    ):
        assert said in log


@pytest.mark.usefixtures("mirror")
def test_those_that_need_packages_install_them(bench: Bench) -> None:
    """The archive of the AWS CLI is out of reach where there is no internet: its package serves."""
    arn = bench.start(
        bench.recipe(
            *map(
                managed,
                ["update-linux", "python-3-linux", "aws-cli-version-2-linux", "docker-ce-linux"],
            )
        )
    )

    bench.built(arn)

    log = bench.log(arn)
    for said in ("Python 3.", "aws-cli/2.", "Docker version"):
        assert said in log


@pytest.mark.parametrize("level", ["High", "Low"])
def test_what_is_hardened_passes_its_test(bench: Bench, level: str) -> None:
    arn = bench.start(
        bench.recipe(
            managed("stig-build-linux", Level=level), managed("stig-test-linux", Level=level)
        )
    )

    bench.built(arn)

    assert "holds   one-root" in bench.log(arn) if level == "High" else True
    assert "BROKEN" not in bench.log(arn)


def test_what_is_hardened_less_fails_the_test_of_more(bench: Bench) -> None:
    arn = bench.start(
        bench.recipe(managed("stig-build-linux", Level="Low"), managed("stig-test-linux"))
    )

    failure = bench.finished(arn)["state"]["failureContext"]["componentFailure"]

    assert failure["componentArn"] == f"{ARN}/stig-test-linux/1.0.0/1"
    assert failure["errorMessage"].startswith("these rules do not hold: passwords-expire ")
