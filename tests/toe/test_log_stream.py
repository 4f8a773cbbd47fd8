"""When lines of a run's log go to CloudWatch Logs."""

import time
from uuid import uuid4

import pytest
from tests.other_services import OtherServices

from imagewright.aws.clients import AwsClients
from imagewright.settings import Aws
from imagewright.toe.asked import Asked
from imagewright.toe.documents import SetupFailed
from imagewright.toe.uploads import LogStream


class Group:
    """A group of logs with one stream, and the time it is."""

    def __init__(self, others: OtherServices) -> None:
        self.now = time.time()  # what is long past is not taken
        self.name = f"/components/{uuid4().hex}"
        self._others = others
        self.stream = LogStream(
            AwsClients(Aws(logs_endpoint=others.url)),
            Asked(documents=(), cw_log_group=self.name),
            region="us-east-1",
            stream="one",
            clock=lambda: self.now,
        )
        self.stream.open()

    def lines(self) -> list[str]:
        found = self._others.client("logs").filter_log_events(logGroupName=self.name)
        return [event["message"] for event in found["events"]]


@pytest.fixture
def group(others: OtherServices) -> Group:
    return Group(others)


def test_lines_wait_for_two_seconds(group: Group) -> None:
    group.stream.take("first")
    before = group.lines()
    group.now += 2.1
    group.stream.take("second")

    assert (before, group.lines()) == ([], ["first", "second"])


def test_a_batch_that_is_full_does_not_wait(group: Group) -> None:
    for number in range(1000):
        group.stream.take(f"{number}")

    assert len(group.lines()) == 1000


def test_a_long_line_is_cut_between_characters_and_sent_before_a_batch_is_too_large(
    group: Group,
) -> None:
    for _ in range(4):
        group.stream.take("é" * 200_000)

    assert {len(line) for line in group.lines()} == {125_000}
    assert len(group.lines()) == 4


def test_a_stream_that_was_lost_is_told_once(others: OtherServices) -> None:
    group = Group(others)
    others.client("logs").delete_log_group(logGroupName=group.name)
    group.stream.take("lost")

    with pytest.raises(SetupFailed, match="The log stream 'one' cannot be written"):
        group.stream.flush()
    group.stream.take("more")
    group.stream.flush()
