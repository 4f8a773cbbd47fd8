"""Loops (``component-documents.md`` §6, §13)."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.environment import RunEnvironment
from imagewright.runner.result import RunResult, StepResult
from imagewright.settings import ComponentLimits


def loop(over: Mapping[str, Any], *commands: str, **keys: object) -> dict[str, object]:
    step = {
        "name": "Loop",
        "action": "ExecuteBash",
        "loop": over,
        "inputs": {"commands": list(commands)},
        **keys,
    }
    before = {
        "name": "Says",
        "action": "ExecuteBash",
        "inputs": {"commands": ["printf 'p;q,r\\n'"]},
    }
    return {
        "parameters": [{"Name": {"type": "string", "default": "web"}}],
        "phases": [{"name": "build", "steps": [before, step]}],
    }


def last(result: RunResult) -> StepResult:
    return result.phases[0].steps[-1]


@pytest.mark.parametrize(
    ("over", "values"),
    [
        ({"for": {"start": 3, "end": 9, "updateBy": 3}}, ["3", "6", "9"]),
        ({"for": {"start": 2, "end": 0, "updateBy": -1}}, ["2", "1", "0"]),
        ({"for": {"start": 0, "end": 5, "updateBy": 2}}, ["0", "2", "4"]),
        ({"for": {"start": 4, "end": 4, "updateBy": 1}}, ["4"]),
        ({"forEach": ["a", "b c", "{{ Name }}"]}, ["a", "b c", "web"]),
        ({"forEach": [1, 0o7, 1.0]}, ["1", "7", "1.0"]),
        ({"forEach": ["{{ build.Says.outputs.stdout }}"]}, ["p;q,r"]),
        ({"forEach": {"list": "a;b", "delimiter": ";"}}, ["a", "b"]),
        ({"forEach": {"list": "a,b,,c,"}}, ["a", "b", "", "c", ""]),
        ({"forEach": {"list": "a\nb", "delimiter": "\n"}}, ["a", "b"]),
        ({"forEach": {"list": "a b", "delimiter": " "}}, ["a", "b"]),
        ({"forEach": {"list": "{{ build.Says.outputs.stdout }}", "delimiter": ";"}}, ["p", "q,r"]),
        ({"forEach": {"list": "a_b", "delimiter": "_"}}, ["a", "b"]),
    ],
)
def test_a_loop_goes_through_its_values(over: dict[str, Any], values: list[str], lab: Lab) -> None:
    result = lab.run(loop({"name": "it", **over}, "echo '<{{ loop.index }}{{ it.value }}>'"))

    rounds = [f"<{index}{value}>" for index, value in enumerate(values)]
    assert last(result).outputs == {"stdout": "\n".join(rounds)}


@pytest.mark.parametrize("over", [{"forEach": []}, {"forEach": {"list": "{{ Empty }}"}}])
def test_a_loop_over_nothing_succeeds_with_nothing(over: dict[str, Any], lab: Lab) -> None:
    document = loop(over, "echo ran")
    document["constants"] = [{"Empty": {"type": "string", "value": ""}}]

    result = lab.run(document)

    assert (last(result).status, last(result).outputs) == ("success", {})


def test_a_failing_round_ends_the_loop_and_gives_nothing(lab: Lab) -> None:
    """§6.2, §6.3."""
    script = "echo {{ loop.value }} | tee -a /opt/runs; [ {{ loop.value }} != b ]"

    result = lab.run(loop({"forEach": ["a", "b", "c"]}, script, onFailure="Ignore"))

    assert last(result).status == "ignoredFailure"
    assert last(result).message == "round 1 of the loop, with 'b', failed: exit status 1"
    assert last(result).outputs == {"stdout": "a"}
    assert lab.read("/opt/runs") == b"a\nb\n"


def test_another_attempt_begins_the_loop_anew(lab: Lab) -> None:
    script = (
        "echo {{ loop.value }} >>/opt/runs; [ {{ loop.value }} = a ] || [ -e /opt/b ] || "
        "{ touch /opt/b; exit 1; }; echo {{ loop.value }}"
    )

    result = lab.run(loop({"forEach": ["a", "b"]}, script, maxAttempts=2))

    assert last(result).outputs == {"stdout": "a\nb"}
    assert lab.read("/opt/runs").split() == [b"a", b"b", b"a", b"b"]


def test_the_time_out_covers_all_rounds_of_an_attempt(lab: Lab) -> None:
    over = {"for": {"start": 1, "end": 50, "updateBy": 1}}

    result = lab.run(loop(over, "sleep 0.4", timeoutSeconds=1))

    assert "timed out after 1 s" in last(result).message


def test_a_loop_has_a_limit(lab: Lab) -> None:
    """O-4."""
    over = {"for": {"start": 1, "end": 10**9, "updateBy": 1}}

    result = lab.run(loop(over, "echo ran"))

    assert last(result).message == (
        "the loop has more than 10,000 rounds, the setting components.loop_rounds_max"
    )


@pytest.mark.parametrize(("end", "status"), [(3, "success"), (4, "failed")])
def test_the_settings_say_how_long_a_loop_may_be(end: int, status: str, lab: Lab) -> None:
    """O-4."""
    over = {"for": {"start": 1, "end": end, "updateBy": 1}}
    environment = RunEnvironment(limits=ComponentLimits(loop_rounds_max=3))

    assert lab.run(loop(over, "echo ran"), environment=environment).status == status


def test_a_value_is_never_read_as_an_expression(lab: Lab) -> None:
    document = loop({"forEach": ["{{ Braces }} Name }}"]}, "echo '{{ loop.value }}'")
    document["constants"] = [{"Braces": {"type": "string", "value": "{{"}}]

    assert last(lab.run(document)).outputs == {"stdout": "{{ Name }}"}
