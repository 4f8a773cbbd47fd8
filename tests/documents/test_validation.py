"""From the bytes of a file to findings, whatever the file holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics import has_errors
from imagewright.documents.recognise import DocumentKind
from imagewright.documents.rules import Rule
from imagewright.documents.specs import Platform, Stage
from imagewright.documents.validation import (
    ALL_RULES,
    FILE_RULES,
    SIZE_BYTES_MAX,
    Validated,
    validate,
)
from imagewright.runner.modules.table import SPECS

WORKFLOW = b"""\
schemaVersion: 1.0
steps:
  - name: Run
    action: ExecuteComponents
    inputs: {instanceId: i-12345678}
"""
COMPONENT = b"""\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Hello, action: ExecuteBash, inputs: {commands: [echo]}}
"""


def check(
    content: bytes, stage: Stage | None = None, platform: Platform | None = None
) -> Validated:
    return validate(content, actions=ACTIONS, modules=SPECS, stage=stage, platform=platform)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(WORKFLOW, DocumentKind.WORKFLOW), (COMPONENT, DocumentKind.COMPONENT)],
)
def test_a_good_document_is_known_by_itself(content: bytes, kind: DocumentKind) -> None:
    result = check(content)

    assert (result.kind, result.findings) == (kind, ())


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        pytest.param(b"", "YM003", (1, 1), id="empty"),
        pytest.param(b"# only words\n", "YM003", (1, 1), id="a comment"),
        pytest.param(b"name: x\n", "DC002", (1, 1), id="neither"),
        pytest.param(b"Resources: {}\n", "DC002", (1, 1), id="a template"),
        pytest.param(b"a: b\nc\n", "YM001", (2, 1), id="not YAML"),
        pytest.param(b"name: ok\nGr\xfc\xdfe: x\n", "DC001", (2, 3), id="Latin-1"),
        pytest.param("steps: []".encode("utf-16"), "DC001", (1, 1), id="UTF-16"),
        pytest.param(b"\x7fELF\x02\x01\x01\0", "YM002", (1, 1), id="a program"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0", "DC001", (1, 1), id="a picture"),
        pytest.param(WORKFLOW + b"#" * SIZE_BYTES_MAX, "YM011", (1, 1), id="too large"),
        pytest.param("é".encode() * SIZE_BYTES_MAX, "YM011", (1, 1), id="cut in a character"),
    ],
)
def test_what_is_no_document_says_why(content: bytes, code: str, place: tuple[int, int]) -> None:
    finding = check(content[: SIZE_BYTES_MAX + 1]).findings[0]

    assert (finding.code, finding.span.start[:2]) == (code, place)


def test_a_byte_order_mark_does_not_move_a_place() -> None:
    plain = check(b"steps: []\nname: \xff\n").findings[0]
    marked = check(b"\xef\xbb\xbfsteps: []\nname: \xff\n").findings[0]

    assert marked.span == plain.span


def test_a_workflow_is_held_against_its_type() -> None:
    assert not has_errors(check(WORKFLOW, stage=Stage.BUILD).findings)
    assert [f.code for f in check(WORKFLOW, stage=Stage.DISTRIBUTION).findings] == ["WF202"]


def test_a_component_is_held_against_its_platform() -> None:
    assert not has_errors(check(COMPONENT, platform=Platform.LINUX).findings)
    assert [f.code for f in check(COMPONENT, platform=Platform.WINDOWS).findings] == ["CD032"]


@pytest.mark.parametrize("rule", FILE_RULES, ids=lambda rule: rule.code)
def test_a_rule_finds_its_bad_file_and_not_its_good_one(rule: type[Rule]) -> None:
    good, bad = (
        [f.code for f in check(text.encode("utf-8", "surrogateescape")).findings]
        for text in (rule.good, rule.bad)
    )

    assert rule.code not in good
    assert rule.code in bad


def test_no_code_is_used_twice() -> None:
    codes = [rule.code for rule in ALL_RULES]

    assert len(set(codes)) == len(codes)


@given(st.binary() | st.text().map(str.encode) | st.binary().map(lambda tail: WORKFLOW + tail))
def test_no_content_makes_it_raise(content: bytes) -> None:
    result = check(content)

    assert result.is_document or result.findings
