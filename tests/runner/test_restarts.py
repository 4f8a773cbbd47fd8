"""Restarts of the machine, and taking a run up again (§4.5, §4.6, O-9)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.environment import RunEnvironment
from imagewright.runner.reporting import Rebooting, StepStarted
from imagewright.runner.result import RunResult
from imagewright.settings import ComponentLimits


def bash(*commands: str, **keys: object) -> dict[str, object]:
    return {"action": "ExecuteBash", "inputs": {"commands": list(commands)}, **keys}


def build(*steps: Mapping[str, object]) -> dict[str, object]:
    named = [{"name": f"S{number}", **step} for number, step in enumerate(steps)]
    return {"phases": [{"name": "build", "steps": named}]}


ONCE = "echo x >>/opt/runs; [ $(wc -l </opt/runs) -ge 2 ] || exit 194; echo done"
REBOOT: dict[str, object] = {"action": "Reboot"}


def lines(lab: Lab, path: str) -> list[str]:
    return lab.read(path).decode().splitlines()


def outputs(result: RunResult) -> list[dict[str, str]]:
    return [step.outputs for phase in result.phases for step in phase.steps]


def test_exit_code_194_restarts_and_runs_the_same_step_again(lab: Lab) -> None:
    """§13 Reboot."""
    result = lab.run(build(bash(ONCE), bash("echo next >>/opt/runs")))

    assert (result.status, result.reboots) == ("success", 1)
    assert lines(lab, "/opt/runs") == ["x", "x", "next"]
    assert outputs(result)[0] == {"stdout": "done"}
    assert lab.log.of(Rebooting) == [Rebooting("build", "S0", 1, True)]
    started = [e.step for e in lab.log.of(StepStarted) if isinstance(e, StepStarted)]
    assert started == ["S0", "S0", "S1"]


def test_a_binary_may_ask_for_it_too(lab: Lab) -> None:
    result = lab.run(
        build({"action": "ExecuteBinary", "inputs": {"path": "bash", "arguments": ["-c", ONCE]}})
    )

    assert (result.status, result.reboots) == ("success", 1)


def test_behind_the_reboot_module_the_next_step_runs(lab: Lab) -> None:
    result = lab.run(build(bash("echo a >>/opt/runs"), REBOOT, bash("echo b >>/opt/runs")))

    assert (result.status, result.reboots) == ("success", 1)
    assert lines(lab, "/opt/runs") == ["a", "b"]


def test_a_restart_takes_no_attempt(lab: Lab) -> None:
    """O-9."""
    script = ONCE.replace("echo done", "[ $(wc -l </opt/runs) -ge 3 ]")

    result = lab.run(build(bash(script, maxAttempts=2)))

    assert result.status == "success"
    assert result.phases[0].steps[0].attempts == 2
    assert lines(lab, "/opt/runs") == ["x", "x", "x"]


@pytest.mark.parametrize("limit", [0, 3, 15])
def test_a_run_restarts_the_machine_only_so_often(limit: int, lab: Lab) -> None:
    document = build(bash("echo x >>/opt/runs; exit 194"))

    result = lab.run(
        document, environment=RunEnvironment(limits=ComponentLimits(restarts_max=limit))
    )

    assert (result.status, result.reboots) == ("failed", limit)
    assert result.failure is not None
    assert result.failure.message == (
        f"the run asked for more than {limit} restarts of the machine, "
        "the setting components.restarts_max; "
        "a script that exits 194 runs again, until it exits 0"
    )
    assert len(lines(lab, "/opt/runs")) == limit + 1


def test_a_condition_is_evaluated_once_restarts_or_not(lab: Lab) -> None:
    """§5.1."""
    guarded = {**bash("touch /opt/marker; " + ONCE), "if": {"not": {"fileExists": "/opt/marker"}}}

    result = lab.run(build(guarded))

    assert (result.status, outputs(result)) == ("success", [{"stdout": "done"}])


def test_a_restart_in_a_loop_repeats_its_round(lab: Lab) -> None:
    """O-9."""
    script = (
        "echo {{ loop.value }} >>/opt/runs; "
        "[ {{ loop.value }} != b ] || [ -e /opt/up ] || { touch /opt/up; exit 194; }; "
        "echo {{ loop.index }}{{ loop.value }}"
    )

    result = lab.run(build(bash(script, loop={"forEach": ["a", "b", "c"]})))

    assert (result.status, result.reboots) == ("success", 1)
    assert lines(lab, "/opt/runs") == ["a", "b", "b", "c"]
    assert outputs(result) == [{"stdout": "0a\n1b\n2c"}]


def test_the_reboot_module_in_a_loop_goes_on_with_the_next_round(lab: Lab) -> None:
    """O-9."""
    result = lab.run(
        build({**REBOOT, "loop": {"for": {"start": 1, "end": 3, "updateBy": 1}}}, bash("echo up"))
    )

    assert (result.status, result.reboots) == ("success", 3)
    assert [e.runs_again for e in lab.log.of(Rebooting) if isinstance(e, Rebooting)] == [
        True,
        True,
        False,
    ]


class Crash(Exception):
    """Whoever drives the run dies."""


class Notebook:
    """Keeps the state as JSON text, and dies at the nth save."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.dies_at = dies_at
        self.texts: list[str] = []

    def save(self, state: dict[str, Any]) -> None:
        self.texts.append(json.dumps(state))
        if len(self.texts) == self.dies_at:
            raise Crash

    @property
    def last(self) -> dict[str, Any]:
        state = json.loads(self.texts[-1])
        assert isinstance(state, dict)
        return state


def test_a_run_goes_on_where_it_was_saved_last_whenever_its_driver_dies(lab: Lab) -> None:
    """Every save is a crash point; each effect is there once, for none falls between two saves."""
    document = build(
        bash("echo first >>/opt/$RUN; echo out"),
        REBOOT,
        {
            **bash("echo '{{ build.S0.outputs.stdout }} {{ loop.value }}' >>/opt/$RUN"),
            "if": {"stringEquals": "out", "value": "{{ build.S0.outputs.stdout }}"},
            "loop": {"forEach": ["a", "b"]},
        },
    )
    whole = Notebook()
    lab.run(document, save=whole.save, environment=RunEnvironment(variables={"RUN": "whole"}))
    expected = lines(lab, "/opt/whole")
    assert expected == ["first", "out a", "out b"]

    for dies_at in range(1, len(whole.texts) + 1):
        environment = RunEnvironment(variables={"RUN": f"crash{dies_at}"})
        notebook = Notebook(dies_at)
        with pytest.raises(Crash):
            lab.run(document, save=notebook.save, environment=environment)

        result = lab.run(document, saved=notebook.last, environment=environment)

        assert result.status == "success"
        assert result.reboots == 1
        assert lines(lab, f"/opt/crash{dies_at}") == expected


LOOPS: dict[str, object] = {
    "for": {"for": {"start": 2, "end": 6, "updateBy": 2}},
    "forEach": {"forEach": ["2", "4", "6"]},
    "delimited": {"forEach": {"list": "2;4;6", "delimiter": ";"}},
}


@pytest.mark.parametrize("kind", LOOPS)
def test_a_loop_goes_on_at_its_round_whenever_its_driver_dies(kind: str, lab: Lab) -> None:
    """O-9: by exit code the middle round runs again; by module the next one follows."""
    middle = (
        "[ {{ loop.value }} != 4 ] || [ -e /opt/up-$RUN ] || { touch /opt/up-$RUN; exit 194; }; "
        "echo {{ loop.index }}:{{ loop.value }} >>/opt/$RUN; echo {{ loop.value }}"
    )
    document = build(
        bash(middle, loop=LOOPS[kind]),
        {**REBOOT, "loop": LOOPS[kind]},
        bash("echo '{{ build.S0.outputs.stdout }}' >>/opt/$RUN"),
    )
    whole = Notebook()
    lab.run(document, save=whole.save, environment=RunEnvironment(variables={"RUN": "whole"}))
    expected = ["0:2", "1:4", "2:6", "2", "4", "6"]
    assert lines(lab, "/opt/whole") == expected

    for dies_at in range(1, len(whole.texts) + 1):
        environment = RunEnvironment(variables={"RUN": f"crash{dies_at}"})
        notebook = Notebook(dies_at)
        with pytest.raises(Crash):
            lab.run(document, save=notebook.save, environment=environment)

        result = lab.run(document, saved=notebook.last, environment=environment)

        assert (result.status, result.reboots) == ("success", 4)
        assert lines(lab, f"/opt/crash{dies_at}") == expected


def test_a_restart_within_a_loop_ends_what_its_round_had_running(lab: Lab) -> None:
    """§4.6: what lies on the disk stays; processes and what lay in memory do not."""
    script = (
        "if [ {{ loop.value }} = b ] && [ ! -e /opt/pid ]; then touch /run/lost; "
        "nohup sleep 600 >/dev/null 2>&1 & echo $! >/opt/pid; exit 194; fi; "
        "[ ! -e /run/lost ] && ! grep -lxs sleep /proc/[0-9]*/comm"
    )

    result = lab.run(build(bash(script, loop={"forEach": ["a", "b", "c"]})))

    assert (result.status, result.reboots) == ("success", 1)


def test_a_restart_that_was_due_is_made_up_for(lab: Lab) -> None:
    document = build(REBOOT, bash("echo up"))
    notebook = Notebook(dies_at=1)
    with pytest.raises(Crash):
        lab.run(document, save=notebook.save)
    assert notebook.last["reboot_pending"] is True
    lab.sh("touch /run/before")

    result = lab.run(document, saved=notebook.last, save=notebook.save)

    assert not lab.exists("/run/before")
    assert (result.status, result.reboots) == ("success", 1)
    assert notebook.last["reboot_pending"] is False


def test_a_finished_run_that_is_taken_up_does_nothing_more(lab: Lab) -> None:
    document = build(bash("echo x >>/opt/runs; exit 1"), bash("echo y >>/opt/runs"))
    notebook = Notebook()
    first = lab.run(document, save=notebook.save)

    again = lab.run(document, saved=notebook.last)

    assert lines(lab, "/opt/runs") == ["x"]
    assert again == first
