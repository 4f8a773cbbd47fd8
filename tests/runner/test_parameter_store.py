"""``aws:ssm:`` in components (component-documents.md §3.5)."""

import pytest
from tests.runner.conftest import Lab, bash, steps

from imagewright.masking import StoredText
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused, ModuleFailure

STORE = {"/app/name": "web", "/where": "/app/name", "/list": "a,b", "/app/x": "{{ where }}"}


def read(name: str) -> StoredText:
    if name not in STORE:
        raise ModuleFailure(f"The parameter '{name}' could not be read: ParameterNotFound")
    return StoredText(STORE[name])


@pytest.mark.parametrize(
    ("written", "stdout"),
    [
        ("{{ aws:ssm:/app/name }}", "web"),
        ("{{aws:ssm:/app/name}}-{{ aws:ssm:/list }}", "web-a,b"),
        ("{{ aws:ssm:resolve(where) }}", "web"),
        ("{{ aws:ssm:resolve(aws:ssm:/where) }}", "web"),
        ("{{ aws:ssm:/app/x }}", "{{ where }}"),
    ],
)
def test_a_parameter_is_read_when_its_step_starts(lab: Lab, written: str, stdout: str) -> None:
    """§3.4: what is read is not read again; `resolve` alone is nested."""
    document = {
        "parameters": [{"where": {"type": "string", "default": "/app/name"}}],
        **steps(bash(f"echo '{written}'")),
    }

    result = lab.run(document, environment=RunEnvironment(read_parameter=read))

    assert result.phases[0].steps[0].outputs["stdout"] == stdout


def test_one_that_is_not_there_fails_the_step(lab: Lab) -> None:
    document = steps(bash("echo {{ aws:ssm:/nope }}"))

    result = lab.run(document, environment=RunEnvironment(read_parameter=read))

    assert result.failure is not None
    assert "'/nope' could not be read" in result.failure.message


def test_where_nothing_can_be_asked_the_component_is_refused(lab: Lab) -> None:
    with pytest.raises(ComponentRefused, match="reads `aws:ssm:`: nothing here can be asked"):
        lab.run(steps(bash("echo {{ aws:ssm:/app/name }}")))


@pytest.mark.parametrize(
    ("condition", "is_refused"),
    [
        (None, True),
        ({"stringEquals": "a", "value": "{{ Stage }}"}, True),
        ({"stringEquals": "b", "value": "{{ Stage }}"}, False),
        ({"stringEquals": "a", "value": "{{ Stage }}", "then": "Abort"}, False),
        ({"fileExists": "/etc/passwd"}, True),
    ],
)
def test_missing_access_is_told_before_anything_runs_where_a_step_may_need_it(
    lab: Lab, condition: dict[str, object] | None, is_refused: bool
) -> None:
    keys = {} if condition is None else {"if": condition}
    document = {
        "parameters": [{"Stage": {"type": "string", "default": "a"}}],
        **steps(bash("touch /opt/ran"), bash("echo {{ aws:ssm:/app/name }}", **keys)),
    }
    environment = RunEnvironment(read_parameter=read, no_parameter_store="there is no key")

    if is_refused:
        with pytest.raises(ComponentRefused, match="reads `aws:ssm:`: there is no key"):
            lab.run(document, environment=environment)
    else:
        lab.run(document, environment=environment)
    assert lab.exists("/opt/ran") is not is_refused
