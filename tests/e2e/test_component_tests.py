"""``imagewright component test``: cases side by side on real sandboxes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from tests.e2e.conftest import Lab

RunTests = Callable[..., "subprocess.CompletedProcess[str]"]

APP = """\
schemaVersion: 1.0
parameters:
  - Channel: {type: string, default: stable}
phases:
  - name: build
    steps:
      - name: Check
        action: ExecuteBash
        inputs:
          commands:
            - test {{ Channel }} != none || { echo "no such channel" >&2; exit 3; }
            - nohup sleep 300 >/dev/null 2>&1 &
            - echo $! >/run.pid
      - name: Write
        action: CreateFile
        inputs:
          - {path: /etc/app.conf, content: "channel={{ Channel }}", permissions: "0640"}
      - name: Careful
        action: ExecuteBash
        if: {stringEquals: beta, value: "{{ Channel }}"}
        inputs: {commands: [echo careful]}
  - name: validate
    steps:
      - {name: There, action: Assert, inputs: {fileExists: /etc/app.conf}}
  - name: test
    steps:
      - name: NothingRuns
        action: ExecuteBash
        inputs: {commands: ['! kill -0 $(cat /run.pid) 2>/dev/null']}
"""
CASES = """\
cases:
  - name: stable by default
    steps: {build.Careful: skipped}
    files:
      /etc/app.conf: {equals: channel=stable, mode: 0640, owner: root}
      /tmp/none: absent
  - name: none is refused
    parameters: {Channel: none}
    failedStep: build.Check
    message: {contains: no such channel}
"""
WRONG = """\
cases:
  - name: wrong
    exit: 0
    outputs: {build.Check.stdout: spoken}
    steps: {build.Careful: success}
    files:
      /etc/app.conf: {contains: beta, mode: 0644, group: staff}
      /none: present
  - name: does not fail
    failedStep: build.Check
"""


@pytest.fixture
def run_tests(lab: Lab, tmp_path: Path) -> RunTests:
    """Run ``imagewright component test`` in a folder of the test's own."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "imagewright", "component", "test", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "IMAGEWRIGHT_STATE": str(lab.state)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_cases_that_are_as_expected_pass(run_tests: RunTests, tmp_path: Path) -> None:
    """Phase ``test`` finds no process of the build: it runs as on a launched image (§2.5)."""
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "app.test.yaml").write_text(CASES)
    (tmp_path / "notes.yaml").write_text("a: 1\n")

    done = run_tests(".", "--junit", "out/report.xml", "-l", "logs")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "stable by default" in done.stdout
    assert "no case runs build.Careful" in done.stdout
    assert "1 component, 2 cases: 2 passed in" in done.stdout
    assert "; 80 % of the steps ran" in done.stdout
    report = ElementTree.parse(tmp_path / "out/report.xml").getroot()  # noqa: S314 - our own file
    assert (report.get("tests"), report.get("failures")) == ("2", "0")
    assert "Phase test" in (tmp_path / "logs/app.stable by default.log").read_text()


def test_each_thing_that_is_not_as_expected_is_told(run_tests: RunTests, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "app.test.yaml").write_text(WRONG)

    done = run_tests("app.yaml", "--output", "json", "--junit", "report.xml")

    (told,) = json.loads(done.stdout)["components"]
    wrong, does_not_fail = told["cases"]
    assert done.returncode == 1
    assert wrong["problems"] == [
        "build.Careful should end as `success` and is `skipped`",
        "build.Check.stdout should be `spoken` and is ``",
        "/etc/app.conf should have the mode 0644 and has 0640",
        "/etc/app.conf should have the group staff and has root",
        "/etc/app.conf should contain `beta` and is `channel=stable`",
        "/none should be there and is not",
    ]
    assert does_not_fail["problems"] == ["it should fail, and succeeded"]
    report = ElementTree.parse(tmp_path / "report.xml").getroot()  # noqa: S314 - our own file
    assert report.get("failures") == "2"


def test_without_expectations_a_component_must_succeed(run_tests: RunTests, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(APP.replace("default: stable", "default: none"))

    done = run_tests("app.yaml", "--coverage-min", "90")

    assert done.returncode == 1
    assert "build.Check failed: exit status 3" in done.stdout
    assert "no such channel" in done.stdout
    assert "20 % of the steps ran, and --coverage-min is 90" in done.stderr


def test_components_of_one_name_have_logs_of_their_own(run_tests: RunTests, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.yaml").write_text(APP)

    done = run_tests("a", "b", "-l", "logs")
    again = run_tests("a", "-l", "a/app.yaml/logs")

    assert done.returncode == 0
    logs = {path.name for path in (tmp_path / "logs").iterdir()}
    assert logs == {"a_app.yaml.defaults.log", "b_app.yaml.defaults.log"}
    assert again.returncode == 2
    assert "1 case: 1 passed" in again.stdout
    assert "cannot be written" in again.stderr


def test_each_case_has_a_log_of_its_own_whatever_its_name(
    run_tests: RunTests, tmp_path: Path
) -> None:
    """A folder takes no `/` and no 300 bytes; what is made of names may be the same."""
    step = {"name": "One", "action": "ExecuteBash", "inputs": {"commands": ["true"]}}
    phases = [{"name": "build", "steps": [step]}]
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"schemaVersion": 1.0, "phases": phases}))
    cases = [{"name": name} for name in ("x/y", "x_y", "é" * 150, "é" * 150 + "b")]
    (tmp_path / "a.test.yaml").write_text(yaml.safe_dump({"cases": cases}))

    done = run_tests("a.yaml", "-l", "logs")

    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "logs").iterdir())) == 4
    assert {"a.x_y.log", "a.x_y-2.log"} <= {file.name for file in (tmp_path / "logs").iterdir()}


def test_what_cannot_be_tested_is_named(run_tests: RunTests, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "app.test.yaml").write_text("cases: [{name: a, failedStep: build.Chek}]\n")
    (tmp_path / "alone.test.yaml").write_text(CASES)
    (tmp_path / "notes.yaml").write_text("a: 1\n")

    for arguments, code, message in (
        (("app.yaml",), 1, "did you mean `build.Check`?"),
        (("alone.test.yaml",), 1, "alone.test.yaml: no component lies beside it"),
        (("notes.yaml",), 1, "notes.yaml is no component document"),
        (("none.yaml",), 2, "none.yaml: No such file"),
    ):
        done = run_tests(*arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert message in done.stderr
