"""The modules for Windows (``component-documents.md`` §7.1, §7.4, §7.5), against a recording."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.outside.web_server import serving
from tests.runner.conftest import steps
from tests.runner.recorded_machine import RecordedMachine

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.specs import Platform
from imagewright.outside.places import no_settings
from imagewright.outside.web import Web
from imagewright.runner import windows
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.modules.table import SPECS
from imagewright.runner.result import RunResult
from imagewright.runner.run import run_component
from imagewright.settings import Downloads

_CASES = yaml.safe_load((Path(__file__).parent / "recordings/windows.yaml").read_text())
_BEGINS = {"script": "[void][IO.Directory]::CreateDirectory('C:/')"}
"""Every run makes its working directory."""
_WINDOWS = RunEnvironment(platform=Platform.WINDOWS, working_directory="C:/")


@pytest.fixture(autouse=True)
def numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are numbered as in the recording."""
    monkeypatch.setattr(secrets, "randbelow", lambda _end: 23_456_789)


def a_component(step: Mapping[str, object]) -> Component:
    text = yaml.safe_dump({"schemaVersion": "1.0", **steps(step)}, allow_unicode=True)
    checked = load_component(text, modules=SPECS, platform=Platform.WINDOWS)
    assert checked.component is not None, checked.findings
    return checked.component


def run(step: Mapping[str, object], machine: RecordedMachine, **options: Any) -> RunResult:
    given = {"environment": _WINDOWS, **options}
    return run_component(a_component(step), machine=machine, phases=["build"], **given)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES])
def test_what_is_sent_is_what_the_recording_has(case: dict[str, Any]) -> None:
    machine = RecordedMachine([_BEGINS, *case["exchanges"]])

    result = run(case["step"], machine)

    step = result.phases[0].steps[0]
    assert (step.status.value, step.message) == (case["status"], case.get("message", ""))
    assert machine.is_over
    assert machine.reboots == result.reboots == case.get("reboots", 0)
    assert step.outputs == case.get("outputs", step.outputs)


def test_a_package_from_elsewhere_is_brought_in_by_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In pieces, into a folder that goes away."""
    monkeypatch.setattr(windows, "_PIECE_BYTES", 4)
    folder = r"C:\Temp\AWSTOE123456789"
    package = rf"{folder}\package-123456789.msi"
    append = (
        f"$from = [IO.File]::ReadAllBytes('{package}.part')\n"
        f"$to = [IO.File]::Open('{package}', 'Append')\n"
        "try { $to.Write($from, 0, $from.Length) } finally { $to.Dispose() }"
    )
    status = f"(Get-AuthenticodeSignature -LiteralPath '{package}').Status.ToString()"
    machine = RecordedMachine(
        [
            _BEGINS,
            {"script": "[Console]::Out.Write([IO.Path]::GetTempPath())", "stdout": "C:\\Temp\\"},
            {"put": f"{package}.part", "text": "abcd"},
            {"script": append},
            {"put": f"{package}.part", "text": "e"},
            {"script": append},
            {"script": f"[Console]::Out.Write({status})", "stdout": "UnknownError"},
            {"script": f"Remove-Item -LiteralPath '{folder}' -Recurse -Force"},
        ]
    )
    with serving() as server:
        server.answers["/app.msi"] = lambda handler: _answer(handler, b"abcde")
        web = Web(Downloads(allowed_hosts=("127.0.0.1",)))
        environment = replace(_WINDOWS, outside=replace(no_settings(), web=web))
        step = {"action": "InstallMSI", "inputs": {"path": server.url("/app.msi")}}

        result = run(step, machine, environment=environment)

    assert result.failure is not None
    assert "the signature of the package is UnknownError" in result.failure.message
    assert machine.is_over


def _answer(handler: Any, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize(
    ("type_", "value", "why"),
    [
        ("DWORD", "4294967296", "takes a whole number of 32 bits"),
        ("DWORD", "-2147483649", "takes a whole number of 32 bits"),
        ("DWORD", "1.5", "takes a whole number of 32 bits"),
        ("QWORD", "0x1ffffffffffffffff", "takes a whole number of 64 bits"),
        ("BINARY", "abc", "takes pairs of hexadecimal digits, or a list of numbers up to 255"),
        ("BINARY", ["256"], "takes pairs of hexadecimal digits, or a list of numbers up to 255"),
        ("SZ", ["a"], "takes one text or number"),
        ("SZ", {"a": "b"}, "takes one text or number"),
        ("MULTI_SZ", [["a"]], "takes a list of texts"),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_found_in_the_document(
    type_: str, value: object, why: str
) -> None:
    entry = {"path": "HKLM:/A", "name": "N", "value": value, "type": type_}
    text = yaml.safe_dump(
        {"schemaVersion": "1.0", **steps({"action": "SetRegistry", "inputs": [entry]})}
    )

    checked = load_component(text, modules=SPECS, platform=Platform.WINDOWS)

    assert [f.message for f in checked.findings if why in f.message]


@pytest.mark.parametrize(
    "step",
    [
        {"action": "ExecutePowerShell", "inputs": {"commands": ["x"]}},
        {"action": "SetRegistry", "inputs": [_CASES[5]["step"]["inputs"][0]]},
        {"action": "InstallMSI", "inputs": {"path": "C:/a.msi"}},
        {"action": "UninstallMSI", "inputs": {"path": "C:/a.msi"}},
    ],
    ids=lambda step: str(step["action"]),
)
def test_without_a_windows_machine_they_are_refused_by_name(step: dict[str, object]) -> None:
    machine = RecordedMachine([])

    with pytest.raises(ComponentRefused, match="needs a Windows machine, and no driver") as caught:
        run(step, machine, environment=RunEnvironment())

    assert f"uses {step['action']}" in str(caught.value)
