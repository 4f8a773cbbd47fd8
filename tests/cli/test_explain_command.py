"""``imagewright explain`` as a process."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
from tests.cli.conftest import Run

WORKFLOW = """\
name: stamped
schemaVersion: 1.0
parameters:
  - {name: stamp, type: boolean, default: true}
  - {name: sizes, type: stringList}
steps:
  - name: Launch
    description: Boot.
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
      instanceTypesOverride.$: $.parameters.sizes
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 60
    if:
      and:
        - {booleanEquals: true, value: $.parameters.stamp}
        - {stringEquals: Linux, value: $.imagebuilder.platform}
  - name: Stop
    action: TerminateInstance
    onFailure: Continue
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
outputs:
  - {name: Stamped, value: $.parameters.stamp}
"""


def test_it_shows_what_would_run_and_what_a_failure_undoes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WORKFLOW)

    done = run("explain", "w.yaml", "--parameter", "sizes=a", "--parameter", "sizes=b")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dedent("""\
        stamped (BUILD, TEST or DISTRIBUTION)

        parameters
           stamp  boolean     true        default
           sizes  stringList  ["a", "b"]  given

        1. Launch  LaunchInstance
           Boot.
           runs   yes
           input  waitFor: ssmAgent
           input  instanceTypesOverride: ["a", "b"]
           time   at most 75 min 00 s, the action's default
           fails  the workflow ends; undone: Launch

        2. Ask  WaitForAction
           runs   if $.imagebuilder.platform = "Linux"
           time   at most 1 min 00 s
           fails  the workflow ends; undone: Launch

        3. Stop  TerminateInstance
           runs   yes
           input  instanceId.$: $.stepOutputs.Launch.instanceId
           time   at most 30 min 00 s, the action's default
           fails  the next step follows all the same

        outputs
           Stamped  true
        """).replace("75 min 00 s", "1 h 15 min")


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        (("--platform", "linux"), "yes"),
        (("--platform", "macos"), "no"),
        (("--parameter", "stamp=false"), "no"),
        ((), "perhaps"),
    ],
)
def test_what_is_given_decides_conditions(run: Run, arguments: tuple[str, ...], runs: str) -> None:
    done = run("explain", "-", "--output", "json", *arguments, stdin=WORKFLOW)

    steps = {step["name"]: step["runs"] for step in json.loads(done.stdout)["steps"]}
    assert steps == {"Launch": "yes", "Ask": runs, "Stop": "yes"}


@pytest.mark.parametrize(
    ("arguments", "content", "code", "said"),
    [
        (("--parameter", "stamp"), WORKFLOW, 2, "given as NAME=VALUE, not as 'stamp'"),
        (("--parameter", "stamp=perhaps"), WORKFLOW, 2, "must be true or false"),
        (("--parameter", "stump=true"), WORKFLOW, 2, "not defined in the provided workflow: stump"),
        ((), WORKFLOW.replace("Launch.", "Lanch."), 1, "there is no step `Lanch`"),
        ((), "phases: []\nschemaVersion: 1.0\n", 1, "-"),
        ((), "{", 1, "<stdin> has errors"),
    ],
)
def test_what_cannot_be_explained_is_told(
    run: Run, arguments: tuple[str, ...], content: str, code: int, said: str
) -> None:
    done = run("explain", "-", *arguments, stdin=content)

    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_component_is_no_workflow(run: Run) -> None:
    step = "{name: Hello, action: ExecuteBash, inputs: {commands: [echo]}}"
    component = f"schemaVersion: 1.0\nphases: [{{name: build, steps: [{step}]}}]\n"

    done = run("explain", "-", stdin=component)

    assert done.returncode == 1
    assert "only workflows can be explained" in done.stderr
