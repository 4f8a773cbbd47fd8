"""Reading component documents: ``component-documents.md`` §2, CRT-12, CRT-13, CRT-42."""

from typing import Any

import pytest

from imagewright.documents.component.loading import Checked, load_component
from imagewright.documents.component.model import (
    Component,
    Counting,
    Delimited,
    Listed,
    OnFailure,
    Parameter,
)
from imagewright.documents.component.variables import missing_names, unknown_names, value_problems
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import MODULES, SPECS

_STEP = "{name: A, action: ExecuteBash, inputs: {commands: [make]}}"
_WHOLE = f"""
schemaVersion: 1.0
phases:
  - name: build
    steps: [{_STEP}]
"""


def check(text: str, platform: Platform | None = Platform.LINUX) -> Checked:
    return load_component(text, modules=SPECS, platform=platform)


def read(text: str, platform: Platform | None = Platform.LINUX) -> Component:
    checked = check(text, platform)
    assert checked.component is not None, checked.findings
    return checked.component


def a_step(step: str, head: str = "") -> str:
    return f"schemaVersion: 1.0\n{head}phases:\n- name: build\n  steps:\n  - name: A\n{step}"


@pytest.mark.parametrize("version", ["1.0", "1", "'1.0'", '"1"'])
def test_the_schema_version_is_1_however_it_is_written(version: str) -> None:
    """§2.1, field note 3."""
    read(_WHOLE.replace("1.0", version))


@pytest.mark.parametrize("version", ["1.1", "2", "'1.0 '", "[1.0]", "", "one"])
def test_any_other_schema_version_is_refused_in_the_services_words(version: str) -> None:
    """CRT-42."""
    message = wire_message(check(_WHOLE.replace("1.0", version)).findings)

    assert message.startswith("Invalid schema version. Supported versions include: 1.0.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            a_step("    action: InvokeBash\n").replace("name: A", "name: InstallNginx"),
            "Parsing step 'InstallNginx' in phase 'build' failed. "
            "Error: Unsupported action InvokeBash for os platform linux.",
        ),
        (
            a_step("    action: ExecutePowerShell\n    inputs: {commands: [x]}\n"),
            "Parsing step 'A' in phase 'build' failed. "
            "Error: Unsupported action ExecutePowerShell for os platform linux.",
        ),
        (
            _WHOLE.replace("name: A", "name: Install PowerShell"),
            "Invalid step name 'Install PowerShell' in phase 'build'. Allowed characters are "
            "combinations of numbers [0-9], english letters [a-z,A-Z] and special characters "
            "[-_].",
        ),
        (
            a_step("    action: S3Download\n    inputs: []\n").replace("name: A", "name: Download"),
            "Parsing step 'Download' in phase 'build' failed. "
            "Error: Action S3Download has no inputs; it requires an 'inputs'",
        ),
        (
            a_step("    action: S3Download\n").replace("name: A", "name: Download"),
            "Parsing step 'Download' in phase 'build' failed. "
            "Error: Action S3Download has no inputs; it requires an 'inputs'",
        ),
        (
            a_step("    action: CopyFile\n    inputs: [{source: a}]\n"),
            "Parsing step 'A' in phase 'build' failed. Error: CopyFile: `destination` is missing",
        ),
    ],
)
def test_the_wire_words_what_is_wrong_as_the_service_does(text: str, message: str) -> None:
    """CRT-42, CRT-43, CRT-44."""
    assert wire_message(check(text).findings).startswith(message)


def test_everything_wrong_is_said_at_once_and_in_the_order_of_the_text() -> None:
    checked = check(
        """
parameters:
  - ab: {type: integer}
phases:
  - name: build
    steps:
      - name: A b
        action: ExecuteBash
        timeoutSeconds: 0
        onFailure: abort
        inputs: {command: [make]}
      - name: C
        action: CreateFile
        inputs:
          - {path: /a, permissions: u+x, owner: ''}
          - {content: '{{ build.Nope.outputs.stdout }}'}
"""
    )

    assert checked.component is None
    assert [(f.code, f.span.start.line) for f in checked.findings] == [
        ("CD005", 2),
        ("CD010", 3),
        ("CD012", 3),
        ("CD030", 7),
        ("CD033", 9),
        ("CD034", 10),
        ("CD042", 11),
        ("CD043", 11),
        ("CD044", 15),
        ("CD044", 15),
        ("CD042", 16),
        ("CD070", 16),
    ]


def test_scalars_are_the_text_the_author_wrote() -> None:
    """§2.1."""
    component = read(
        a_step(
            "    action: S3Download\n"
            "    timeoutSeconds: 060\n"
            "    disableLogging: Yes\n"
            "    inputs: [{source: s3://b/k, destination: /a, overwrite: no,"
            " expectedBucketOwner: 000123456789}]\n",
            head="constants: [Version: {type: string, value: 1.10}]\n",
        )
    )

    step = component.phases[0].steps[0]
    owner = step.inputs[0].get("expectedBucketOwner")
    assert component.constants[0].value == "1.10"
    assert (step.timeout_seconds, step.logging) == (60, False)
    assert owner is not None
    assert getattr(owner.value, "text", None) == "000123456789"


def test_a_step_has_the_defaults_of_the_guide() -> None:
    """§2.6."""
    step = read(_WHOLE).phases[0].steps[0]

    assert (step.timeout_seconds, step.on_failure, step.attempts_max) == (7200, OnFailure.ABORT, 1)
    assert (step.condition, step.loop, step.logging) == (None, None, True)


@pytest.mark.parametrize(("given", "seconds"), [("-1", None), ("1", 1), ("'90'", 90)])
def test_minus_one_is_no_time_out(given: str, seconds: int | None) -> None:
    text = _WHOLE.replace("action:", f"timeoutSeconds: {given}, action:")

    assert read(text).phases[0].steps[0].timeout_seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        '{"schemaVersion": "1.0", "phases": [{"name": "build", "steps": []}]}',
        '{"schemaVersion": 1, "phases": [\n\t{"name": "build", "steps": []}]}',
        "---\n# comment\nschemaVersion: 1.0\nphases: [{name: build, steps: []}]\n",
        "\n    schemaVersion: 1.0\n    phases: [{name: build, steps: []}]\n",
        "\ufeffschemaVersion: 1.0\nphases: [{name: build, steps: []}]\n",
        "schemaVersion: 1.0\r\nphases:\r\n  - name: build\r\n    steps: []\r\n",
        "schemaVersion: 1.0\nphases: [{name: build, steps: &s []}, {name: test, steps: *s}]\n",
        "x: &p {name: build}\nschemaVersion: 1.0\nphases: [{<<: *p, steps: []}]\n",
    ],
    ids=["JSON", "JSON with tabs", "---", "indented", "BOM", "CRLF", "alias", "merge"],
)
def test_documents_come_in_many_shapes(text: str) -> None:
    """§2.1, field note 4."""
    assert read(text).phases[0].name == "build"


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        (["test"], "TEST"),
        (["build"], "BUILD"),
        (["test", "validate"], "BUILD"),
        (["validate"], "BUILD"),
        (["test", "verify"], "BUILD"),
    ],
)
def test_the_type_follows_from_the_phases(phases: list[str], expected: str) -> None:
    """CRT-12."""
    names = ", ".join(f"{{name: {name}, steps: [{_STEP}]}}" for name in phases)

    assert read(f"schemaVersion: 1.0\nphases: [{names}]\n").type == expected


def test_parameters_are_taken_out_as_they_are_spelt() -> None:
    """CRT-13, O-24."""
    component = read(
        _WHOLE
        + """
parameters:
  - Plain: {type: string, default: 010, description: What for.}
  - Needed: {type: String}
  - Empty: {type: string, default: ''}
  - Chosen: {type: string, default: a, allowedValues: [a, 2]}
  - Many: {type: stringList, default: [a, b]}
"""
    )

    assert [
        (p.name, p.type, p.default, p.description, p.allowed_values) for p in component.parameters
    ] == [
        ("Plain", "string", ("010",), "What for.", ()),
        ("Needed", "String", None, None, ()),
        ("Empty", "string", ("",), None, ()),
        ("Chosen", "string", ("a",), None, ("a", "2")),
        ("Many", "stringList", ("a", "b"), None, ()),
    ]


def test_what_a_caller_gives_is_held_against_the_document() -> None:
    """§10.2, RCP-12, O-25."""
    component = read(
        _WHOLE
        + "parameters: [Needed: {type: string}, Chosen: {type: string, default: a,"
        + " allowedValues: [a, b]}]\n"
    )

    assert unknown_names(component, {"Needed": "x", "Other": "y"}) == ("Other",)
    assert missing_names(component, {}) == ("Needed",)
    assert value_problems(component, {"Needed": "", "Chosen": "b"}) == ()
    assert value_problems(component, {"Chosen": "c"}) == (
        "the parameter `Needed` has no default and was given no value",
        "the parameter `Chosen` must be `a` or `b`, not `c`",
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{for: {start: 1, end: 03, updateBy: 1}}", Counting(1, 3, 1)),
        ("{forEach: {list: a, delimiter: ' '}}", Delimited),
        ('{forEach: {list: a, delimiter: "\\n"}}', Delimited),
        ("{forEach: []}", Listed(())),
    ],
)
def test_loops_are_read(written: str, expected: Any) -> None:
    """§6.1."""
    loop = read(_WHOLE.replace("action:", f"loop: {written}, action:")).phases[0].steps[0].loop

    assert loop is not None
    assert loop.over == expected or isinstance(loop.over, expected)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{for: {start: 1, end: 3}}", "CD002"),
        ("{for: {start: 1, end: 3, updateBy: 0}}", "CD061"),
        ("{for: {start: 3, end: 1, updateBy: 1}}", "CD061"),
        ("{for: {start: '{{ A }}', end: 3, updateBy: 1}}", "CD060"),
        ("{for: [1, 2]}", "CD060"),
        ("{forEach: a}", "CD060"),
        ("{forEach: [[a]]}", "CD060"),
        ("{forEach: [a], for: {start: 1, end: 3, updateBy: 1}}", "CD060"),
        ("{forEach: {delimiter: ','}}", "CD002"),
        ("{forEach: {list: a, delimiter: ',,'}}", "CD062"),
        ("{forEach: {list: a, delimiter: ''}}", "CD062"),
        ("{foreach: [a]}", "CD060"),
        ("[a]", "CD004"),
    ],
)
def test_loops_that_mean_nothing_are_refused(written: str, code: str) -> None:
    checked = check(_WHOLE.replace("action:", f"loop: {written}, action:"))

    assert code in [finding.code for finding in checked.findings if finding.is_error]


@pytest.mark.parametrize(
    ("action", "inputs", "code"),
    [
        ("ExecuteBash", "{}", "CD040"),
        ("ExecuteBash", "", "CD040"),
        ("ExecuteBash", "{commands: []}", "CD044"),
        ("ExecuteBash", "{commands: make}", "CD044"),
        ("ExecuteBash", "{commands: [[make]]}", "CD044"),
        ("ExecuteBash", "[{commands: [make]}]", None),
        ("ExecuteBash", "text", "CD041"),
        ("CreateFile", "{path: /a}", None),
        ("CreateFile", "[/a]", "CD041"),
        ("CreateFile", "[{}]", "CD042"),
        ("CreateFile", "[{path: ''}]", "CD044"),
        ("CreateFile", "[{path: }]", "CD042"),
        ("CreateFile", "[{path: /a, content: }]", None),
        ("CreateFile", "[{path: /a, overwrite: maybe}]", "CD044"),
        ("CreateFile", "[{path: /a, overwrite: '{{ loop.x }}'}]", "CD044"),
        ("CreateFile", "[{path: /a, encoding: utf-7}]", "CD044"),
        ("CreateFile", "[{path: /a, encoding: UTF16-le}]", None),
        ("Reboot", "{}", None),
        ("Reboot", "[]", None),
        ("Reboot", "{delaySeconds: -1}", "CD044"),
        ("Reboot", "{delaySeconds: soon}", "CD044"),
        ("UpdateOS", "{include: [a], exclude: [b]}", None),
        ("Assert", "{stringEquals: a}", "CD052"),
        ("Assert", "", "CD040"),
        ("Assert", "{fileExists: /a}", None),
        ("WebDownload", "[{source: ftp://a, destination: /b}]", "CD044"),
        ("WebDownload", "[{source: https://a, destination: /b, checksum: aa}]", "CD044"),
        (
            "WebDownload",
            "[{source: https://a, destination: /b, checksum: aa, algorithm: MD5}]",
            None,
        ),
        ("S3Download", "[{source: /local, destination: s3://b/k}]", "CD044"),
        ("S3Upload", "[{source: /a, destination: s3://b, recurse: 'true'}]", None),
        ("ExecuteDocument", "{document: /a, parameters: [{name: a, value: 1}]}", None),
        ("ExecuteDocument", "{document: /a, document-s3-bucket-owner: 000123456789}", None),
        ("ExecuteDocument", "{document: /a, parameters: [{name: a}]}", "CD042"),
    ],
)
def test_inputs_are_held_against_what_the_module_takes(
    action: str, inputs: str, code: str | None
) -> None:
    """§2.6, O-1."""
    checked = check(a_step(f"    action: {action}\n    inputs: {inputs}\n"))

    assert [f.code for f in checked.findings if f.is_error] == ([code] if code else [])


@pytest.mark.parametrize(
    ("action", "inputs", "code"),
    [
        ("ExecutePowerShell", "{commands: [x]}", None),
        ("ExecutePowerShell", "{file: a.PS1}", None),
        ("ExecutePowerShell", "{file: a.bat}", "CD044"),
        ("ExecutePowerShell", "{file: a.ps1, commands: [x]}", "CD044"),
        ("ExecutePowerShell", "{other: a}", "CD043"),
        ("ExecuteBash", "{commands: [x]}", "CD032"),
        ("CreateFile", "[{path: a, permissions: 0644}]", "CD045"),
        ("SetRegistry", "[{path: 'HKLM:\\a', name: b, value: [1], type: MULTI_SZ}]", None),
        ("SetRegistry", "[{path: 'HKXX:\\a', name: b, value: 1, type: DWORD}]", "CD044"),
        ("InstallMSI", "{path: a.msi, properties: {A: b}}", None),
        ("InstallMSI", "{path: a.msi, properties: {Reboot: b}}", "CD044"),
        ("UninstallMSI", "{path: a.msi, reboot: Never}", "CD044"),
        ("CreateSymlink", "[{path: a, target: b}]", None),
    ],
)
def test_windows_has_modules_of_its_own(action: str, inputs: str, code: str | None) -> None:
    """§2.8 rules 5, 12, 13; §7.0."""
    text = a_step(f"    action: {action}\n    inputs: {inputs}\n")

    checked = check(text, Platform.WINDOWS)

    assert [f.code for f in checked.findings if f.is_error] == ([code] if code else [])


def test_without_a_platform_any_module_will_do() -> None:
    steps = "".join(
        f"    - {{name: {name}, action: {name}, inputs: {{commands: [x]}}}}\n"
        for name in ("ExecuteBash", "ExecutePowerShell")
    )

    read(f"schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n{steps}", platform=None)


def test_execute_document_has_no_time_out() -> None:
    """§2.8 rule 11."""
    text = a_step("    action: ExecuteDocument\n    inputs: {document: /a}\n")

    assert read(text).phases[0].steps[0].timeout_seconds is None


def test_all_thirty_modules_are_declared_with_a_page() -> None:
    """§7.0."""
    assert len(MODULES) == 30
    for name, module in MODULES.items():
        assert module.spec.name == name
        assert module.spec.summary
        assert module.spec.built == (module.run is not None)
        assert module.spec.input_record is not None
        assert module.spec.output_record is not None


def test_a_parameter_is_a_value_that_can_be_compared() -> None:
    first, second = (read(_WHOLE + "parameters: [Abc: {type: string}]\n") for _ in range(2))

    assert isinstance(first.parameters[0], Parameter)
    assert first == second
