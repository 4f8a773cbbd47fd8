"""``imagewright component explain`` and ``schema component`` as processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.cli.conftest import Run

COMPONENT = """\
name: App
description: It greets.
schemaVersion: 1.0
parameters:
  - Who: {type: string}
  - Level: {type: string, default: "2"}
constants:
  - Dir: {type: string, value: /opt/app}
phases:
  - name: build
    steps:
      - name: Say
        action: ExecuteBash
        maxAttempts: 3
        timeoutSeconds: 60
        onFailure: Ignore
        inputs:
          commands:
            - |
              set -e
              echo "{{ Who }} in {{ Dir }}"
      - name: High
        action: ExecuteBash
        if: {numberGreaterThan: 5, value: "{{ Level }}"}
        inputs: {commands: [echo high]}
      - name: Low
        action: ExecuteBash
        if: {stringEquals: "2", value: "{{ Level }}"}
        loop: {forEach: {list: "a,{{ Who }}"}}
        inputs: {commands: ["echo {{ loop.value }} {{ build.Say.outputs.stdout }}"]}
      - name: Hidden
        action: CreateFile
        disableLogging: true
        if: {fileExists: "{{ Dir }}/key"}
        inputs: [{path: "{{ Dir }}/key", content: secret}]
      - name: Later
        action: ExecuteBash
        loop: {forEach: ["{{ build.Say.outputs.stdout }}"]}
        inputs: {commands: [echo]}
  - name: test
    steps:
      - {name: Nested, action: ExecuteDocument, inputs: {document: /key.yaml}}
"""


def test_it_shows_the_plan_with_parameters_filled_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(COMPONENT)

    done = run("component", "explain", "c.yaml", "--parameters", "Who=me", "-p", "build")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dedent("""\
        App
        It greets.

        parameters
           Who    me  given
           Level  2   default

        constants
           Dir  /opt/app

        phase build
        1. Say  ExecuteBash
           input  commands:
           input    set -e
           input    echo "me in /opt/app"
           tries  at most 3
           time   at most 1 min 00 s
           fails  the next step follows, and the run succeeds all the same
        2. High  ExecuteBash
           runs  no, it is skipped by its condition: numberGreaterThan 5 of 2
        3. Low  ExecuteBash
           runs   yes, by its condition: stringEquals 2 of 2
           loop   2 times: a, me
           input  commands:
           input    echo {{ loop.value }} {{ build.Say.outputs.stdout }}
        4. Hidden  CreateFile
           runs   as the machine decides: fileExists /opt/app/key
           input  path: ***
           input  content: ***
        5. Later  ExecuteBash
           loop   over what only the run will tell
           input  commands:
           input    echo
        """)


def test_a_loop_that_is_too_long_says_so(run: Run, tmp_path: Path) -> None:
    loop = {"for": {"start": 1, "end": 100000, "updateBy": 2}}
    step = {"name": "A", "action": "ExecuteBash", "loop": loop, "inputs": {"commands": ["true"]}}
    document = {"schemaVersion": 1.0, "phases": [{"name": "build", "steps": [step]}]}
    (tmp_path / "c.json").write_text(json.dumps(document))

    done = run("component", "explain", "c.json")

    assert "more than 10,000 times, so that it fails unless" in done.stdout


def test_what_is_behind_a_step_that_is_certain_to_end_the_run_does_not_run(
    run: Run, tmp_path: Path
) -> None:
    text = COMPONENT.replace('{stringEquals: "2", value', '{else: Abort, stringEquals: "2", value')
    (tmp_path / "c.yaml").write_text(text)

    shown = run("component", "explain", "c.yaml", "--parameters", "Who=me,Level=3")
    reached = run("component", "explain", "c.yaml", "--parameters", "Who=me")

    assert shown.stdout.count("runs  no, build Low ends the run before it") == 3
    assert "/key.yaml" not in shown.stdout
    assert "ends the run" not in reached.stdout


def test_what_keeps_it_from_running_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(COMPONENT)

    done = run(
        "component", "explain", "c.yaml", "-p", "test,tset", "--parameters", "Whom=x",
        "--output", "json",
    )  # fmt: skip

    shown = json.loads(done.stdout)
    assert done.returncode == 1
    assert shown["problems"] == [
        "the parameter `Who` has no default and was given no value",
    ]
    assert shown["parameters"][0] == {"name": "Who", "value": None, "given": False}
    assert "no phase `tset`" in done.stderr
    assert "no parameter `Whom`" in done.stderr


def test_what_the_settings_lack_for_it_is_told(run: Run, tmp_path: Path) -> None:
    """A step that its condition keeps from running lacks nothing; nor is a state made for it."""
    (tmp_path / "c.yaml").write_text(OF_AWS)

    lacking = run("component", "explain", "c.yaml", "--state", "none", "--output", "json")
    having = run(
        "component", "explain", "c.yaml",
        environment={
            "IMAGEWRIGHT_AWS_S3_ENDPOINT": "http://localhost:1",
            "IMAGEWRIGHT_AWS_SSM_ENDPOINT": "http://localhost:1",
        },
    )  # fmt: skip

    problems = json.loads(lacking.stdout)["problems"]
    assert lacking.returncode == 1
    assert [problem.split(": ")[0] for problem in problems] == [
        "step 'Get' in phase 'build' uses S3Download",
        "step 'Read' in phase 'build' reads `aws:ssm:`",
    ]
    assert "aws.ssm_endpoint or aws.access_key_id is needed" in problems[1]
    assert not (tmp_path / "none").exists()
    assert (having.returncode, having.stderr) == (0, "")


OF_AWS = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Get
        action: S3Download
        inputs: [{source: s3://bucket/key, destination: /opt/key}]
      - name: Read
        action: ExecuteBash
        inputs: {commands: ["echo {{ aws:ssm:/name }}"]}
      - name: Never
        action: ExecuteBash
        if: {stringEquals: a, value: b}
        inputs: {commands: ["echo {{ aws:ssm:/other }}"]}
"""


def test_bytes_that_are_no_text_are_refused_with_their_place(home: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b'{"phases": "build",\n "documents": "\xff"}')
    for arguments, name, place in (
        (("explain", "-"), "<stdin>", "line 1, column 9"),
        (("run", "--config", "run.json"), "run.json", "line 2, column 16"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "imagewright", "component", *arguments],
            cwd=tmp_path,
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            input=b"phases: \xff\n",
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert f"{name} is no text in UTF-8: the byte 0xFF at {place} is not" in str(done.stderr)


def test_a_broken_document_is_not_explained(run: Run) -> None:
    done = run("component", "explain", "-", stdin="phases: []\n")

    assert (done.returncode, done.stdout) == (1, "")
    assert "CD005" in done.stderr
    assert "has errors, so nothing would run" in done.stderr


def test_explain_sends_who_has_a_component_to_the_right_command(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(COMPONENT)

    done = run("explain", "c.yaml")

    assert done.returncode == 1
    assert "help: imagewright component explain" in done.stderr


def test_the_schema_of_components_is_printed(run: Run) -> None:
    schema = json.loads(run("schema", "component", "--platform", "windows").stdout)
    refused = run("schema", "component", "--type", "BUILD")

    assert schema["title"] == "EC2 Image Builder component document"
    assert "SetRegistry" in schema["definitions"]["step"]["properties"]["action"]["enum"]
    assert refused.returncode == 2
    assert "--type is for workflows" in refused.stderr
