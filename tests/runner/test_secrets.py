"""Secret parameters stay out of all that leaves a run (component-documents.md §3.4, §3.5)."""

import base64
import json
from dataclasses import asdict
from typing import Any

import pytest
import yaml
from tests.runner.conftest import Lab, bash, steps

from imagewright.machines.machine import MachineError
from imagewright.masking import MASK, StoredText
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused, ModuleFailure
from imagewright.runner.result import RunResult

CANARY = "hunter2-Canary+42"
SECRET = "{{ aws:ssm:/secret }}"


def reading(value: str = CANARY) -> RunEnvironment:
    def read(name: str) -> StoredText:
        if name != "/secret":
            raise ModuleFailure(f"'{name}' could not be read")
        return StoredText(value, is_secret=True)

    return RunEnvironment(read_parameter=read)


def all_of(lab: Lab, result: RunResult) -> str:
    """Return all that came out of a run."""
    return json.dumps([*(asdict(event) for event in lab.log.events), asdict(result)])


@pytest.mark.parametrize(
    "step",
    [
        bash(f"echo '{SECRET}'; echo '{SECRET}' >&2"),
        bash(f"echo '{SECRET}' | fold -w 1 >&2; exit 3"),
        bash(f"printf 'user:%s' '{SECRET}' | base64 -w 8"),
        bash("set -e", f"grep '{SECRET}' /dev/null"),
        bash(f"""echo '{{"failureMessage": "no {SECRET}"}}'; exit 1"""),
        bash(f"echo '{SECRET}'", loop={"forEach": ["a", SECRET]}),
        bash("exit 1", loop={"forEach": [SECRET * 6]}),
        {"action": "ExecuteBinary", "inputs": {"path": "/bin/echo", "arguments": [SECRET]}},
        {"action": "ExecuteBinary", "inputs": {"path": f"/no/{SECRET}"}},
        {"action": "CreateFile", "inputs": [{"path": "/secret", "content": SECRET}]},
        {"action": "CreateFile", "inputs": [{"path": f"/{SECRET}/", "content": ""}]},
        {"action": "CreateFolder", "inputs": [{"path": f"/proc/{SECRET}"}]},
        {"action": "CreateFile", "inputs": [{"path": SECRET * 300}]},
        {"action": "Assert", "inputs": {"stringEquals": "a", "value": SECRET}},
        {"action": "WebDownload", "inputs": [{"source": f"http://{SECRET}/", "destination": "/a"}]},
        {"action": "SetFileOwner", "inputs": [{"path": "/etc/passwd", "owner": f"u{SECRET}"}]},
        bash("true", **{"if": {"stringEquals": SECRET, "value": "x", "else": "Abort"}}),
    ],
)
def test_a_secret_is_in_nothing_that_a_step_tells(lab: Lab, step: dict[str, Any]) -> None:
    environment = reading()

    result = lab.run(steps(step), environment=environment)

    told = all_of(lab, result)
    assert environment.secrets
    assert CANARY not in told
    assert not environment.secrets.are_in(told.replace(MASK, "\0"))
    assert "canary" not in told.lower()


def test_later_steps_get_the_secret_itself(lab: Lab) -> None:
    document = steps(
        bash(f"echo 'a {SECRET}'", name="Say"),
        {
            "name": "Write",
            "action": "CreateFile",
            "inputs": [{"path": "/work/f", "content": "{{ build.Say.outputs.stdout }}"}],
        },
        {"name": "Read", "action": "ReadFile", "inputs": [{"path": "/work/f"}]},
        {
            "name": "Same",
            "action": "Assert",
            "inputs": {"stringEquals": "a " + SECRET, "value": "{{ build.Read.outputs.content }}"},
        },
    )

    result = lab.run(document, environment=reading())

    assert result.failure is None, result.failure
    assert lab.read("/work/f").decode() == f"a {CANARY}"
    assert result.phases[0].steps[0].outputs == {"stdout": "a ***"}
    assert result.phases[0].steps[1].inputs[0]["content"] == "a ***"


def test_the_script_of_a_secret_lies_on_no_disk(lab: Lab) -> None:
    result = lab.run(
        steps(bash(f"# {SECRET}", "df --output=fstype $0 | tail -n 1; echo $0")),
        environment=reading(),
    )

    kind, script = result.phases[0].steps[0].outputs["stdout"].splitlines()
    assert kind == "tmpfs"
    assert not lab.exists(script)


def test_a_run_is_saved_without_its_secrets_and_goes_on_with_them(lab: Lab) -> None:
    """The values are read again; what was made of one is made of the value as it is now."""
    document = steps(
        bash(f"echo 'a {SECRET}'", name="Say"),
        {"name": "Restart", "action": "Reboot"},
        {
            "name": "Write",
            "action": "CreateFile",
            "inputs": [
                {"path": "/work/said", "content": "{{ build.Say.outputs.stdout }}"},
                {"path": "/work/script", "content": "{{ build.Say.inputs.commands }}"},
            ],
        },
    )
    saved: list[dict[str, Any]] = []
    lab.run(document, environment=reading(), save=lambda state: saved.append(_copy(state)))
    at_restart = next(state for state in saved if state["reboot_pending"])
    assert "Canary" not in json.dumps(saved)
    lab.sh("rm /work/*")

    result = lab.run(document, environment=reading("another one"), saved=at_restart)

    assert result.failure is None, result.failure
    assert lab.read("/work/said").decode() == "a another one"
    assert lab.read("/work/script").decode() == "echo 'a another one'"
    assert "another one" not in all_of(lab, result)


def test_the_pieces_of_a_secret_that_a_loop_goes_through_are_secret_too(lab: Lab) -> None:
    """Also where the run goes on in another process, in the midst of the loop."""
    echo = bash(
        "echo 'a {{ each.value }}' >>/work/said; echo '{{ each.value }}' | base64",
        "[ -e /work/once ] || { touch /work/once; exit 194; }",
        loop={"name": "each", "forEach": {"list": SECRET, "delimiter": ";"}},
    )
    saved: list[dict[str, Any]] = []

    def keep(state: dict[str, Any]) -> None:
        saved.append(_copy(state))

    first = lab.run(steps(echo), environment=reading("one-Canary;two-Canary"), save=keep)
    at_restart = next(state for state in saved if state["reboot_pending"])
    second = lab.run(
        steps(echo, bash("cat /work/said")),
        environment=reading("one-Canary;two-Canary"),
        saved=at_restart,
        save=keep,
    )

    assert lab.read("/work/said").decode() == (
        "a one-Canary\na one-Canary\na two-Canary\n" + "a one-Canary\na two-Canary\n"
    )
    told = (all_of(lab, first) + all_of(lab, second) + json.dumps(saved)).lower()
    assert "canary" not in told
    assert base64.b64encode(b"one-Canary").decode()[:12].lower() not in told


def test_a_run_whose_secret_is_gone_does_not_go_on(lab: Lab) -> None:
    document = steps(bash(f"echo '{SECRET}'"), {"name": "Restart", "action": "Reboot"})
    saved: list[dict[str, Any]] = []
    lab.run(document, environment=reading(), save=lambda state: saved.append(_copy(state)))

    def read(name: str) -> StoredText:
        raise ModuleFailure(f"'{name}' could not be read")

    with pytest.raises(ComponentRefused, match="cannot be taken up: '/secret' could not be read"):
        lab.run(document, environment=RunEnvironment(read_parameter=read), saved=saved[-1])


def test_a_machine_that_fails_does_not_tell_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    real = type(lab.machine).run

    def run(machine: Any, command: Any, **options: Any) -> Any:
        if CANARY in " ".join(command.argv):
            raise MachineError(f"cannot run {command.argv}")
        return real(machine, command, **options)

    monkeypatch.setattr(type(lab.machine), "run", run)

    with pytest.raises(MachineError) as caught:
        lab.run(
            steps({"action": "CreateFile", "inputs": [{"path": f"/{SECRET}"}]}),
            environment=reading(),
        )

    assert "cannot run" in str(caught.value)
    assert "Canary" not in str(caught.value)


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(state))
    return copied


@pytest.mark.parametrize("code", [0, 3])
def test_a_secret_of_a_document_within_is_told_and_kept_as_little(lab: Lab, code: int) -> None:
    """§7.1, ExecuteDocument."""
    within = steps(bash(f"echo '{SECRET}'; echo '{SECRET}' >&2; exit {code}"))
    lab.write("/opt/in.yaml", yaml.safe_dump({"schemaVersion": "1.0", **within}))
    kept: list[str] = []

    result = lab.run(
        steps({"action": "ExecuteDocument", "inputs": {"document": "/opt/in.yaml"}}),
        environment=reading(),
        save=lambda state: kept.append(json.dumps(state)),
    )

    assert (result.status == "success") == (code == 0)
    assert MASK in all_of(lab, result)
    assert CANARY not in all_of(lab, result)
    assert CANARY not in "".join(kept)
