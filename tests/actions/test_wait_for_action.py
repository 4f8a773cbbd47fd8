"""Whom WaitForAction tells, and what comes of it (``workflow-documents.md`` §12)."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.actions.conftest import Asked, Endpoint, document, endpoint, reaching, started
from tests.conftest import wait_until
from tests.e2e.conftest import BUILD_SECONDS, Bench
from tests.other_services import OtherServices

from imagewright.engine.crash_points import CrashPoint

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
ABSENT_TOPIC = "arn:aws:sns:us-east-1:123456789012:absent"
Answer = tuple[int, dict[str, str], bytes]
WAITING = "EC2 Image Builder Workflow Step Waiting"


def step(**inputs: Any) -> dict[str, Any]:
    """Write a step that waits."""
    return {"name": "Ask", "action": "WaitForAction", "inputs": inputs}


def answer(bench: Bench, told: Mapping[str, str], action: Any = "RESUME", **more: Any) -> None:
    """Answer a step with what its message says of it."""
    bench.client.send_workflow_step_action(
        stepExecutionId=told["workflowStepExecutionId"],
        imageBuildVersionArn=told["imageArn"],
        action=action,
        **more,
    )


def is_waiting(bench: Bench, arn: str) -> bool:
    waiting = bench.client.list_waiting_workflow_steps()["steps"]
    return arn in {each["imageBuildVersionArn"] for each in waiting}


def resumed(bench: Bench, arn: str) -> None:
    """Answer a step that waits, and demand that its build gets there."""
    wait_until(lambda: is_waiting(bench, arn))
    answer(bench, {
        "imageArn": arn, "workflowStepExecutionId": bench.steps(arn)["Ask"]["stepExecutionId"],
    })  # fmt: skip
    bench.built(arn)


class TestTopics:
    def test_a_topic_is_told_whom_to_answer(
        self, bench: Bench, others: OtherServices, name: str
    ) -> None:
        """§12.4: the approval gate of AWS's samples, with the topic as a parameter."""
        topic, queue = others.topic(name[-70:])
        gate = {
            **step(**{"snsTopicArn.$": "$.parameters.topic"}, payload="Please approve."),
            "if": {"booleanEquals": True, "value": "$.parameters.wanted"},
        }
        parameters = [
            {"name": "topic", "type": "string", "default": topic},
            {"name": "wanted", "type": "boolean", "default": True},
        ]
        arn = started(bench, gate, parameters=parameters)

        [told] = others.received(queue)
        [execution] = bench.executions(arn)
        assert told == {
            "imageArn": arn,
            "workflowArn": execution["workflowBuildVersionArn"],
            "workflowExecutionId": execution["workflowExecutionId"],
            "workflowStepExecutionId": bench.steps(arn)["Ask"]["stepExecutionId"],
            "workflowStepName": "Ask",
            "version": "1.0",
            "customPayload": "Please approve.",
        }
        assert bench.steps(arn)["Ask"]["status"] == "WAITING"
        answer(bench, told, reason="looks good")
        bench.built(arn)
        outputs = json.loads(bench.steps(arn)["Ask"]["outputs"])
        assert outputs == {"action": "RESUME", "reason": "looks good"}
        assert others.client("sqs").receive_message(QueueUrl=queue).get("Messages", []) == []

    @pytest.mark.parametrize(
        ("payload", "sent"),
        [
            ('{"a": [1]}', {"a": [1]}),
            ("[]", []),
            ("7", "7"),
            ("null", "null"),
            ('{"a": NaN}', '{"a": NaN}'),
            ("[" * 10_000, "[" * 10_000),
            ("Grüße", "Grüße"),
        ],
    )
    def test_a_payload_that_is_an_object_or_a_list_is_sent_as_such(
        self, bench: Bench, others: OtherServices, name: str, payload: str, sent: object
    ) -> None:
        """§14.14."""
        topic, queue = others.topic(name[-70:])

        arn = started(bench, step(snsTopicArn=topic, payload=payload))

        [told] = others.received(queue)
        assert told["customPayload"] == sent
        answer(bench, told, "STOP")
        assert bench.finished(arn)["state"]["status"] == "FAILED"

    def test_a_topic_that_orders_is_told_once_per_step(
        self, bench: Bench, others: OtherServices, name: str
    ) -> None:
        """A FIFO topic drops what carries a token that it has had."""
        topic, queue = others.topic(f"{name[-60:]}.fifo")

        arn = started(bench, step(snsTopicArn=topic))

        found = others.client("sqs").receive_message(
            QueueUrl=queue, AttributeNames=["All"], WaitTimeSeconds=20
        )
        [message] = found["Messages"]
        told = json.loads(message["Body"])
        assert message["Attributes"]["MessageDeduplicationId"] == told["workflowStepExecutionId"]
        answer(bench, told)
        bench.built(arn)

    def test_a_topic_that_is_not_there_fails_the_step(self, bench: Bench) -> None:
        arn = started(bench, step(snsTopicArn=ABSENT_TOPIC))

        state = bench.finished(arn)["state"]

        message = f"The topic '{ABSENT_TOPIC}' could not be told: SNS refuses: "
        assert message in state["reason"]
        assert bench.steps(arn)["Ask"]["status"] == "FAILED"
        assert not is_waiting(bench, arn)

    def test_a_topic_that_is_not_there_lets_the_build_go_on_where_it_may(
        self, bench: Bench
    ) -> None:
        """§4.4."""
        arn = started(bench, {**step(snsTopicArn=ABSENT_TOPIC), "onFailure": "Continue"})

        bench.built(arn)

        assert bench.steps(arn)["Ask"]["status"] == "FAILED"

    def test_nobody_answers_in_time(self, bench: Bench, others: OtherServices, name: str) -> None:
        """§12.2."""
        topic, _ = others.topic(name[-70:])

        arn = started(bench, {**step(snsTopicArn=topic), "timeoutSeconds": 1})

        assert "timed out" in bench.finished(arn)["state"]["reason"]

    def test_without_access_a_build_is_refused_before_it_starts(self, tmp_path: Path) -> None:
        inputs = {"snsTopicArn": (ABSENT_TOPIC, "sns"), "lambdaFunctionName": ("f", "lambda")}
        with reaching(tmp_path / "state", None) as bench:
            for name, (value, service) in inputs.items():
                with pytest.raises(ClientError, match=f"the setting aws.{service}_endpoint or"):
                    started(bench, step(**{name: value}))

    def test_a_topic_that_turns_out_to_be_none_fails_the_step(self, bench: Bench) -> None:
        """The CDK's sample has a parameter for it, whose default is `none`."""
        parameters = [{"name": "topic", "type": "string", "default": "none"}]

        arn = started(bench, step(**{"snsTopicArn.$": "$.parameters.topic"}), parameters=parameters)

        assert "the ARN of an SNS topic" in bench.finished(arn)["state"]["reason"]

    def test_a_payload_has_a_size(self, bench: Bench) -> None:
        """CRT-50."""
        bench.workflow(document(step(payload="é" * 8 * 1024)), kind="TEST")
        with pytest.raises(ClientError, match="payload"):
            bench.workflow(document(step(payload="é" * 8 * 1024 + "x")), kind="TEST")


class TestFunctions:
    """An endpoint of our own takes the place of Lambda: moto does not tell what it was given."""

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls) -> Iterator[Endpoint]:
        with endpoint() as served:
            yield served

    @pytest.fixture
    def door(self, served: Endpoint) -> Endpoint:
        served.asked.clear()
        served.answer = lambda _: (202, {}, b"")
        return served

    @pytest.fixture(scope="class")
    @classmethod
    def reached(cls, tmp_path_factory: pytest.TempPathFactory, served: Endpoint) -> Iterator[Bench]:
        with reaching(tmp_path_factory.mktemp("functions") / "state", served.url) as bench:
            yield bench

    @pytest.mark.parametrize(
        "function", ["approve", "arn:aws:lambda:eu-west-1:123456789012:function:approve:live"]
    )
    def test_a_function_is_invoked_and_not_waited_for(
        self, reached: Bench, door: Endpoint, function: str
    ) -> None:
        """§12.4."""
        arn = started(reached, step(lambdaFunctionName=function, payload='{"a": 1}'))
        wait_until(lambda: bool(door.asked))

        [asked] = door.asked
        assert asked.headers["x-amz-invocation-type"] == "Event"
        region = "eu-west-1" if ":" in function else "us-east-1"
        assert f"/{region}/lambda/aws4_request" in asked.headers["authorization"]
        told = json.loads(asked.body)
        assert (told["imageArn"], told["customPayload"]) == (arn, {"a": 1})
        answer(reached, told)
        reached.built(arn)

    def test_an_answer_that_comes_at_once_counts(self, reached: Bench, door: Endpoint) -> None:
        """The step waits before anyone is told: this function answers before it has ended."""

        def answer_first(asked: Asked) -> tuple[int, dict[str, str], bytes]:
            answer(reached, json.loads(asked.body), reason="at once")
            return 202, {}, b""

        door.answer = answer_first

        arn = started(reached, step(lambdaFunctionName="approve"))

        reached.built(arn)
        assert json.loads(reached.steps(arn)["Ask"]["outputs"])["reason"] == "at once"

    def test_an_answer_counts_even_if_the_function_is_said_to_have_failed(
        self, reached: Bench, door: Endpoint
    ) -> None:
        def answer_first(asked: Asked) -> tuple[int, dict[str, str], bytes]:
            answer(reached, json.loads(asked.body))
            return self.refusal()

        door.answer = answer_first

        reached.built(started(reached, step(lambdaFunctionName="approve")))

    def test_a_function_that_is_not_there_fails_the_step(
        self, reached: Bench, door: Endpoint
    ) -> None:
        door.answer = lambda _: self.refusal()

        arn = started(reached, step(lambdaFunctionName="absent"))

        assert (
            "The function 'absent' could not be invoked: Lambda refuses: "
            "ResourceNotFoundException: Function not found"
        ) in reached.finished(arn)["state"]["reason"]

    def test_a_cancel_while_a_function_is_told_cancels(
        self, reached: Bench, door: Endpoint
    ) -> None:
        """IMG-60."""

        def cancel_first(asked: Asked) -> tuple[int, dict[str, str], bytes]:
            image = json.loads(asked.body)["imageArn"]
            reached.client.cancel_image_creation(imageBuildVersionArn=image)
            return self.refusal()

        door.answer = cancel_first

        arn = started(reached, step(lambdaFunctionName="approve"))

        assert reached.finished(arn)["state"] == {"status": "CANCELLED"}
        assert reached.steps(arn)["Ask"]["status"] == "CANCELLED"

    @staticmethod
    def refusal() -> tuple[int, dict[str, str], bytes]:
        headers = {"x-amzn-ErrorType": "ResourceNotFoundException"}
        return 404, headers, b'{"Message": "Function not found"}'


def test_the_event_goes_to_the_bus(tmp_path: Path, others: OtherServices, name: str) -> None:
    """§12.3."""
    bus, events = name[-40:], others.client("events")
    events.create_event_bus(Name=bus)
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source": ["imagewright"]}')
    url, queue = others.queue(bus)
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "q", "Arn": queue}])
    settings = {"IMAGEWRIGHT_AWS_EVENT_BUS": bus, "IMAGEWRIGHT_AWS_EVENT_SOURCE": "imagewright"}

    with reaching(tmp_path / "state", others.url, **settings) as bench:
        arn = started(bench, step())
        resumed(bench, arn)

        told = others.received(url, count=3)[1]
        [execution] = bench.executions(arn)
        ask = bench.steps(arn)["Ask"]
    assert told["resources"] == [arn, execution["workflowBuildVersionArn"]]
    assert told["detail"] == {
        "workflow-execution-id": execution["workflowExecutionId"],
        "workflow-step-execution-id": ask["stepExecutionId"],
        "workflow-step-name": "Ask",
    }


def test_a_bus_that_is_not_there_keeps_no_step_from_waiting(
    tmp_path: Path, others: OtherServices
) -> None:
    settings = {"IMAGEWRIGHT_AWS_EVENT_BUS": "arn:aws:events:us-east-1:123456789012:event-bus/no"}
    with reaching(tmp_path / "state", "http://127.0.0.1:9", **settings) as bench:
        arn = started(bench, step())
        resumed(bench, arn)

        wait_until(lambda: "EventBridge is out of reach" in bench.log(arn))


class TestWebhooks:
    @pytest.fixture(scope="class")
    @classmethod
    def served(cls) -> Iterator[Endpoint]:
        with endpoint() as served:
            yield served

    @pytest.fixture
    def hook(self, served: Endpoint) -> Endpoint:
        served.asked.clear()
        served.answer = lambda _: (200, {}, b"")
        return served

    @pytest.fixture(scope="class")
    @classmethod
    def listening(
        cls, tmp_path_factory: pytest.TempPathFactory, served: Endpoint
    ) -> Iterator[Bench]:
        settings = {
            "IMAGEWRIGHT_WEBHOOKS_URLS": json.dumps([f"{served.url}/a/secret?b=c"]),
            "IMAGEWRIGHT_WEBHOOKS_SECRET": SECRET,
            "IMAGEWRIGHT_WEBHOOKS_TIMEOUT_SECONDS": "30",
        }
        with reaching(tmp_path_factory.mktemp("hooks") / "state", None, **settings) as bench:
            yield bench

    @staticmethod
    def posted(hook: Endpoint) -> list[Asked]:
        """Return the posts of the waiting event."""
        return [each for each in hook.asked if json.loads(each.body)["detail-type"] == WAITING]

    @staticmethod
    def answer_waiting(hook: Endpoint, answer: Callable[[Asked], Answer]) -> None:
        """Have the waiting event answered so, and every other as is right."""
        hook.answer = lambda asked: (
            answer(asked) if json.loads(asked.body)["detail-type"] == WAITING else (200, {}, b"")
        )

    def test_a_webhook_is_told_with_a_signature(self, listening: Bench, hook: Endpoint) -> None:
        """§12.3; the signature is computed here by the words of Standard Webhooks."""
        arn = started(listening, step())
        resumed(listening, arn)

        wait_until(lambda: bool(self.posted(hook)))
        [asked] = self.posted(hook)
        told = json.loads(asked.body)
        assert asked.path == "/a/secret?b=c"
        assert told["id"] == asked.headers["webhook-id"]
        assert (told["source"], told["resources"][0]) == ("aws.imagebuilder", arn)
        assert told["detail"]["workflow-step-name"] == "Ask"
        content = f"{told['id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
        digest = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
        assert asked.headers["webhook-signature"] == f"v1,{digest}"

    def test_a_webhook_that_breaks_is_told_again_under_the_same_id(
        self, listening: Bench, hook: Endpoint
    ) -> None:
        statuses = iter([500, 429])
        self.answer_waiting(hook, lambda _: (next(statuses, 204), {}, b""))

        resumed(listening, started(listening, step()))
        wait_until(lambda: len(self.posted(hook)) == 3)

        posts = self.posted(hook)
        assert len({each.headers["webhook-id"] for each in posts}) == 1

    @pytest.mark.parametrize(("status", "tries"), [(500, 3), (404, 1), (302, 1), (307, 1)])
    def test_a_webhook_that_will_not_hear_keeps_no_step_from_waiting(
        self, listening: Bench, hook: Endpoint, status: int, tries: int
    ) -> None:
        """A redirect is not followed: a signed event goes where the settings say."""
        with endpoint() as elsewhere:
            self.answer_waiting(hook, lambda _: (status, {"Location": elsewhere.url}, b""))

            arn = started(listening, step())
            resumed(listening, arn)
            wait_until(lambda: "was not told" in listening.log(arn))

            assert elsewhere.asked == []
        assert len(self.posted(hook)) == tries
        assert f"it answered {status}" in listening.log(arn)
        assert "secret" not in listening.log(arn) + listening.server.log.read_text()

    def test_a_webhook_that_never_answers_is_given_up(self, tmp_path: Path, hook: Endpoint) -> None:
        def hang(_: Asked) -> tuple[int, dict[str, str], bytes]:
            over.wait(60)
            return 200, {}, b""

        over = threading.Event()
        self.answer_waiting(hook, hang)
        settings = {
            "IMAGEWRIGHT_WEBHOOKS_URLS": json.dumps([hook.url]),
            "IMAGEWRIGHT_WEBHOOKS_SECRET": SECRET,
            "IMAGEWRIGHT_WEBHOOKS_TIMEOUT_SECONDS": "1",
        }

        with reaching(tmp_path / "state", None, **settings) as bench:
            arn = started(bench, step())
            wait_until(lambda: is_waiting(bench, arn))
            wait_until(lambda: "was not told" in bench.log(arn))
            over.set()
            resumed(bench, arn)


class TestLosingTheServer:
    @pytest.mark.parametrize(
        ("point", "count"), [(CrashPoint.STEP_WAITING, 1), (CrashPoint.WAITING_TOLD, 2)]
    )
    def test_everyone_is_told_at_least_once_and_the_answer_counts(
        self, tmp_path: Path, others: OtherServices, name: str, point: CrashPoint, count: int
    ) -> None:
        topic, queue = others.topic(name[-60:])
        crash_at = {"IMAGEWRIGHT_CRASH_AT": point.value}
        with reaching(tmp_path / "state", others.url, **crash_at) as bench:
            arn = started(bench, step(snsTopicArn=topic))
            assert bench.server.process.wait(BUILD_SECONDS) == -9

        with reaching(tmp_path / "state", others.url) as bench:
            messages = others.received(queue, count=count)
            assert len(messages) == count
            assert len({json.dumps(each) for each in messages}) == 1
            answer(bench, messages[0])

            bench.built(arn)
