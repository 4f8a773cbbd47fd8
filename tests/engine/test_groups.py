from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.documents.specs import Stage
from imagewright.engine.groups import has_aborted, units
from imagewright.engine.records import (
    StepExecution,
    StepStatus,
    WorkflowExecution,
    WorkflowStatus,
)


@dataclass(frozen=True)
class Item:
    name: str
    parallel_group: str | None


def items(text: str) -> list[Item]:
    """Read ``A B(g1)``."""
    parts = (word.rstrip(")").partition("(") for word in text.split())
    return [Item(name, group or None) for name, _, group in parts]


@pytest.mark.parametrize(
    ("given_text", "placed"),
    [
        ("", []),
        ("A", ["A"]),
        ("A B", ["A", "B"]),
        ("A B(g1) C D(g1) E(g2)", ["A", "BD", "C", "E"]),
        ("A(g) B(h) C(g) D(h)", ["AC", "BD"]),
        ("A(g)", ["A"]),
    ],
)
def test_a_group_stands_where_it_first_appears(given_text: str, placed: list[str]) -> None:
    """IMG-16, workflow-documents.md §10.2."""
    found = ["".join(item.name for item in unit) for unit in units(items(given_text))]

    assert found == placed


@given(st.lists(st.sampled_from([None, "a", "b", "c"])))
def test_everything_runs_once_and_a_group_together(groups: list[str | None]) -> None:
    given_items = [Item(str(number), group) for number, group in enumerate(groups)]

    placed = units(given_items)

    assert sorted(item.name for unit in placed for item in unit) == sorted(
        item.name for item in given_items
    )
    for unit in placed:
        assert len({item.parallel_group for item in unit}) == 1
        assert unit[0].parallel_group is not None or len(unit) == 1


@pytest.mark.parametrize(
    ("status", "steps", "aborted"),
    [
        ("RUNNING", ["COMPLETED Abort", "RUNNING Abort"], False),
        ("RUNNING", ["FAILED Continue", "RUNNING Abort"], False),
        ("RUNNING", ["COMPLETED Abort", "FAILED Abort"], True),
        ("ROLLBACK_IN_PROGRESS", ["FAILED Abort"], True),
        ("ROLLBACK_COMPLETED", ["FAILED Abort"], True),
        ("FAILED", ["COMPLETED Abort"], True),
        ("COMPLETED", ["FAILED Continue"], False),
        ("PENDING", ["PENDING Abort"], False),
    ],
)
def test_a_workflow_has_aborted_once_its_step_failed_for_good(
    status: str, steps: list[str], aborted: bool
) -> None:
    """workflow-documents.md §10.2: while it is undone, too, no further test of its group starts."""
    execution = WorkflowExecution(
        id="wf-1",
        image_arn="a",
        ordinal=0,
        planned=0,
        workflow_arn="w",
        stage=Stage.TEST,
        status=WorkflowStatus(status),
    )
    records = [
        StepExecution(
            id=f"step-{place}",
            workflow_execution_id="wf-1",
            image_arn="a",
            ordinal=place,
            name=f"Step{place}",
            action="WaitForAction",
            status=StepStatus(step.split()[0]),
            on_failure=step.split()[1],
        )
        for place, step in enumerate(steps)
    ]

    assert has_aborted(execution, records) is aborted
