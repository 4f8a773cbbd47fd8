import copy
import subprocess
import sys
from typing import Any

import pytest

from imagewright import errors
from imagewright.wire.generate_shapes import TARGET, render
from imagewright.wire.model import (
    ModelError,
    correct,
    corrections,
    published_model,
    service,
)


def test_the_model_has_all_operations_and_errors() -> None:
    """BASE-01, ERR-10."""
    assert len(service().operations) == 77
    assert len(service().statuses) == 20
    assert service().statuses["ServiceQuotaExceededException"] == 402
    assert service().statuses["DryRunOperationException"] == 412
    assert service().operations["CreateWorkflow"].method == "PUT"


@pytest.mark.parametrize("correction", corrections(), ids=lambda entry: "/".join(entry["at"]))
def test_a_correction_still_corrects_something(correction: dict[str, Any]) -> None:
    """One that changes nothing any more is to be deleted."""
    published = published_model()
    corrected = copy.deepcopy(published)

    correct(corrected, correction)

    assert corrected != published
    assert correction["reason"]


def test_a_correction_that_fits_nowhere_is_named() -> None:
    with pytest.raises(ModelError, match="Gone"):
        correct(published_model(), {"at": ["shapes", "Gone", "enum"], "append": ["X"]})


def test_the_step_status_knows_waiting() -> None:
    """EXE-10."""
    assert "WAITING" in service().shapes["WorkflowStepExecutionStatus"].enum


def test_every_error_of_ours_has_a_status() -> None:
    """ERR-10, ERR-40: from the model, or its own."""
    for error in _leaves(errors.ApiError):
        own = getattr(error, "status", None)
        assert own is not None or error.code in service().statuses, error


def test_the_generated_shapes_are_current() -> None:
    """If not: ``python -m imagewright.wire.generate_shapes``."""
    assert TARGET.read_text("utf-8") == render()


def test_the_wire_starts_without_the_heavy_libraries() -> None:
    """The port answers first; DBOS, Alembic, boto3 and the store load after it."""
    heavy = {"dbos", "alembic", "boto3", "botocore.loaders", "botocore.model", "sqlalchemy"}

    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, imagewright.wire.chain; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert "imagewright.wire.chain" in loaded
    assert heavy.isdisjoint(loaded)


def _leaves(error: type[errors.ApiError]) -> list[type[errors.ApiError]]:
    below = error.__subclasses__()
    return [leaf for child in below for leaf in _leaves(child)] if below else [error]
