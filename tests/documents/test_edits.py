"""Edits change what they name, in quotes or without, and nothing else."""

import pytest

from imagewright.documents.diagnostics import surely_meant
from imagewright.documents.edits import Edit, apply, replacing
from imagewright.documents.places import Position, Span


def edit(start: int, end: int, old: str, new: str) -> Edit:
    return Edit(Span(Position(1, start + 1, start), Position(1, end + 1, end)), old, new)


@pytest.mark.parametrize(
    ("text", "edits", "expected", "count"),
    [
        ("a: Lanch # x", [edit(3, 8, "Lanch", "Launch")], "a: Launch # x", 1),
        ("a: 'Lanch'\r\n", [edit(3, 10, "Lanch", "Launch")], "a: 'Launch'\r\n", 1),
        ('"Lanch": 1', [edit(0, 7, "Lanch", "Launch")], '"Launch": 1', 1),
        ("a: Lanch", [edit(3, 8, "Lunch", "Launch")], "a: Lanch", 0),
        ("a: La\\x6e", [edit(3, 9, "Lan", "Launch")], "a: La\\x6e", 0),
        ("a b", [edit(2, 3, "b", "B"), edit(0, 1, "a", "A")], "A B", 2),
        ("ab", [edit(0, 2, "ab", "x"), edit(1, 2, "b", "y")], "x", 1),
        ("a", [edit(0, 1, "a", "b")] * 2, "b", 1),
        ("ab", [edit(1, 1, "", "$.")], "a$.b", 1),
    ],
)
def test_an_edit_is_made_where_it_fits(
    text: str, edits: list[Edit], expected: str, count: int
) -> None:
    changed, made = apply(text, edits)

    assert (changed, len(made)) == (expected, count)


def test_an_edit_says_what_it_does() -> None:
    assert str(edit(0, 1, "a", "b")) == "write `b` for `a`"
    assert replacing(edit(0, 1, "a", "b").span, "a", None) == ()
    assert replacing(edit(0, 1, "a", "b").span, "a", "a") == ()


@pytest.mark.parametrize(
    ("word", "names", "meant"),
    [
        ("Lanch", ["Launch", "Seal"], "Launch"),
        ("docker", ["AMI", "DOCKER"], "DOCKER"),
        ("CONTINUE", ["Abort", "Continue"], "Continue"),
        ("numberGreaterThn", ["numberGreaterThan", "numberGreaterThanEquals"], "numberGreaterThan"),
        ("Disk3", ["Disk1", "Disk2"], None),
        ("Terminate1", ["Terminate2"], None),
        ("sizeB", ["sizeA"], None),
        ("ask", ["Ask", "ASK"], None),
        ("Stop", [], None),
        ("x" * 300, ["x" * 299], None),
    ],
)
def test_a_name_is_surely_meant_only_beyond_doubt(
    word: str, names: list[str], meant: str | None
) -> None:
    assert surely_meant(word, names) == meant
