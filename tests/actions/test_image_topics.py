"""The topic of an infrastructure configuration is told how images end (SNS-01 to SNS-03)."""

from pathlib import Path
from typing import Any

from tests.actions.conftest import document, reaching
from tests.actions.test_events import WAITS, waiting
from tests.conftest import wait_until
from tests.e2e.conftest import Bench
from tests.other_services import OtherServices

ABSENT = "arn:aws:sns:us-east-1:123456789012:absent"


def started(bench: Bench, topic: str, *steps: dict[str, Any]) -> str:
    """Start an image that tells a topic, made by a test workflow alone; return its ARN."""
    run = {"workflowArn": bench.workflow(document(*steps), kind="TEST")}
    configuration = bench.infrastructure(snsTopicArn=topic)
    return bench.start(
        bench.recipe(), workflows=[run], infrastructureConfigurationArn=configuration
    )


def available(bench: Bench, topic: str) -> str:
    """Have an image made that tells a topic; return its ARN."""
    arn = started(bench, topic, WAITS)
    wait_until(waiting(bench, arn))
    [step] = bench.steps(arn).values()
    bench.client.send_workflow_step_action(
        stepExecutionId=step["stepExecutionId"], imageBuildVersionArn=arn, action="RESUME"
    )
    bench.built(arn)
    return arn


def test_the_topic_hears_of_an_image_that_is_there_and_of_one_that_failed(
    bench: Bench, others: OtherServices
) -> None:
    topic, queue = others.topic("images")
    arn = available(bench, topic)
    [told] = others.received(queue)
    failed = started(bench, topic, {**WAITS, "inputs": {"snsTopicArn": ABSENT}})
    [of_failed] = others.received(queue)

    assert (told["arn"], told["state"]) == (arn, {"status": "AVAILABLE"})
    assert told["infrastructureConfiguration"]["snsTopicArn"] == topic
    assert told["testExecutionId"].startswith("wf-")
    assert (of_failed["arn"], of_failed["state"]["status"]) == (failed, "FAILED")
    assert of_failed["state"]["reason"]


def test_a_topic_that_is_not_there_fails_no_image(bench: Bench) -> None:
    arn = available(bench, ABSENT)

    wait_until(lambda: f"The topic '{ABSENT}' could not be told" in bench.log(arn))


def test_what_cannot_be_told_is_said_as_the_build_begins(tmp_path: Path) -> None:
    needed = "the setting aws.sns_endpoint or aws.access_key_id is needed"
    with reaching(tmp_path / "state", None) as bench:
        arn = started(bench, ABSENT, {**WAITS, "timeoutSeconds": 1})
        wait_until(lambda: needed in bench.log(arn))
        findings = bench.door.get("/doctor")["findings"]
        assert f"The topic '{ABSENT}' will not be told how this build ends." in bench.log(arn)

    [found] = [each for each in findings if each["what"] == "topics"]
    assert found["grade"] == "warning"
    assert needed in found["remedy"]
