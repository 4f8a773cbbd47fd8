"""The command document of Systems Manager, schema 2.2: what is read of it, and what is refused."""

import json
from typing import Any

import pytest

from imagewright.documents.command.binding import BadCommandParameters, ReadyPlugin, bind, problems
from imagewright.documents.command.document import BadCommandDocument, load_command_document
from imagewright.documents.specs import UNKNOWN
from imagewright.managed import COMMANDS, command_document


def plugin(name: str = "one", *, action: str = "aws:runShellScript", **more: Any) -> dict[str, Any]:
    return {"name": name, "action": action, "inputs": {"runCommand": ["true"]}, **more}


def text(*plugins: dict[str, Any], parameters: Any = None, **more: Any) -> str:
    content = {"schemaVersion": "2.2", "mainSteps": list(plugins) or [plugin()], **more}
    return json.dumps(content | ({"parameters": parameters} if parameters else {}))


def ready(
    parameters: dict[str, Any], inputs: dict[str, Any], given: dict[str, list[str]], **more: Any
) -> ReadyPlugin:
    document = load_command_document(
        text({**plugin(**more), "inputs": inputs}, parameters=parameters)
    )
    (only,) = bind(document, given, platform="Linux")
    return only


@pytest.mark.parametrize("name", COMMANDS)
def test_the_shipped_ones_are_read(name: str) -> None:
    shipped = command_document(name)

    assert shipped is not None
    assert load_command_document(shipped).main_steps


BAD = {
    "no map": ("[]", "it must be a map"),
    "no YAML": ("{", "line 2, column 1: a value is missing here"),
    "an older language": ('{"schemaVersion": "1.2", "runtimeConfig": {}}', "schemaVersion '2.2'"),
    "no plugins": (text().replace('"mainSteps"', '"steps"'), "mainSteps` is missing"),
    "an unknown plugin": (text(plugin(action="aws:runShelScript")), "did you mean aws:runShell"),
    "another plugin": (text(plugin(action="aws:runDockerAction")), "there are aws:runShellScript"),
    "two of a name": (text(plugin(), plugin()), "two of the mainSteps are called 'one'"),
    "an unknown input": (text({**plugin(), "inputs": {"x": 1}}), "has no input 'x'"),
    "no script": (text({**plugin(), "inputs": {}}), "needs the input runCommand"),
    "an early end": (text(plugin(finallyStep=True), plugin("two")), "only the last may have"),
    "a bad pattern": (
        text(parameters={"p": {"type": "String", "allowedPattern": "("}}),
        "is not RE2",
    ),
    "an unknown type": (text(parameters={"p": {"type": "Text"}}), "must be"),
    "half a precondition": (
        text(plugin(precondition={"StringEquals": ["platformType"]})),
        "StringEquals",
    ),
}


@pytest.mark.parametrize(("document", "why"), BAD.values(), ids=list(BAD))
def test_what_is_no_command_document_is_refused_with_its_reason(document: str, why: str) -> None:
    with pytest.raises(BadCommandDocument) as caught:
        load_command_document(document)

    assert why in str(caught.value)


MISFITS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "missing": ({"type": "String"}, None, "'p' is missing"),
    "two for one": ({"type": "String"}, ["a", "b"], "a list of one text, not of 2"),
    "no number": ({"type": "Integer"}, ["x"], "must be a whole number"),
    "no truth": ({"type": "Boolean"}, ["yes"], "must be true or false"),
    "no JSON": ({"type": "StringMap"}, ["{"], "must be JSON"),
    "not allowed": ({"type": "String", "allowedValues": ["a"]}, ["b"], "must be one of a, not 'b'"),
    "against the pattern": (
        {"type": "String", "allowedPattern": "^[a-z]+$"},
        ["A"],
        "must match ^[a-z]+$, which 'A' does not",
    ),
    "too long": ({"type": "String", "maxChars": 2}, ["abc"], "has 3 characters"),
    "too few": ({"type": "StringList", "minItems": 2}, ["a"], "has 1 entries"),
    "one entry of many": ({"type": "StringList", "allowedValues": ["a"]}, ["a", "b"], "not 'b'"),
}


@pytest.mark.parametrize(("declared", "value", "why"), MISFITS.values(), ids=list(MISFITS))
def test_parameters_that_do_not_fit_are_refused(
    declared: dict[str, Any], value: Any, why: str
) -> None:
    document = load_command_document(text(parameters={"p": declared}))
    given = {} if value is None else {"p": value}

    with pytest.raises(BadCommandParameters) as caught:
        bind(document, given, platform="Linux")

    assert why in str(caught.value)


def test_what_only_the_run_brings_is_taken_to_be_right() -> None:
    declared = {"type": "StringList", "allowedValues": ["a"]}
    document = load_command_document(text(parameters={"p": declared, "q": declared}))

    assert [*problems(document, {"p": UNKNOWN, "q": ["b", UNKNOWN]})] == []
    assert [*problems(document, {"p": UNKNOWN, "q": ["a"], "pp": ["a"]})] == [
        "there is no parameter 'pp'; it has p, q"
    ]


LINES: dict[str, tuple[dict[str, Any], Any, dict[str, list[str]], str]] = {
    "a default": ({"p": {"type": "String", "default": "d"}}, ["echo {{ p }}"], {}, "echo d\n"),
    "given": ({"p": {"type": "String"}}, ["echo {{p}}!"], {"p": ["g"]}, "echo g!\n"),
    "a list for the script": (
        {"p": {"type": "StringList"}},
        "{{ p }}",
        {"p": ["a", "b"]},
        "a\nb\n",
    ),
    "a list among lines": (
        {"p": {"type": "StringList"}},
        ["set -e", "{{ p }}"],
        {"p": ["a", "b"]},
        "set -e\na\nb\n",
    ),
    "a list within a line": (
        {"p": {"type": "StringList"}},
        ["echo '{{ p }}'"],
        {"p": ["a", "b"]},
        'echo \'["a", "b"]\'\n',
    ),
    "a number": ({"p": {"type": "Integer", "default": 3}}, ["sleep {{ p }}"], {}, "sleep 3\n"),
    "braces of others": ({}, ["echo {{ .Names }} {{ x }}"], {}, "echo {{ .Names }} {{ x }}\n"),
    "once only": (
        {"p": {"type": "String"}, "q": {"type": "String", "default": "Q"}},
        ["echo {{ p }}"],
        {"p": ["{{ q }}"]},
        "echo {{ q }}\n",
    ),
}


@pytest.mark.parametrize(
    ("parameters", "lines", "given", "script"), LINES.values(), ids=list(LINES)
)
def test_parameters_are_filled_in(
    parameters: dict[str, Any], lines: Any, given: dict[str, list[str]], script: str
) -> None:
    filled = ready(parameters, {"runCommand": lines}, given)

    assert filled.text == script


def test_a_parameter_may_come_through_the_environment() -> None:
    declared = {"p": {"type": "String", "interpolationType": "ENV_VAR"}}

    filled = ready(declared, {"runCommand": ['echo "$SSM_p"']}, {"p": ["$(reboot)"]})

    assert (filled.text, filled.environment) == ('echo "$SSM_p"\n', {"SSM_p": "$(reboot)"})


@pytest.mark.parametrize(
    ("sides", "runs"),
    [
        (["platformType", "Linux"], True),
        (["platformType", "Windows"], False),
        (["{{ p }}", "on"], True),
        (["{{ p }}", "off"], False),
    ],
)
def test_a_precondition_decides(sides: list[str], runs: bool) -> None:
    declared = {"p": {"type": "String", "default": "on"}}

    found = ready(declared, {"runCommand": "true"}, {}, precondition={"StringEquals": sides})

    assert (found.skipped_because == "") is runs


@pytest.mark.parametrize("seconds", ["0", "172801", "soon", "-1"])
def test_a_plugins_time_has_bounds(seconds: str) -> None:
    with pytest.raises(BadCommandParameters, match="may take 1 to 172800 seconds"):
        ready({}, {"runCommand": "true", "timeoutSeconds": seconds}, {})
