"""What is alike in all modules: inputs that are left out, unknown or wrong (§7.0, O-1, O-11)."""

from dataclasses import replace

import pytest
import yaml
from tests.runner.conftest import Lab, steps

from imagewright.aws.clients import AwsClients
from imagewright.documents.component.loading import load_component
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.specs import InputShape, Platform
from imagewright.outside.objects import Objects
from imagewright.outside.places import no_settings
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.modules.table import MODULES, SPECS
from imagewright.settings import Aws

LEAST: dict[str, dict[str, object]] = {
    "AppendFile": {"path": "/opt/f"},
    "CopyFile": {"source": "/opt/f", "destination": "/srv/"},
    "CopyFolder": {"source": "/opt/d", "destination": "/srv/"},
    "CreateFile": {"path": "/opt/f"},
    "CreateFolder": {"path": "/opt/d"},
    "CreateSymlink": {"path": "/opt/l", "target": "/opt/f"},
    "DeleteFile": {"path": "/opt/f"},
    "DeleteFolder": {"path": "/opt/d"},
    "ExecuteBash": {"commands": ["true"]},
    "ExecuteBinary": {"path": "true"},
    "ListFiles": {"path": "/opt"},
    "MoveFile": {"source": "/opt/f", "destination": "/srv/"},
    "MoveFolder": {"source": "/opt/d", "destination": "/srv/"},
    "ReadFile": {"path": "/opt/f"},
    "Reboot": {},
    "S3Download": {"source": "s3://bucket/key", "destination": "/opt/f"},
    "S3Upload": {"source": "/opt/f", "destination": "s3://bucket/key"},
    "SetFileEncoding": {"path": "/opt/f"},
    "SetFileOwner": {"path": "/opt/f", "owner": "app"},
    "SetFilePermissions": {"path": "/opt/f", "permissions": "0644"},
    "SetFolderOwner": {"path": "/opt/d", "owner": "app"},
    "SetFolderPermissions": {"path": "/opt/d", "permissions": "0755"},
    "UpdateOS": {},
    "WebDownload": {"source": "https://example.com/f", "destination": "/opt/f"},
}
"""The inputs that each module must have; those of Assert are a condition."""
ELSEWHERE = {
    *("Assert", "ExecuteDocument", "ExecutePowerShell"),
    *("InstallMSI", "SetRegistry", "UninstallMSI"),
}
"""Modules with tests of their own for this."""
WRONG = {
    "algorithm": "CRC32",
    "delaySeconds": "soon",
    "encoding": "latin1",
    "expectedBucketOwner": "12345",
    "force": "maybe",
    "group": "a:b",
    "ignoreCertificateErrors": "maybe",
    "overwrite": "maybe",
    "owner": "-x",
    "permissions": "u+x",
    "printFileContent": "maybe",
    "recurse": "maybe",
    "recursive": "maybe",
}
"""Values that an input cannot have, whichever module takes it."""
WRONG_PLACES = {
    ("S3Download", "source"): "https://example.com/f",
    ("S3Upload", "destination"): "/opt/f",
    ("WebDownload", "source"): "s3://bucket/key",
}


def step(action: str, inputs: dict[str, object], **keys: object) -> dict[str, object]:
    is_list = SPECS[action].input_shape is InputShape.LIST
    return {"action": action, "inputs": [inputs] if is_list else inputs, **keys}


def findings(action: str, inputs: dict[str, object]) -> list[Diagnostic]:
    text = yaml.safe_dump({"schemaVersion": "1.0", **steps(step(action, inputs))}, sort_keys=False)
    return list(load_component(text, modules=SPECS, platform=Platform.LINUX).findings)


def test_no_module_is_forgotten() -> None:
    assert LEAST.keys() == MODULES.keys() - ELSEWHERE


@pytest.mark.parametrize("action", LEAST)
def test_what_a_module_must_have_is_enough(action: str) -> None:
    assert [each for each in findings(action, LEAST[action]) if each.is_error] == []


@pytest.mark.parametrize(
    ("action", "name"), [(action, name) for action, inputs in LEAST.items() for name in inputs]
)
def test_an_input_that_must_be_there_is_missed_by_its_name(action: str, name: str) -> None:
    inputs = {key: value for key, value in LEAST[action].items() if key != name}

    errors = [each.message for each in findings(action, inputs) if each.is_error]

    left_out = "inputs" if not inputs and SPECS[action].input_shape is InputShape.MAP else name
    assert len(errors) == 1
    assert left_out in errors[0]


@pytest.mark.parametrize("action", LEAST)
def test_an_unknown_input_is_an_error(action: str) -> None:
    """O-1."""
    errors = findings(action, {**LEAST[action], "pathName": "x"})

    assert any(each.is_error and "`pathName`" in each.message for each in errors)


def cases() -> list[tuple[str, str, str]]:
    """Give each module's inputs that can be wrong, with a value that is."""
    found = []
    for action, least in LEAST.items():
        for name in SPECS[action].input_record.names:
            value = WRONG_PLACES.get((action, name)) or WRONG.get(name)
            if value is not None:
                found.append((action, name, value))
            elif name not in least and name not in _ANY_TEXT:
                raise AssertionError(f"{action}.{name} is in no table of this test")
    return found


_ANY_TEXT = {"arguments", "checksum", "content", "exclude", "fileNamePattern", "include"}
"""Optional inputs that hold whatever the author writes."""


def with_others(action: str, name: str, value: str) -> dict[str, object]:
    needed = {"checksum": "00"} if name == "algorithm" else {}
    return {**LEAST[action], **needed, name: value}


@pytest.mark.parametrize(("action", "name", "value"), cases())
def test_a_wrong_value_is_an_error_of_the_document(action: str, name: str, value: str) -> None:
    errors = [each for each in findings(action, with_others(action, name, value)) if each.is_error]

    assert len(errors) == 1
    assert f"`{name}`" in errors[0].message


def test_a_value_that_turns_out_wrong_fails_the_step_before_it_does_anything(lab: Lab) -> None:
    """§3.4: the step's expressions have their values when it starts."""
    wrong = cases()
    inputs = [
        with_others(action, name, f"{{{{ env:W{number} }}}}")
        for number, (action, name, _) in enumerate(wrong)
    ]
    document = steps(
        *(
            step(action, given, onFailure="Continue")
            for (action, *_), given in zip(wrong, inputs, strict=True)
        )
    )
    variables = {f"W{number}": value for number, (*_, value) in enumerate(wrong)}

    # S3 has to be within reach, or nothing begins; no step comes so far as to ask it.
    clients = AwsClients(Aws(access_key_id="key", secret_access_key="secret"))
    outside = replace(no_settings(), objects=Objects(clients, size_bytes_max=1))

    result = lab.run(document, environment=RunEnvironment(variables=variables, outside=outside))

    for (action, name, _), ended in zip(wrong, result.phases[0].steps, strict=True):
        assert ended.status == "failed", (action, name)
        assert f"`{name}`" in ended.message, (action, name)
    assert lab.names("/opt") == []


ENCODINGS = {
    **dict.fromkeys(("utf8", "utf-8"), "utf-8"),
    **dict.fromkeys(("utf16-LE", "utf-16-LE"), "utf-16-le"),
    **dict.fromkeys(("utf16-BE", "utf-16-BE"), "utf-16-be"),
    **dict.fromkeys(("utf32-LE", "utf-32-LE"), "utf-32-le"),
    **dict.fromkeys(("utf32-BE", "utf-32-BE"), "utf-32-be"),
    **dict.fromkeys(("utf16", "utf-16"), "utf-16"),
    **dict.fromkeys(("utf32", "utf-32"), "utf-32"),
}
"""By the name in documents, what Python calls it; its utf-16 and utf-32 have a mark here too."""


@pytest.mark.parametrize("spelt", [str, str.upper, str.lower])
def test_every_encoding_is_written_added_to_converted_and_read(spelt: type[str], lab: Lab) -> None:
    """§7.0, O-11: a mark stands at the beginning alone, of those without a suffix."""
    given = [
        step(action, {"path": f"/opt/{path}{number}", "encoding": spelt(name), **more})
        for number, name in enumerate(ENCODINGS)
        for action, path, more in (
            ("CreateFile", "a", {"content": "é"}),
            ("AppendFile", "a", {"content": "€\n"}),
            ("ReadFile", "a", {}),
        )
    ]
    converted = [
        each
        for number, name in enumerate(ENCODINGS)
        for each in (
            step("CreateFile", {"path": f"/opt/b{number}", "content": "é€\n"}),
            step("SetFileEncoding", {"path": f"/opt/b{number}", "encoding": spelt(name)}),
        )
    ]

    result = lab.run(steps(*given, *converted))

    assert result.failure is None
    read = [each.outputs for each in result.phases[0].steps if each.action == "ReadFile"]
    assert read == [{"content": "é€\n"}] * len(ENCODINGS)
    for number, codec in enumerate(ENCODINGS.values()):
        expected = "é€\n".encode(codec)
        assert lab.read(f"/opt/a{number}") == lab.read(f"/opt/b{number}") == expected
