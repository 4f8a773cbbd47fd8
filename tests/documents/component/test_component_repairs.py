"""``imagewright validate --fix`` on components: what is beyond doubt, and nothing else."""

from collections.abc import Mapping

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.repair import Repaired, repair
from imagewright.documents.validation import Validated, validate
from imagewright.runner.modules.table import SPECS

DOCUMENT = """\
# Kept: comments, quotes and layout.
schemaVersion: 1.0
parameters:
  - Channel: {type: string, default: stable}
phases:
  - name: build
    steps:
      - name: Say
        action: ExecuteBash
        onFailure: Continue   # whatever it says
        inputs:
          commands: ["echo {{ Channel }}"]
      - name: Write
        action: 'CreateFile'
        if: {stringEquals: stable, value: "{{ Channel }}", then: Execute}
        inputs:
          - path: /etc/app.conf
            content: "{{ build.Say.outputs.stdout }}"
            overwrite: true
"""


def repaired(text: str) -> Repaired:
    def check(content: bytes) -> Validated:
        return validate(content, actions=ACTIONS, modules=SPECS)

    return repair(text.encode(), check)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"action: ExecuteBash": "action: ExecuteBsh"},
        {"action: 'CreateFile'": "action: 'createFile'"},
        {"onFailure: Continue": "onFailure: continue"},
        {"onFailure:": "onfailure:"},
        {"stringEquals:": "stringEqual:"},
        {"then: Execute": "then: execute"},
        {"commands:": "comands:"},
        {"overwrite:": "Overwrite:"},
        {"build.Say.outputs": "build.say.outputs"},
        {"build.Say.outputs": "Build.Say.outputs"},
        {"outputs.stdout": "outputs.stdOut"},
        {"schemaVersion: 1.0\n": ""},
        {"schemaVersion: 1.0": "SchemaVersion: 1.0"},
        {"steps:": "Steps:"},
        {"action: ExecuteBash": "action: executebash", "onFailure: C": "onFailure: c"},
    ],
    ids=str,
)
def test_a_slip_is_put_right_and_all_else_stays(spoilt: Mapping[str, str]) -> None:
    text = DOCUMENT
    for right, wrong in spoilt.items():
        assert right in text
        text = text.replace(right, wrong, 1)

    mended = repaired(text)

    assert mended.edits != ()
    assert [finding.code for finding in mended.result.findings] == []
    assert sorted(mended.content.decode().splitlines()) == sorted(DOCUMENT.splitlines())
    assert repaired(mended.content.decode()).edits == ()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"action: ExecuteBash": "action: Execute"},
        {"{{ Channel }}": "{{ channel }}"},
        {"onFailure: Continue": "onFailure: Retry"},
        {"            overwrite: true": "            owerwrite: true\n            overwrite: true"},
        {"build.Say.outputs": "build.Tell.outputs"},
        {"schemaVersion: 1.0": "schemaVersion: 2.0"},
    ],
    ids=str,
)
def test_what_is_not_beyond_doubt_is_left_to_the_author(spoilt: Mapping[str, str]) -> None:
    text = DOCUMENT
    for right, wrong in spoilt.items():
        text = text.replace(right, wrong, 1)

    mended = repaired(text)

    assert mended.edits == ()
    assert mended.content.decode() == text
