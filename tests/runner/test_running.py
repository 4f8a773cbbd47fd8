"""Running components: order, failures, attempts, time-outs, conditions (§4, §5.1, §13)."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.module import Module
from imagewright.runner.modules.table import MODULES
from imagewright.runner.reporting import (
    Event,
    Notice,
    OutputLine,
    PhaseEnded,
    PhaseStarted,
    StepEnded,
    StepStarted,
)
from imagewright.runner.result import RunResult


def bash(*commands: str, **keys: object) -> dict[str, object]:
    return {"action": "ExecuteBash", "inputs": {"commands": list(commands)}, **keys}


def phase(name: str, *steps: Mapping[str, object]) -> dict[str, object]:
    named = [{"name": f"S{number}", **step} for number, step in enumerate(steps)]
    return {"name": name, "steps": named}


def build(*steps: Mapping[str, object]) -> dict[str, object]:
    return {"phases": [phase("build", *steps)]}


def statuses(result: RunResult) -> list[str]:
    return [step.status.value for phase in result.phases for step in phase.steps]


def printed(lab: Lab) -> list[str]:
    return [event.text for event in lab.log.of(OutputLine) if isinstance(event, OutputLine)]


class Deaf:
    """A reporter that lets a run be cancelled at the first line of output."""

    def __init__(self) -> None:
        self.heard = threading.Event()

    def report(self, event: Event) -> None:
        if isinstance(event, OutputLine):
            self.heard.set()


def test_phases_run_in_the_documents_order_and_only_those_asked_for(lab: Lab) -> None:
    """§2.5, §4.1."""
    document = {
        "phases": [
            phase("validate", bash("echo validate")),
            phase("build", bash("echo build")),
            phase("test", bash("echo test")),
        ]
    }

    result = lab.run(document, phases=["build", "validate", "nothing"])

    assert printed(lab) == ["validate", "build"]
    assert [phase.phase for phase in result.phases] == ["validate", "build"]
    assert result.status == "success"


def test_a_component_without_the_phases_asked_for_succeeds_with_nothing_done(lab: Lab) -> None:
    result = lab.run(build(bash("echo a")), phases=["test"])

    assert (result.status, result.phases, result.executed_step_count) == ("success", (), 0)


@pytest.mark.parametrize(
    ("on_failure", "step", "run", "after", "counts"),
    [
        ("Abort", "failed", "failed", [], (1, 1, 0)),
        ("Continue", "failed", "failed", ["next step", "next phase"], (3, 1, 0)),
        (
            "Ignore",
            "ignoredFailure",
            "successWithIgnoredFailure",
            ["next step", "next phase"],
            (3, 0, 1),
        ),
    ],
)
def test_what_a_failure_means(
    on_failure: str,
    step: str,
    run: str,
    after: list[str],
    counts: tuple[int, int, int],
    lab: Lab,
) -> None:
    """§4.3."""
    document = {
        "phases": [
            phase("build", bash("exit 7", onFailure=on_failure), bash("echo next step")),
            phase("validate", bash("echo next phase")),
        ]
    }

    result = lab.run(document)

    assert result.status == run
    assert result.phases[0].status == run
    assert statuses(result)[0] == step
    assert printed(lab) == after
    assert counts == (
        result.executed_step_count,
        result.failed_step_count,
        result.ignored_failed_step_count,
    )


def test_the_first_failure_is_the_one_that_is_told(lab: Lab) -> None:
    """§10.3."""
    document = build(
        bash("exit 1", onFailure="Ignore"),
        bash("echo why >&2; exit 2", onFailure="Continue"),
        bash("exit 3"),
    )

    result = lab.run(document)

    assert result.failure is not None
    assert (result.failure.phase, result.failure.step) == ("build", "S1")
    assert (result.failure.action, result.failure.message) == ("ExecuteBash", "exit status 2")
    assert result.failure.last_lines == "why"


_FLAKY = "echo x >>/opt/tries; [ $(wc -l </opt/tries) -ge {} ]"


@pytest.mark.parametrize(
    ("succeeds_at", "attempts_max", "status", "attempts"),
    [(1, 1, "success", 1), (3, 3, "success", 3), (3, 2, "failed", 2), (2, 9, "success", 2)],
)
def test_a_step_is_tried_again(
    succeeds_at: int, attempts_max: int, status: str, attempts: int, lab: Lab
) -> None:
    """§4.2, §13 Retries."""
    document = build(bash(_FLAKY.format(succeeds_at), maxAttempts=attempts_max))

    result = lab.run(document)

    (step,) = result.phases[0].steps
    assert (step.status, step.attempts) == (status, attempts)
    started = [event.attempt for event in lab.log.of(StepStarted) if isinstance(event, StepStarted)]
    assert started == list(range(1, attempts + 1))
    assert len(lab.log.of(StepEnded)) == 1


def test_a_time_out_ends_the_whole_tree_and_every_attempt_has_its_own(lab: Lab) -> None:
    document = build(
        bash(
            "echo x >>/opt/tries",
            "(sleep 6; touch /opt/survived) & sleep 60",
            timeoutSeconds=2,
            maxAttempts=2,
            onFailure="Continue",
        ),
        bash("sleep 5"),
    )
    started = time.monotonic()

    result = lab.run(document)

    assert time.monotonic() - started < 55
    assert result.failure is not None
    assert result.failure.message == (
        "timed out after 2 s, the step's timeoutSeconds (attempt 2 of 2)"
    )
    assert lab.read("/opt/tries") == b"x\nx\n"
    assert not lab.exists("/opt/survived")


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ({"stringEquals": "a", "value": "a"}, "success"),
        ({"stringEquals": "a", "value": "b"}, "skipped"),
        ({"stringEquals": "a", "value": "b", "else": "Execute"}, "success"),
        ({"stringEquals": "a", "value": "a", "then": "Skip"}, "skipped"),
        ({"stringEquals": "a", "value": "a", "then": "Abort"}, "failed"),
        ({"fileExists": "/no/such", "else": "Abort"}, "failed"),
        ({"not": {"fileExists": "/no/such", "then": "Skip"}}, "skipped"),
        ({"stringEquals": "{{ Given }}", "value": "{{ Given }}"}, "success"),
        ({"patternMatches": "^Test", "value": "{{ context:osName }}"}, "success"),
    ],
)
def test_a_condition_decides_about_its_step(keys: dict[str, object], status: str, lab: Lab) -> None:
    """§5.1."""
    document = {
        "parameters": [{"Given": {"type": "string", "default": "x"}}],
        **build({**bash("echo ran"), "if": keys}),
    }

    result = lab.run(document)

    assert statuses(result) == [status]
    assert printed(lab) == (["ran"] if status == "success" else [])
    assert result.executed_step_count == (0 if status == "skipped" else 1)


def test_an_aborting_condition_is_not_tried_again_and_says_what_it_was(lab: Lab) -> None:
    """O-22."""
    document = build(
        {
            **bash("echo ran", maxAttempts=3, onFailure="Continue"),
            "if": {"fileExists": "/no/such", "else": "Abort"},
        },
        bash("echo next"),
    )

    result = lab.run(document)

    assert result.failure is not None
    assert result.failure.message == "the step's condition says to abort: fileExists /no/such"
    assert len(lab.log.of(StepStarted)) == 2
    assert printed(lab) == ["next"]


def test_parameters_come_from_the_caller_or_the_document(lab: Lab) -> None:
    document = {
        "parameters": [
            {"Given": {"type": "string", "default": "default"}},
            {"Left": {"type": "string", "default": "default"}},
        ],
        "constants": [{"Fixed": {"type": "string", "value": 1.0}}],
        **build(bash("echo {{ Given }} {{ Left }} {{ Fixed }}")),
    }

    lab.run(document, parameters={"Given": "mine", "Fixed": "no", "Unknown": "x"})

    assert printed(lab) == ["mine default 1.0"]


def test_each_item_of_a_list_may_be_one_of_the_allowed_values(lab: Lab) -> None:
    """O-24, O-25: as many of them as one likes, by default and given."""
    allowed = {"type": "stringList", "allowedValues": ["a", "b", "c"]}
    document = {
        "parameters": [
            {"Left": {**allowed, "default": ["a", "b"]}},
            {"Given": {**allowed, "default": "a"}},
        ],
        **build(bash("echo {{ Given }} {{ Left }}")),
    }

    lab.run(document, parameters={"Given": "b,c"})

    assert printed(lab) == ["b,c a,b"]


@pytest.mark.parametrize(
    ("definition", "given", "message"),
    [
        ({}, {}, "the parameter `Given` has no default and was given no value"),
        (
            {"allowedValues": ["stable", "beta"], "default": "stable"},
            {"Given": "Stable"},
            "the parameter `Given` must be `stable` or `beta`, not `Stable`; "
            "did you mean `stable`?",
        ),
        (
            {"type": "stringList", "allowedValues": ["stable", "beta"]},
            {"Given": "beta,Stable"},
            "the parameter `Given` must be `stable` or `beta`, not `Stable`; "
            "did you mean `stable`?",
        ),
    ],
)
def test_a_bad_parameter_refuses_the_run_before_anything_is_done(
    definition: dict[str, Any], given: dict[str, str], message: str, lab: Lab
) -> None:
    """§2.3, O-25."""
    document = {
        "parameters": [{"Given": {"type": "string", **definition}}],
        **build(bash("touch /opt/ran")),
    }

    with pytest.raises(ComponentRefused) as caught:
        lab.run(document, parameters=given)

    assert str(caught.value) == message
    assert not lab.exists("/opt/ran")


_UNBUILT = {"action": "ReadFile", "inputs": [{"path": "/opt/a"}]}
_LACKING = {**MODULES, "ReadFile": Module(MODULES["ReadFile"].spec)}
"""The modules of a release that cannot run one of them."""


@pytest.mark.parametrize(
    ("step", "refused"),
    [
        (_UNBUILT, True),
        ({**_UNBUILT, "if": {"fileExists": "/no/such"}}, True),
        ({**_UNBUILT, "if": {"stringEquals": "on", "value": "{{ Web }}"}}, False),
        ({**_UNBUILT, "if": {"stringEquals": "off", "value": "{{ Web }}"}}, True),
        (
            {**_UNBUILT, "if": {"stringEquals": "on", "value": "{{ build.S0.outputs.stdout }}"}},
            True,
        ),
    ],
)
def test_what_this_release_cannot_run_is_refused_by_name_unless_it_is_certain_to_be_skipped(
    step: dict[str, object], refused: bool, lab: Lab
) -> None:
    document = {
        "constants": [{"Web": {"type": "string", "value": "off"}}],
        **build(bash("touch /opt/ran"), step),
    }

    if not refused:
        assert statuses(lab.run(document, modules=_LACKING)) == ["success", "skipped"]
        return
    with pytest.raises(ComponentRefused) as caught:
        lab.run(document, modules=_LACKING)

    assert "step 'S1' in phase 'build'" in str(caught.value)
    assert "this release cannot" in str(caught.value)
    assert not lab.exists("/opt/ran")


def test_what_stands_in_a_phase_not_asked_for_is_not_refused(lab: Lab) -> None:
    document = {"phases": [phase("build", bash("true")), phase("test", _UNBUILT)]}

    assert lab.run(document, phases=["build"], modules=_LACKING).status == "success"


def test_a_step_without_logging_leaves_no_trace_but_can_be_read_from(lab: Lab) -> None:
    """§2.6 disableLogging."""
    secret = "s3cr3t"
    document = build(
        bash(f"echo {secret}; echo {secret} >&2", disableLogging=True),
        bash("[ '{{ build.S0.outputs.stdout }}' = s3cr3t ] && echo same"),
        bash(f"echo {secret} >&2; echo {secret}; exit 3", disableLogging=True),
    )

    result = lab.run(document)

    assert result.failure is not None
    assert (
        result.failure.message == "ExecuteBash failed with exit status 3; its logging is disabled"
    )
    assert "same" in printed(lab)
    first, second, third = result.phases[0].steps
    assert secret in str(second.inputs)
    assert secret not in f"{lab.log.events} {first} {third} {result.failure}"


def test_cancelling_ends_the_running_command_and_nothing_follows(lab: Lab) -> None:
    cancel, reporter, states = threading.Event(), Deaf(), list[dict[str, Any]]()
    document = build(bash("echo up; sleep 60", onFailure="Continue"), bash("touch /opt/next"))
    results: list[RunResult] = []

    def run() -> None:
        results.append(lab.run(document, cancel=cancel, reporter=reporter, save=states.append))

    thread = threading.Thread(target=run)
    thread.start()
    assert reporter.heard.wait(120)
    cancelled_at = time.monotonic()
    cancel.set()
    thread.join(120)

    (result,) = results
    assert time.monotonic() - cancelled_at < 30
    assert (result.status, statuses(result)) == ("cancelled", ["cancelled"])
    assert result.failure is None
    assert lab.names("/opt") == []
    assert lab.names("/tmp") == []
    assert lab.run(document, saved=states[-1]).status == "cancelled"
    assert lab.names("/opt") == []


def test_events_come_in_the_order_of_what_happened(lab: Lab) -> None:
    lab.run(build(bash("echo a"), {"action": "CreateFolder", "inputs": {"path": "/opt/a"}}))

    told = [
        (type(event).__name__, getattr(event, "step", None))
        for event in lab.log.events
        if not isinstance(event, Notice)
    ]
    assert told == [
        ("PhaseStarted", None),
        ("StepStarted", "S0"),
        ("CommandStarted", "S0"),
        ("OutputLine", "S0"),
        ("CommandEnded", "S0"),
        ("StepEnded", "S0"),
        ("StepStarted", "S1"),
        ("StepEnded", "S1"),
        ("PhaseEnded", None),
    ]
    (ended,) = lab.log.of(PhaseEnded)
    assert isinstance(ended, PhaseEnded)
    assert (ended.phase, ended.status) == ("build", "success")
    assert lab.log.of(PhaseStarted) == [PhaseStarted("build")]


def test_the_working_directory_is_made_if_it_is_not_there(lab: Lab) -> None:
    lab.run(build(bash("pwd")), environment=RunEnvironment(working_directory="/srv/not/yet"))

    assert printed(lab) == ["/srv/not/yet"]


def test_a_working_directory_that_cannot_be_made_refuses_the_run(lab: Lab) -> None:
    environment = RunEnvironment(working_directory="/etc/passwd/no")

    with pytest.raises(ComponentRefused, match="the working directory cannot be made: mkdir"):
        lab.run(build(bash("pwd")), environment=environment)
