from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.api.paging import Pager
from imagewright.call import Call, Principal
from imagewright.errors import InvalidPaginationToken

CALL = Call(
    request_id="r",
    operation="ListWorkflows",
    principal=Principal("123456789012", "arn", "AKIA"),
    region="us-east-1",
    received_at=datetime(2026, 1, 1, tzinfo=UTC),
)
PAGER = Pager(b"secret")


def page(request: dict[str, Any], entries: Sequence[int], call: Call = CALL) -> tuple[Any, Any]:
    cut = PAGER.cut(
        request,
        call,
        fetch=lambda after, limit: [n for n in entries if after is None or n > after][:limit],
        place=lambda entry: entry,
    )
    return cut.entries, cut.next_token


@given(st.integers(0, 60), st.integers(1, 20))
def test_pages_together_hold_every_entry_once(count: int, size: int) -> None:
    """PAG-01, PAG-03."""
    seen: list[int] = []
    request: dict[str, Any] = {"maxResults": size}
    while True:
        entries, token = page(request, range(count))
        seen += entries
        if token is None:
            break
        request["nextToken"] = token

    assert seen == list(range(count))


def test_a_page_holds_25_entries_unless_told() -> None:
    """PAG-01."""
    assert len(page({}, range(100))[0]) == 25


def test_the_size_of_a_page_may_change_on_the_way() -> None:
    """PAG-04."""
    _, token = page({"maxResults": 5}, range(100))

    assert page({"maxResults": 2, "nextToken": token}, range(100))[0] == [5, 6]


@pytest.mark.parametrize("token", ["x", "é", "AAAA", "A" * 1000, "====", ""])
def test_a_garbage_token_is_refused(token: str) -> None:
    """PAG-06."""
    with pytest.raises(InvalidPaginationToken):
        page({"nextToken": token}, range(100))


def test_a_token_is_refused_with_other_parameters_or_by_another_caller() -> None:
    """PAG-05."""
    _, token = page({"owner": "Self"}, range(100))

    with pytest.raises(InvalidPaginationToken):
        page({"owner": "Amazon", "nextToken": token}, range(100))
    for other in (
        {"operation": "ListComponents"},
        {"principal": Principal("210987654321", "arn", "AKIB")},
        {"region": "eu-west-1"},
    ):
        with pytest.raises(InvalidPaginationToken):
            page({"owner": "Self", "nextToken": token}, range(100), _with(**other))


def test_a_token_lasts_a_day() -> None:
    """PAG-09."""
    _, token = page({}, range(100))
    hours = [timedelta(hours=23), timedelta(hours=25)]

    assert page({"nextToken": token}, range(100), _with(received_at=CALL.received_at + hours[0]))
    with pytest.raises(InvalidPaginationToken):
        page({"nextToken": token}, range(100), _with(received_at=CALL.received_at + hours[1]))


def _with(**facts: Any) -> Call:
    return replace(CALL, **facts)
