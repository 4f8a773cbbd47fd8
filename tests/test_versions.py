from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.errors import InvalidParameterValue, InvalidVersionNumber
from imagewright.versions import NODE_MAX, OpenVersion, Version, VersionPattern


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.0.0", (1, 0, 0)),
        ("2021.01.01", (2021, 1, 1)),
        ("0.0.0", (0, 0, 0)),
        ("00000000000000000001.0.0", (1, 0, 0)),
    ],
)
def test_a_version_is_read_number_by_number(text: str, version: tuple[int, int, int]) -> None:
    """VER-01, VER-09."""
    assert Version.parse(text) == version


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_node_reaches_up_to_its_limit_and_no_further(place: int) -> None:
    """VER-03."""
    nodes = ["0", "0", "0"]

    nodes[place] = str(NODE_MAX)
    assert Version.parse(".".join(nodes))[place] == 1073741823

    nodes[place] = str(NODE_MAX + 1)
    with pytest.raises(InvalidVersionNumber, match="between 0 and 1073741823"):
        Version.parse(".".join(nodes))


def test_a_node_of_a_million_digits_is_refused_at_once() -> None:
    with pytest.raises(InvalidVersionNumber) as caught:
        Version.parse("9" * 1_000_000 + ".0.0")

    assert len(str(caught.value)) < 300


@given(st.tuples(*[st.integers(0, NODE_MAX)] * 3), st.tuples(*[st.integers(0, NODE_MAX)] * 3))
def test_versions_are_ordered_as_the_service_packs_them(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    """VER-04."""

    def packed(nodes: tuple[int, int, int]) -> int:
        return nodes[0] << 90 | nodes[1] << 60 | nodes[2] << 30

    assert (Version(*one) < Version(*other)) == (packed(one) < packed(other))


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        ("x.x.x", ["0.0.0", "9.9.9"], []),
        ("1.x.x", ["1.0.0", "1.7.8"], ["2.0.0", "0.1.0"]),
        ("1.6.x", ["1.6.0", "1.06.8"], ["1.7.0"]),
        ("1.6.8", ["1.6.8", "01.06.08"], ["1.6.9"]),
    ],
)
def test_a_pattern_means_the_versions_that_begin_with_its_numbers(
    pattern: str, meant: list[str], not_meant: list[str]
) -> None:
    """VER-14, VER-15."""
    parsed = VersionPattern.parse(pattern, member="arn")

    assert all(parsed.matches(Version.parse(version)) for version in meant)
    assert not any(parsed.matches(Version.parse(version)) for version in not_meant)


@pytest.mark.parametrize(
    "pattern",
    [".".join(nodes) for nodes in product("1x", repeat=3) if ("x", "1") in pairwise(nodes)],
)
def test_a_number_after_an_x_is_refused(pattern: str) -> None:
    """VER-14."""
    with pytest.raises(InvalidParameterValue, match="'componentArn'"):
        VersionPattern.parse(pattern, member="componentArn")


@pytest.mark.parametrize(
    ("wanted", "highest", "next_"),
    [
        ("1.0.x", None, "1.0.0"),
        ("1.0.x", 0, "1.0.1"),
        ("1.x.0", 41, "1.42.0"),
        ("x.05.6", 9, "10.05.6"),
    ],
)
def test_an_x_is_the_number_after_the_highest(wanted: str, highest: int | None, next_: str) -> None:
    """VER-10, VER-11, O-01."""
    opened = OpenVersion.parse(wanted)
    assert isinstance(opened, OpenVersion)

    assert opened.filled(highest) == (Version.parse(next_), next_)


@pytest.mark.parametrize("text", ["x.x.0", "x.x.x", "1.x.1073741824", "9" * 5000 + ".x.0"])
def test_a_version_with_several_x_or_a_number_out_of_range_is_none(text: str) -> None:
    """O-02, VER-03."""
    with pytest.raises(InvalidVersionNumber):
        OpenVersion.parse(text)


def test_there_is_no_number_after_the_last() -> None:
    """VER-03."""
    opened = OpenVersion.parse("1.0.x")
    assert isinstance(opened, OpenVersion)

    with pytest.raises(InvalidVersionNumber):
        opened.filled(NODE_MAX)
