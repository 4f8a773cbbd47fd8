"""ExecuteStateMachine against a Step Functions that executes (``workflow-documents.md`` §7.11)."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.actions.conftest import Asked, document, endpoint, passed_on, reaching, started
from tests.aws.test_refusals_of_other_services import answering
from tests.conftest import wait_until
from tests.e2e.conftest import BUILD_SECONDS, Bench
from tests.other_services import OtherServices

from imagewright.aws.clients import AwsClients
from imagewright.aws.state_machines import StateMachines
from imagewright.engine.crash_points import CrashPoint
from imagewright.engine.ports import ActionError, OutOfReachError
from imagewright.settings import Aws

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"


def step(arn: str, name: str = "Run", **more: Any) -> dict[str, Any]:
    """Write a step that executes a state machine."""
    inputs = {"stateMachineArn": arn, **more.pop("inputs", {})}
    return {"name": name, "action": "ExecuteStateMachine", "inputs": inputs, **more}


@pytest.fixture
def slow(others: OtherServices, name: str) -> str:
    """Return a state machine that takes a minute."""
    return others.state_machine(name[-70:], Type="Wait", Seconds=60)


def outputs(bench: Bench, arn: str, name: str = "Run") -> Any:
    return json.loads(bench.steps(arn)[name]["outputs"])


def test_what_an_execution_puts_out_is_there_for_the_steps_after(
    bench: Bench, others: OtherServices, name: str
) -> None:
    echo = others.state_machine(name[-70:], Type="Pass")

    arn = started(
        bench,
        step(echo, "First", inputs={"input": '{"image": "{{ $.imagebuilder.imageName }}"}'}),
        step(echo, "Second", inputs={"input.$": "$.stepOutputs.First.output"}),
        step(echo, "Third", onFailure="Continue"),
    )

    image = bench.built(arn)
    told = outputs(bench, arn, "Second")
    assert json.loads(told.pop("output")) == {"image": image["name"]}
    execution = bench.steps(arn)["Second"]["stepExecutionId"]
    assert told == {
        "executionArn": f"{echo.replace(':stateMachine:', ':execution:')}:{execution}",
        "status": "SUCCEEDED",
    }
    assert outputs(bench, arn, "Third")["output"] == "{}"


def test_an_execution_that_fails_fails_the_step_with_its_cause(
    bench: Bench, others: OtherServices, name: str
) -> None:
    broken = others.state_machine(name[-70:], Type="Fail", Error="Bad.Day", Cause="it rains")

    arn = started(bench, step(broken))

    state = bench.finished(arn)["state"]
    assert state["status"] == "FAILED"
    assert state["failureContext"]["failedStep"] == "Run"
    told = outputs(bench, arn)
    message = told.pop("errorMessage")
    assert told == {"error": "Bad.Day", "cause": "it rains", "status": "FAILED"}
    assert message.startswith("DescribeExecution returned the terminal state FAILED for the")
    assert message.endswith(": Bad.Day: it rains")
    assert "Bad.Day: it rains" in state["reason"]


def test_an_execution_that_others_stop_fails_the_step(
    bench: Bench, others: OtherServices, slow: str
) -> None:
    arn = started(bench, step(slow))
    wait_until(lambda: bool(others.executions(slow)))
    [execution] = others.executions(slow)

    others.client("stepfunctions").stop_execution(executionArn=execution["executionArn"])

    assert bench.finished(arn)["state"]["status"] == "FAILED"
    assert outputs(bench, arn)["status"] == "ABORTED"


def test_a_step_whose_time_is_up_stops_its_execution(
    bench: Bench, others: OtherServices, slow: str
) -> None:
    """§4.6."""
    arn = started(bench, step(slow, timeoutSeconds=5))

    assert "timed out" in bench.finished(arn)["state"]["reason"]
    assert [each["status"] for each in others.executions(slow)] == ["ABORTED"]


def test_a_cancelled_build_stops_its_execution(
    bench: Bench, others: OtherServices, slow: str
) -> None:
    """§10.4; the action has no rollback: no step is touched (§14.17)."""
    arn = started(bench, step(slow))
    wait_until(lambda: bool(others.executions(slow)))

    bench.client.cancel_image_creation(imageBuildVersionArn=arn)

    assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
    assert [each["status"] for each in others.executions(slow)] == ["ABORTED"]
    assert "rollbackStatus" not in bench.steps(arn)["Run"]


def test_a_failed_workflow_leaves_executions_that_ended_as_they_are(
    bench: Bench, others: OtherServices, name: str
) -> None:
    """§4.5: no rollback."""
    echo = others.state_machine(f"{name[-60:]}-echo", Type="Pass")
    broken = others.state_machine(f"{name[-60:]}-fail", Type="Fail")

    arn = started(bench, step(echo, "Good"), step(broken, "Bad"))

    assert bench.finished(arn)["state"]["status"] == "FAILED"
    assert bench.executions(arn)[0]["status"] == "FAILED"
    assert bench.steps(arn)["Good"]["status"] == "COMPLETED"


def test_a_state_machine_that_is_not_there_is_named(bench: Bench) -> None:
    arn = started(bench, step(MACHINE))

    bench.finished(arn)
    message = outputs(bench, arn)["errorMessage"]
    assert message.startswith(
        f"The state machine '{MACHINE}' could not be started: Step Functions refuses: "
        "StateMachineDoesNotExist: "
    )


def test_a_key_that_is_refused_names_its_setting(bench: Bench, others: OtherServices) -> None:
    with others.strangers_refused():
        arn = started(bench, step(MACHINE))
        bench.finished(arn)

    assert "the setting aws.access_key_id" in outputs(bench, arn)["errorMessage"]


def test_an_endpoint_out_of_reach_names_its_setting(tmp_path: Path) -> None:
    with reaching(tmp_path / "state", "http://127.0.0.1:9") as bench:
        arn = started(bench, step(MACHINE))
        bench.finished(arn)

        message = outputs(bench, arn)["errorMessage"]
    assert "Step Functions is out of reach" in message
    assert "http://127.0.0.1:9" in message
    assert "the setting aws.stepfunctions_endpoint" in message


def test_without_access_a_build_is_refused_before_it_starts(tmp_path: Path) -> None:
    never = {"stringEquals": "Windows", "value": "$.imagebuilder.platform"}
    with reaching(tmp_path / "state", None) as bench:
        with pytest.raises(ClientError) as caught:
            started(bench, step(MACHINE))
        bench.built(started(bench, {**step(MACHINE), "if": never}))

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert "'Run' needs stepfunctions for its input stateMachineArn" in error["Message"]
    assert "the setting aws.stepfunctions_endpoint or aws.access_key_id" in error["Message"]


@pytest.mark.parametrize(
    "inputs",
    [
        {"stateMachineArn": "m"},
        {"stateMachineArn": MACHINE.replace("stateMachine", "execution")},
        {"stateMachineArn": MACHINE, "input": "{"},
        {"stateMachineArn": MACHINE, "input": {"a": "map"}},
        {"stateMachineArn": MACHINE, "input": f'"{"x" * (16 * 1024 - 1)}"'},
        {"stateMachineArn": MACHINE, "name": "mine"},
        {"input": "{}"},
    ],
)
def test_bad_inputs_are_refused_at_creation(bench: Bench, inputs: dict[str, Any]) -> None:
    """CRT-50."""
    text = document({"name": "Run", "action": "ExecuteStateMachine", "inputs": inputs})

    with pytest.raises(ClientError) as caught:
        bench.workflow(text, kind="TEST")

    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    "inputs",
    [
        {"stateMachineArn": MACHINE, "input": '{"a": {{ $.parameters.text }}}'},
        {"stateMachineArn.$": "$.parameters.text"},
    ],
)
def test_inputs_that_turn_out_bad_fail_the_step(bench: Bench, inputs: dict[str, Any]) -> None:
    """CRT-50."""
    text = {"name": "Run", "action": "ExecuteStateMachine", "inputs": inputs}
    parameters = [{"name": "text", "type": "string", "default": "no JSON"}]

    arn = started(bench, text, parameters=parameters)

    assert bench.finished(arn)["state"]["status"] == "FAILED"
    assert bench.steps(arn)["Run"]["status"] == "FAILED"


def test_a_service_that_is_away_for_a_while_is_asked_again(
    tmp_path: Path, others: OtherServices, name: str
) -> None:
    echo = others.state_machine(name[-70:], Type="Pass")
    away = iter([True] * 5)

    def answer(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        if "DescribeExecution" in asked.headers["x-amz-target"] and next(away, False):
            return 503, {}, b""
        return passed_on(others.url, asked)

    with endpoint(answer) as door, reaching(tmp_path / "state", door.url) as bench:
        arn = started(bench, step(echo))
        bench.built(arn)

        assert "Step Functions failed" in bench.log(arn)
        assert len(others.executions(echo)) == 1


class TestLosingTheServer:
    @pytest.fixture
    def state(self, tmp_path: Path) -> Path:
        return tmp_path / "state"

    @pytest.mark.parametrize(
        ("point", "seconds"),
        [
            (CrashPoint.STEP_STARTED, 0),
            (CrashPoint.EXECUTION_STARTED, 0),
            (CrashPoint.EXECUTION_STARTED, 6),
            (CrashPoint.STEP_ENDED, 0),
        ],
    )
    def test_one_execution_runs_and_its_output_counts(
        self, state: Path, others: OtherServices, name: str, point: CrashPoint, seconds: int
    ) -> None:
        """An execution that is over by then cannot be started again: it is found by its name."""
        machine = others.state_machine(name[-70:], Type="Wait", Seconds=seconds)
        with reaching(state, others.url, IMAGEWRIGHT_CRASH_AT=point.value) as bench:
            arn = started(bench, step(machine, inputs={"input": '{"a": 1}'}))
            assert bench.server.process.wait(BUILD_SECONDS) == -9

        with reaching(state, others.url) as bench:
            bench.built(arn)

            assert json.loads(outputs(bench, arn)["output"]) == {"a": 1}
        assert len(others.executions(machine)) == 1

    def test_a_build_that_was_cancelled_meanwhile_stops_what_ran(
        self, state: Path, others: OtherServices, slow: str
    ) -> None:
        crash_at = CrashPoint.EXECUTION_STARTED.value
        with reaching(state, others.url, IMAGEWRIGHT_CRASH_AT=crash_at) as bench:
            arn = started(bench, step(slow))
            assert bench.server.process.wait(BUILD_SECONDS) == -9
        with sqlite3.connect(state / "imagewright.db") as connection:
            connection.execute("UPDATE builds SET cancel_requested = 1")

        with reaching(state, others.url) as bench:
            assert bench.finished(arn)["state"] == {"status": "CANCELLED"}

            assert bench.steps(arn)["Run"]["status"] == "CANCELLED"
        assert [each["status"] for each in others.executions(slow)] == ["ABORTED"]

    def test_a_time_that_ran_out_meanwhile_stops_what_ran(
        self, state: Path, others: OtherServices, slow: str
    ) -> None:
        crash_at = CrashPoint.EXECUTION_STARTED.value
        with reaching(state, others.url, IMAGEWRIGHT_CRASH_AT=crash_at) as bench:
            arn = started(bench, step(slow))
            assert bench.server.process.wait(BUILD_SECONDS) == -9
        with sqlite3.connect(state / "imagewright.db") as connection:
            begun = "UPDATE step_executions SET started_at = '2020-01-01T00:00:00.000Z'"
            assert connection.execute(f"{begun} WHERE status = 'RUNNING'").rowcount == 1

        with reaching(state, others.url) as bench:
            assert "timed out" in bench.finished(arn)["state"]["reason"]
        assert [each["status"] for each in others.executions(slow)] == ["ABORTED"]


@pytest.mark.parametrize(
    ("status", "code", "passing"),
    [
        (400, "AccessDeniedException", False),
        (400, "InvalidExecutionInput", False),
        (400, "ThrottlingException", True),
        (500, "InternalFailure", True),
    ],
)
def test_only_what_may_pass_is_worth_another_try(status: int, code: str, *, passing: bool) -> None:
    body = b'{"__type": "%s", "message": "no"}' % code.encode()
    with answering(status, body) as url:
        machines = StateMachines(AwsClients(Aws(stepfunctions_endpoint=url)))

        with pytest.raises(ActionError, match=code) as caught:
            machines.describe("arn:aws:states:us-east-1:123456789012:execution:m:n")

    assert isinstance(caught.value, OutOfReachError) is passing


def test_an_express_state_machine_is_refused() -> None:
    """Its executions can be neither described nor found again."""
    arn = b"arn:aws:states:us-east-1:123456789012:express:m:n:1"
    with answering(200, b'{"executionArn": "%s", "startDate": 1}' % arn) as url:
        machines = StateMachines(AwsClients(Aws(stepfunctions_endpoint=url)))

        with pytest.raises(ActionError, match="of type EXPRESS"):
            machines.start(MACHINE, name="n", text="{}")
