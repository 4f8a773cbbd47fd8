from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.engine.groups import units


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
