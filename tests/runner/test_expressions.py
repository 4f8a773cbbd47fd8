"""Expressions by the table ``conformance/component/expressions.yaml``: §3, O-5, O-29, O-31."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runner.conftest import Lab

from imagewright.documents.component.loading import Checked, load_component
from imagewright.documents.specs import Platform
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.modules.table import SPECS
from imagewright.runner.reporting import Notice
from imagewright.runner.run import run_component

_TABLE = Path(__file__).parents[1] / "conformance/component/expressions.yaml"
_ROWS = yaml.safe_load(_TABLE.read_text())
_ENVIRONMENT = RunEnvironment(
    variables={"IMAGE_PHASE": "BUILDING"},
    metadata={"instance-id": "i-1"},
    execution_id="run-1",
    account_id="111122223333",
    region="eu-west-1",
)


class StoppedClock:
    """Half past nothing, for ever."""

    def now(self) -> datetime:
        return datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def a_document(text: str) -> str:
    step = {"action": "CreateFile", "inputs": [{"path": "/tmp/out", "content": text}]}
    later = {"name": "Later", "action": "ExecuteBash", "inputs": {"commands": ["true"]}}
    return yaml.safe_dump(
        {
            "schemaVersion": "1.0",
            "parameters": [{"Name": {"type": "string"}}],
            "constants": [{"Root": {"type": "string", "value": "/srv"}}],
            "phases": [{"name": "build", "steps": [*_BEFORE, {"name": "Mk2", **step}, later]}],
        },
        sort_keys=False,
    )


_BEFORE = yaml.safe_load(
    """
- name: Mk
  action: ExecuteBash
  inputs: {commands: ["cat <<'end'", /opt/a, '', '', end]}
- name: Two
  action: CreateFile
  inputs:
    - path: /tmp/one
      content: "{{ '{{' }} Name }}"
    - path: '/tmp/{{ Name }}'
- name: Skipped
  action: ExecuteBash
  if: {stringIsEmpty: 'no'}
  inputs: {commands: ['echo {{ Name }}']}
- name: Doc
  action: ExecuteDocument
  if: {stringIsEmpty: 'no'}
  inputs:
    document: '/{{ context:step }}.yaml'
    parameters: [{name: Site, value: '{{ Name }} "a"'}]
- name: Bad
  action: ExecuteBash
  onFailure: Ignore
  inputs: {commands: [echo partly, exit 1]}
"""
)


def check(text: str) -> Checked:
    return load_component(a_document(text), modules=SPECS, platform=Platform.LINUX)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: " ".join(row["text"].split()))
def test_an_expression_becomes_what_the_table_says(row: dict[str, Any], lab: Lab) -> None:
    checked = check(row["text"])
    assert [finding.code for finding in checked.findings] == (
        [row["finding"]] if "finding" in row else []
    )
    if "result" not in row and "refused" not in row:
        assert checked.component is None
        return
    assert checked.component is not None

    def run() -> Any:
        return run_component(
            checked.component,  # type: ignore[arg-type]  # seen above
            machine=lab.machine,
            phases=["build"],
            parameters={"Name": "web"},
            environment=_ENVIRONMENT,
            reporter=lab.log,
            clock=StoppedClock(),
        )

    if "refused" in row:
        with pytest.raises(ComponentRefused, match=row["refused"]):
            run()
        return
    step = next(step for step in run().phases[0].steps if step.step == "Mk2")
    assert step.inputs[0]["content"] == row["result"]
    assert lab.read("/tmp/out").decode() == row["result"]


def test_a_finding_points_at_the_name_that_is_wrong() -> None:
    checked = check("{{ build.Mk.outputs.stdout }} {{ build.Mkk.outputs.stdout }}")

    (finding,) = checked.findings
    line = a_document("{{ build.Mk.outputs.stdout }} {{ build.Mkk.outputs.stdout }}").splitlines()[
        finding.span.start.line - 1
    ]

    assert line[finding.span.start.column - 1 : finding.span.end.column - 1] == "Mkk"
    assert finding.help == "did you mean `Mk`?"
    assert finding.context == "step 'Mk2' in phase 'build'"


def test_an_output_cannot_smuggle_in_an_expression(lab: Lab) -> None:
    result = lab.run(
        """
        schemaVersion: 1.0
        constants:
          - Secret: {type: string, value: hidden}
        phases:
          - name: build
            steps:
              - name: Says
                action: ExecuteBash
                inputs: {commands: ["printf '{%s' '{ Secret }}'"]}
              - name: Hears
                action: CreateFile
                inputs: [{path: /tmp/heard, content: '{{ build.Says.outputs.stdout }}'}]
        """
    )

    assert result.status == "success"
    assert lab.read("/tmp/heard") == b"{{ Secret }}"


def test_what_means_nothing_is_told_of_when_the_step_runs(lab: Lab) -> None:
    lab.step("CreateFile", [{"path": "/tmp/a", "content": "{{ env:NO_SUCH_NAME }}"}])

    (notice,) = lab.log.of(Notice)
    assert isinstance(notice, Notice)
    assert notice.text == "{{ env:NO_SUCH_NAME }} means nothing here and stays as it is"


@pytest.mark.parametrize(
    ("key", "expected"),
    [("osName", "Test Linux"), ("osVersion", "7.1"), ("hostname", None), ("uuid", None)],
)
def test_the_machine_says_what_it_is(key: str, expected: str | None, lab: Lab) -> None:
    text = f"{{{{ context:{key} }}}}"

    step = lab.step("CreateFile", [{"path": "/tmp/a", "content": text}])

    content = step.inputs[0]["content"]
    assert content
    assert content != text
    assert expected in (None, content)


def doubling(count: int, phase: str = "build") -> list[dict[str, Any]]:
    """Write steps of which each holds the one before twice."""
    steps = []
    for number in range(count):
        before = f"{{{{ {phase}.S{number - 1}.inputs[0].content }}}}"
        content = before * 2 if number else "x" * 100
        inputs = [{"path": "/tmp/out", "content": content}]
        steps.append({"name": f"S{number}", "action": "CreateFile", "inputs": inputs})
    return steps


def test_texts_that_double_from_step_to_step_come_to_an_end(lab: Lab) -> None:
    result = lab.run({"phases": [{"name": "build", "steps": doubling(40)}]})

    assert result.failure is not None
    assert result.failure.message == (
        "a text has more than 4,194,304 characters with its expressions replaced"
    )


def test_steps_that_did_not_run_are_answered_for_once_each(lab: Lab) -> None:
    steps = doubling(200)
    steps[0]["inputs"] = [{"path": "/tmp/out"}]
    reader = {
        "name": "R",
        "action": "CreateFile",
        "inputs": [{"path": "/tmp/read", "content": "<{{ build.S199.inputs[0].content }}>"}],
    }
    document = {"phases": [{"name": "build", "steps": steps}, {"name": "test", "steps": [reader]}]}

    result = lab.run(document, phases=["test"])

    assert result.status == "success"
    assert lab.read("/tmp/read") == b"<>"


def test_what_a_run_keeps_has_a_limit(lab: Lab) -> None:
    steps: list[dict[str, Any]] = [
        {
            "name": "Big",
            "action": "ExecuteBash",
            "inputs": {"commands": ["head -c 1000000 /dev/zero | tr '\\0' x | fold -w 1000"]},
        }
    ]
    big = "{{ build.Big.outputs.stdout }}"
    for number in range(70):
        inputs = [{"path": "/tmp/big", "content": big * 4}]
        steps.append({"name": f"S{number}", "action": "CreateFile", "inputs": inputs})

    result = lab.run({"phases": [{"name": "build", "steps": steps}]})

    assert result.failure is not None
    assert result.failure.message == "the inputs and outputs of the run are too large to be kept"
