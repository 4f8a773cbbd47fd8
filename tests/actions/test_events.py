"""What others are told of builds, and when (EVT-01, EVT-05, EVT-06, EVT-08)."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.actions.conftest import Asked, Endpoint, endpoint, reaching, started
from tests.actions.distributing import silent
from tests.actions.test_wait_for_action import is_waiting
from tests.conftest import wait_until
from tests.e2e.conftest import BUILD_SECONDS, Bench

from imagewright.engine.crash_points import CrashPoint

CHANGED = "EC2 Image Builder Image State Change"
FAILS: dict[str, Any] = {
    "name": "Tell",
    "action": "WaitForAction",
    "inputs": {"snsTopicArn": "arn:aws:sns:us-east-1:123456789012:absent"},
}
WAITS: dict[str, Any] = {"name": "Ask", "action": "WaitForAction"}


def listening_to(hook: Endpoint, **more: str) -> dict[str, str]:
    """Return the settings with which a server tells an endpoint."""
    return {
        "IMAGEWRIGHT_WEBHOOKS_URLS": json.dumps([f"{hook.url}/hook"]),
        "IMAGEWRIGHT_WEBHOOKS_SECRET": f"whsec_{base64.b64encode(bytes(32)).decode()}",
        "IMAGEWRIGHT_WEBHOOKS_TIMEOUT_SECONDS": "30",
        **more,
    }


def told(hook: Endpoint, arn: str) -> list[Any]:
    """Return the events that an endpoint heard of an image, in their order."""
    events = [json.loads(each.body) for each in hook.asked]
    return [each for each in events if each["resources"][0] == arn]


def moves(hook: Endpoint, arn: str) -> list[tuple[str, str]]:
    """Return from which state to which an image went, by what an endpoint heard."""
    return [
        (each["detail"]["previous-state"]["status"], each["detail"]["state"]["status"])
        for each in told(hook, arn)
        if each["detail-type"] == CHANGED
    ]


def waiting(bench: Bench, arn: str) -> Callable[[], bool]:
    return lambda: is_waiting(bench, arn)


@pytest.fixture(scope="module")
def hook() -> Iterator[Endpoint]:
    with endpoint() as served:
        yield served


@pytest.fixture(scope="module")
def listened(tmp_path_factory: pytest.TempPathFactory, hook: Endpoint) -> Iterator[Bench]:
    state = tmp_path_factory.mktemp("listened") / "state"
    settings = listening_to(hook, IMAGEWRIGHT_BUILDS_PARALLEL_MAX="1")
    with reaching(state, "http://127.0.0.1:9", **settings) as bench:
        yield bench


def test_every_state_that_an_image_reaches_is_told(listened: Bench, hook: Endpoint) -> None:
    arn = started(listened, WAITS)
    wait_until(waiting(listened, arn))
    [step] = listened.steps(arn).values()
    listened.client.send_workflow_step_action(
        stepExecutionId=step["stepExecutionId"], imageBuildVersionArn=arn, action="RESUME"
    )
    wait_until(lambda: len(told(hook, arn)) == 3)

    assert moves(hook, arn) == [("PENDING", "TESTING"), ("TESTING", "AVAILABLE")]
    first = told(hook, arn)[0]
    assert first["detail-type"] == CHANGED
    assert first["resources"] == [arn]
    assert (first["source"], first["account"], first["region"]) == (
        "aws.imagebuilder", "000000000000", "us-east-1",
    )  # fmt: skip


def test_a_failure_a_retry_and_a_cancel_are_told(listened: Bench, hook: Endpoint) -> None:
    """IMG-30: what RetryImage takes up again."""
    arn = started(listened, FAILS)
    wait_until(lambda: moves(hook, arn)[-1:] == [("TESTING", "FAILED")])

    listened.client.retry_image(imageBuildVersionArn=arn)

    again = [("FAILED", "TESTING"), ("TESTING", "FAILED")]
    wait_until(lambda: moves(hook, arn)[2:] == again)

    arn = started(listened, WAITS)
    wait_until(waiting(listened, arn))
    listened.client.cancel_image_creation(imageBuildVersionArn=arn)
    wait_until(lambda: moves(hook, arn)[-1:] == [("TESTING", "CANCELLED")])


def test_a_build_that_never_began_is_told_to_be_cancelled(tmp_path: Path, hook: Endpoint) -> None:
    """The turns are one here, and a step that tells a topic that says nothing holds it."""
    settings = listening_to(hook, IMAGEWRIGHT_BUILDS_PARALLEL_MAX="1")
    with silent() as (url, is_asked), reaching(tmp_path / "state", url, **settings) as bench:
        hold = started(bench, FAILS)
        wait_until(is_asked)
        arn = started(bench, WAITS)
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)
        bench.client.cancel_image_creation(imageBuildVersionArn=hold)

        wait_until(lambda: bool(moves(hook, arn)))

    assert moves(hook, arn) == [("PENDING", "CANCELLED")]


def test_what_was_not_told_when_the_server_was_lost_is_told_by_the_next(tmp_path: Path) -> None:
    """The image is available while its first event still waits for an answer; then SIGKILL."""
    with endpoint() as served:
        lost = listening_to(served)
        with reaching(tmp_path / "state", None, **lost) as bench:
            served.answer = lambda _: (bench.server.process.wait(BUILD_SECONDS) and 200, {}, b"")
            arn = started(bench, document_of_nothing())
            bench.built(arn)
            wait_until(lambda: bool(served.asked))
            bench.server.process.kill()
        first = json.loads(served.asked[0].body)
        served.answer = lambda _: (200, {}, b"")

        with reaching(tmp_path / "state", None, **lost):
            wait_until(lambda: len(moves(served, arn)) == 3)

    assert moves(served, arn) == [
        ("PENDING", "TESTING"), ("PENDING", "TESTING"), ("TESTING", "AVAILABLE"),
    ]  # fmt: skip
    assert told(served, arn)[1] == first


def test_a_state_that_a_crash_did_not_let_be_recorded_is_told_once(tmp_path: Path) -> None:
    with endpoint() as served:
        settings = listening_to(served)
        crash = {"IMAGEWRIGHT_CRASH_AT": CrashPoint.STAGE_ENDED.value}
        with reaching(tmp_path / "state", None, **settings, **crash) as bench:
            arn = started(bench, document_of_nothing())
            assert bench.server.process.wait(BUILD_SECONDS) == -9

        with reaching(tmp_path / "state", None, **settings):
            wait_until(lambda: ("TESTING", "AVAILABLE") in moves(served, arn))

    ids = {each["id"] for each in told(served, arn)}
    assert len(ids) == 2


def document_of_nothing() -> dict[str, Any]:
    """Write a step that is skipped."""
    return {**WAITS, "if": {"booleanEquals": True, "value": False}}


def test_one_who_does_not_hear_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    with endpoint() as deaf, endpoint() as served:
        settings = listening_to(served)
        settings["IMAGEWRIGHT_WEBHOOKS_URLS"] = json.dumps([deaf.url, served.url])
        with reaching(tmp_path / "state", None, **settings) as bench:

            def hang(_: Asked) -> tuple[int, dict[str, str], bytes]:
                bench.server.process.wait(BUILD_SECONDS)
                return 200, {}, b""

            deaf.answer = hang
            arn = started(bench, document_of_nothing())
            wait_until(lambda: len(moves(served, arn)) == 2)

            assert len(deaf.asked) == 1
