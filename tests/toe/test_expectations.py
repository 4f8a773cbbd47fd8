"""``NAME.test.yaml``: what cases say, and what is wrong with them."""

import pytest

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.runner.modules.table import SPECS
from imagewright.toe.expectations import Case, FileDemand, TextDemand, read_cases

COMPONENT = """\
schemaVersion: 1.0
parameters:
  - Channel: {type: string, default: stable}
phases:
  - name: build
    steps:
      - {name: Say, action: ExecuteBash, inputs: {commands: [echo]}}
  - name: test
    steps:
      - {name: Look, action: ExecuteBash, inputs: {commands: [echo]}}
"""


@pytest.fixture(scope="module")
def component() -> Component:
    loaded = load_component(COMPONENT, modules=SPECS).component
    assert loaded is not None
    return loaded


def test_a_case_says_how_it_runs_and_what_must_come_of_it(component: Component) -> None:
    text = """\
base: debian-13
cases:
  - name: beta
    parameters: {Channel: beta}
    phases: [build]
    outputs:
      build.Say.stdout: exactly
    files:
      /a: present
      /b: absent
      /c: {contains: x, mode: 0644}
  - name: refused
    base: debian-12
    failedStep: test.Look
    message: {matches: '^no'}
    steps: {build.Say: success}
"""

    (beta, refused), findings = read_cases(text, component)

    assert findings == ()
    assert beta == Case(
        name="beta",
        base="debian-13",
        parameters={"Channel": "beta"},
        phases=("build",),
        outputs={"build.Say.stdout": TextDemand(equals="exactly")},
        files={
            "/a": FileDemand(),
            "/b": FileDemand(exists=False),
            "/c": FileDemand(content=TextDemand(contains="x"), mode="0644"),
        },
    )
    assert (refused.base, refused.failed_step) == ("debian-12", "test.Look")
    assert (beta.exit_code, refused.exit_code) == (0, 1)


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("[]", "a file of expectations must be a map, not a list", ""),
        ("base: x", "needs `cases`, a list", ""),
        ("cases: []", "needs `cases`, a list", ""),
        ("cases: [a]", "a case must be a map, not text", ""),
        ("cases: [{exit: 0}]", "a case needs a `name`", ""),
        ("cases: [{name: a}, {name: a}]", "two cases of the name `a`", ""),
        ("cases: [{name: a, output: {}}]", "a case has no `output`", "did you mean `outputs`?"),
        ("cases: [{name: a, exit: 3}]", "`exit` is `0` or `1`", ""),
        ("cases: [{name: a, status: ok}]", "`status` is", ""),
        ("cases: [{name: a, phases: [biuld]}]", "no phase `biuld`", "did you mean `build`?"),
        ("cases: [{name: a, parameters: {Chanel: x}}]", "no parameter", "did you mean `Channel`?"),
        ("cases: [{name: a, failedStep: build.Sya}]", "no step", "did you mean `build.Say`?"),
        ("cases: [{name: a, failedStep: build.Say, exit: 0}]", "`failedStep` is for a case", ""),
        ("cases: [{name: a, message: x, status: success}]", "`message` is for a case", ""),
        ("cases: [{name: a, steps: {build.Say: good}}]", "a step ends as `success`", ""),
        ("cases: [{name: a, outputs: {stdout: x}}]", "named `phase.step.output`", ""),
        ("cases: [{name: a, outputs: {build.Say.stdout: {matches: '('}}}]", "RE2", ""),
        ("cases: [{name: a, files: {etc/x: present}}]", "by its absolute path", ""),
        ('cases: [{name: a, files: {"/x\\0": present}}]', "by its absolute path", ""),
        ("cases: [{name: a, files: {/x: there}}]", "a file is `present` or `absent`", "contains"),
        ("cases: [{name: a, files: {/x: {sha: y}}}]", "a file has no `sha`", ""),
    ],
)
def test_a_mistake_is_found_at_its_place(
    component: Component, text: str, message: str, fix: str
) -> None:
    _, findings = read_cases(text, component)

    assert any(message in found.message and fix in found.help for found in findings), findings


@pytest.mark.parametrize(
    ("demand", "text", "problem"),
    [
        (TextDemand(), "anything", ""),
        (TextDemand(equals="a"), "a", ""),
        (TextDemand(equals="a"), "b\n", "should be `a` and is `b\\n`"),
        (TextDemand(contains="b"), "abc", ""),
        (TextDemand(contains="x"), "abc", "should contain `x` and is `abc`"),
        (TextDemand(matches="^A.c$"), "abc", ""),
        (TextDemand(matches="^b"), "abc", "should match `^b` and is `abc`"),
    ],
)
def test_a_text_is_held_against_its_demand(demand: TextDemand, text: str, problem: str) -> None:
    assert demand.problem(text) == problem


def test_a_mistyped_step_is_one_mistake_and_not_two(component: Component) -> None:
    _, findings = read_cases("cases: [{name: a, failedStep: build.Sya}]", component)

    assert len(findings) == 1
