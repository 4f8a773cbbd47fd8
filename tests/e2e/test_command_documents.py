"""RunCommand with command documents of one's own, from the folder of the settings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_builds import command
from tests.e2e.test_machine_actions import build, outputs, own_document, step

GREET = """\
schemaVersion: "2.2"
description: Greet, and say where.
parameters:
  who:
    type: String
    default: world
    allowedPattern: "^[a-z]+$"
mainSteps:
  - name: greet
    action: aws:runShellScript
    inputs:
      workingDirectory: /etc
      runCommand: ["#!/bin/bash", "words=(hello '{{ who }}')", "echo ${words[@]} from $PWD"]
  - name: elsewhere
    action: aws:runShellScript
    precondition:
      StringEquals: [platformType, Windows]
    inputs:
      runCommand: ["echo never"]
  - name: count
    action: aws:runShellScript
    inputs:
      runCommand: ["echo 1", "echo 2"]
"""
TROUBLE = """\
schemaVersion: "2.2"
mainSteps:
  - name: first
    action: aws:runShellScript
    inputs: {runCommand: [echo one, echo no >&2, exit 3]}
  - name: second
    action: aws:runShellScript
    inputs: {runCommand: [echo two]}
  - name: last
    action: aws:runShellScript
    finallyStep: true
    inputs: {runCommand: [echo three]}
"""
WISHES = {"GoesOn": "", "Exits": "\n    onFailure: exit", "Ends": "\n    onFailure: successAndExit"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of command documents."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "Greet.yaml").write_text(GREET)
    (folder / "Broken.json").write_text('{"schemaVersion": "2.2"}')
    for name, wish in WISHES.items():
        text = TROUBLE.replace("- name: first", f"- name: first{wish}")
        (folder / f"{name}.yml").write_text(text)
    (folder / "Versions").mkdir()
    for version in (1, 2, 10):
        text = GREET.replace("hello", f"v{version}")
        (folder / "Versions" / f"{version}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def bench(lab: Lab, folder: Path) -> Iterator[Bench]:
    """Return a server with command documents of its own."""
    with lab.bench(IMAGEWRIGHT_COMMANDS=str(folder)) as running:
        yield running


def test_a_document_of_ones_own_puts_out_a_text_for_each_plugin(bench: Bench) -> None:
    """workflow-documents.md §7.15, §14.11."""
    arn = build(bench, own_document("Greet", who=["you"]))

    bench.built(arn)

    found = outputs(bench, arn, "Run")
    assert (found["status"], found["output"]) == (
        "Success",
        ["hello you from /etc", "", "1\n2"],
    )
    assert "its precondition platformType = Windows does not hold" in bench.log(arn)


def test_a_version_may_be_asked_for(bench: Bench) -> None:
    """§7.15."""
    wanted = {"": "v10", "$LATEST": "v10", "2": "v2", "1": "v1"}
    steps = [
        {**own_document("Versions", version), "name": f"Run{number}"}
        for number, version in enumerate(wanted)
    ]

    arn = build(bench, *steps)

    bench.built(arn)
    found = [outputs(bench, arn, step["name"])["output"][0] for step in steps]
    assert found == [f"{greeting} world from /etc" for greeting in wanted.values()]


@pytest.mark.parametrize(
    ("name", "output", "message"),
    [
        ("GoesOn", ["one", "two", "three"], "GoesOn, step first, exited with 3 after "),
        ("Exits", ["one", "", "three"], "Its last lines: (one / no|no / one)"),
    ],
)
def test_a_plugin_that_fails_fails_the_step(
    bench: Bench, name: str, output: list[str], message: str
) -> None:
    arn = build(bench, own_document(name))

    assert bench.finished(arn)["state"]["status"] == "FAILED"

    found = outputs(bench, arn, "Run")
    assert (found["status"], found["output"]) == ("Failed", output)
    assert re.search(message, found["errorMessage"])
    assert bench.executions(arn)[0]["status"] == "ROLLBACK_COMPLETED"
    bench.nothing_is_left()


def test_a_plugin_may_fail_and_end_the_document_well(bench: Bench) -> None:
    arn = build(bench, own_document("Ends"))

    bench.built(arn)

    assert outputs(bench, arn, "Run")["output"] == ["one", "", "three"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (own_document("Greeet"), r"no command document Greeet; put it into .* as Greeet\.yaml"),
        (own_document("a/../b"), "is no name of a command document"),
        (own_document("Versions", "3"), "has no version '3'; it has 1, 2, 10"),
        (own_document("AWS-RunShellScript", "7"), "has no version '7'"),
        (own_document("Broken"), r"command document Broken cannot be used: .*mainSteps"),
        (own_document("Greet", whom=["x"]), "no parameter 'whom'; did you mean who"),
        (own_document("Greet", who=["X"]), r"'who' must match \^\[a-z\]"),
        (own_document("AWS-RunShellScript"), "'commands' is missing"),
        (
            own_document("AWS-RunShellScript", commands=["x"], executionTimeout=["soon"]),
            "'executionTimeout' must match",
        ),
        (
            own_document("AWS-UpdateSSMAgent", allowDowngrade=["yes"]),
            "must be one of true, false, not 'yes'",
        ),
        (
            step(
                "Run",
                "RunCommand",
                inputs={"documentName.$": "$.stepOutputs.Launch.instanceId"},
            ),
            "must be known before the build begins",
        ),
    ],
)
def test_what_cannot_run_is_refused_before_the_build_begins(
    bench: Bench, step: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as caught:
        build(bench, step)

    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


def test_a_build_keeps_to_the_document_of_when_it_was_asked_for(bench: Bench, folder: Path) -> None:
    """IMG-06."""
    (file := folder / "Brief.yaml").write_text(GREET)
    arn = build(bench, command("Sleep", "sleep 1", "date > /when"), own_document("Brief"))
    file.unlink()

    bench.built(arn)
