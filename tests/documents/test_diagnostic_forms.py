"""Findings as people, scripts, code scanning and CI read them."""

from textwrap import dedent
from typing import Any

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, in_order, one_of
from imagewright.documents.diagnostics.github import to_github
from imagewright.documents.diagnostics.json_form import to_json
from imagewright.documents.diagnostics.sarif import to_sarif
from imagewright.documents.diagnostics.terminal import render, render_rich
from imagewright.documents.places import Position, Span
from imagewright.documents.syntax import SYNTAX_RULES
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.rules import WORKFLOW_RULES

TEXT = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Lanch.instanceId
"""
FINDINGS = load_workflow(TEXT, actions=ACTIONS).findings


def finding(line: int, column: int, width: int = 1, **more: Any) -> Diagnostic:
    start = Position(line, column, column - 1)
    end = Position(line, column + width, column - 1 + width)
    return Diagnostic("XX001", "error", Span(start, end), "something is wrong", **more)


def test_a_person_sees_the_line_the_place_and_the_way_out() -> None:
    assert render(FINDINGS, TEXT, "build.yaml") == dedent("""\
        error[WF303]: there is no step `Lanch`
          --> build.yaml:10:35
           |
        10 |       instanceId.$: $.stepOutputs.Lanch.instanceId
           |                                   ^^^^^ no step has this name
        help: did you mean `Launch`?
        """)


def test_colours_change_nothing_of_the_text() -> None:
    drawn = render_rich(FINDINGS, TEXT, "build.yaml")

    assert drawn.plain.rstrip() == render(FINDINGS, TEXT, "build.yaml").rstrip()
    assert {span.style for span in drawn.spans} >= {"bold red", "bold blue"}


@pytest.mark.parametrize(
    ("line", "column", "width", "shown", "marked"),
    [
        ("a: 漢字 x", 7, 1, "a: 漢字 x", "        ^"),
        ("a:\tb x", 6, 1, "a:\tb x", "  \t  ^"),
        ("a: \x1b[31m", 4, 1, "a: \ufffd[31m", "   ^"),
        ("x" * 200, 150, 3, "…" + "x" * 111, " " * 61 + "^^^"),
        ("x" * 200, 1, 3, "x" * 120 + "…", "^^^"),
        ("", 1, 1, "", "^"),
    ],
    ids=["wide", "tab", "escape", "far right", "far left", "empty"],
)
def test_the_caret_stands_below_what_is_meant(
    line: str, column: int, width: int, shown: str, marked: str
) -> None:
    drawn = render([finding(1, column, width)], line, "x").splitlines()

    assert drawn[3] == f"1 | {shown}".rstrip()
    assert drawn[4] == f"  | {marked}"


def test_a_finding_over_several_lines_is_marked_on_its_first() -> None:
    span = Span(Position(1, 3, 2), Position(3, 1, 9))

    drawn = render([Diagnostic("XX001", "error", span, "bad")], "a bcd\ne\nf", "x")

    assert "  |   ^^^\n" in drawn


def test_scripts_get_every_place_as_numbers() -> None:
    assert to_json(FINDINGS, "build.yaml") == [
        {
            "file": "build.yaml",
            "code": "WF303",
            "severity": "error",
            "message": "there is no step `Lanch`",
            "label": "no step has this name",
            "help": "did you mean `Launch`?",
            "start": {"line": 10, "column": 35, "offset": TEXT.index("Lanch.")},
            "end": {"line": 10, "column": 40, "offset": TEXT.index(".instanceId\n")},
        }
    ]


def test_code_scanning_gets_the_rules_and_their_pages() -> None:
    rules = [*WORKFLOW_RULES, *SYNTAX_RULES]

    log = to_sarif({"my dir/build.yaml": FINDINGS}, rules, "1.2.3")

    (run,) = log["runs"]
    assert (log["version"], run["tool"]["driver"]["version"]) == ("2.1.0", "1.2.3")
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["name"]) == ("WF303", "UnknownStep")
    assert rule["shortDescription"]["text"] == "`$.stepOutputs` names a step of the same document"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "my%20dir/build.yaml"}
    assert (place["region"]["startLine"], place["region"]["endColumn"]) == (10, 40)


def test_ci_gets_one_command_a_line_with_everything_escaped() -> None:
    said = to_github([finding(2, 3, help="100 %, surely")], "a,b:c.yaml")

    assert said == (
        "::error file=a%2Cb%3Ac.yaml,line=2,col=3,endLine=2,endColumn=4,title=XX001"
        "::something is wrong; 100 %25, surely"
    )


def test_findings_are_ordered_by_place_and_said_once() -> None:
    late, early = finding(2, 1), finding(1, 5)

    assert in_order([late, early, late]) == (early, late)


@pytest.mark.parametrize(
    ("word", "candidates", "meant"),
    [
        ("LaunchStp", ["LaunchStep", "Seal"], "LaunchStep"),
        ("launchstep", ["LaunchStep"], "LaunchStep"),
        ("waitForAction", ["WaitForAction"], "WaitForAction"),
        ("xyz", ["LaunchStep"], None),
        ("x" * 10_000, ["x" * 9_999], None),
        ("a", [], None),
    ],
    ids=lambda value: str(value)[:15],
)
def test_the_name_probably_meant_is_named(
    word: str, candidates: list[str], meant: str | None
) -> None:
    assert did_you_mean(word, candidates) == meant


def test_a_choice_reads_like_a_sentence() -> None:
    assert [one_of(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "`a`",
        "`a` or `b`",
        "`a`, `b` or `c`",
    ]
