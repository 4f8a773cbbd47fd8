"""Every rule is tested by the two documents that stand beside it."""

from itertools import chain
from pathlib import Path

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.reading import load
from imagewright.documents.rules import Rule
from imagewright.documents.specs import Stage
from imagewright.documents.syntax import SYNTAX_RULES
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.rules import ADVICE_RULES, MEANING_RULES, WORKFLOW_RULES
from imagewright.documents.workflow.rules.companions import (
    COMPANION_RULES,
    Companion,
    CompanionRule,
    check_together,
)

ALONE = [rule for rule in WORKFLOW_RULES if not issubclass(rule, CompanionRule)]
every_workflow_rule = pytest.mark.parametrize("rule", ALONE, ids=lambda rule: rule.code)
every_companion_rule = pytest.mark.parametrize(
    "rule", [type(rule) for rule in COMPANION_RULES], ids=lambda rule: rule.code
)
every_syntax_rule = pytest.mark.parametrize("rule", SYNTAX_RULES, ids=lambda rule: rule.code)


def check(text: str) -> tuple[Diagnostic, ...]:
    """Check as a BUILD workflow, or as a DISTRIBUTION one where that is what it is."""
    distributes = any(each in text for each in ("ContainerImage", "{{ imagebuilder:", "Modify"))
    stage = Stage.DISTRIBUTION if distributes else Stage.BUILD
    return load_workflow(text, actions=ACTIONS, stage=stage).findings


def check_beside(rule: type[CompanionRule], text: str) -> list[Diagnostic]:
    """Check against a companion of the rule's."""
    companions = []
    for name, document in (("one", text), ("other", rule.BESIDE)):
        workflow = load_workflow(document, actions=ACTIONS).workflow
        assert workflow is not None
        companions.append(Companion(name, workflow))
    return [finding for one, finding in check_together(companions) if one.name == "one"]


@every_companion_rule
def test_a_companion_rule_is_shown_by_its_bad_document_alone(rule: type[CompanionRule]) -> None:
    assert check(rule.bad) == check(rule.good) == ()
    assert check_beside(rule, rule.good) == []
    (finding,) = check_beside(rule, rule.bad)
    assert (finding.code, finding.severity) == (rule.code, rule.severity)


@every_workflow_rule
def test_the_good_document_is_accepted_without_a_word(rule: type[Rule]) -> None:
    assert check(rule.good) == ()


@every_workflow_rule
def test_the_bad_document_shows_the_rule_and_no_other(rule: type[Rule]) -> None:
    findings = check(rule.bad)

    assert {finding.code for finding in findings} == {rule.code}
    assert {finding.severity for finding in findings} == {rule.severity}


@every_syntax_rule
def test_the_good_text_is_read_without_a_word(rule: type[Rule]) -> None:
    assert load(rule.good).findings == ()


@every_syntax_rule
def test_the_bad_text_shows_the_rule_and_no_other(rule: type[Rule]) -> None:
    assert {finding.code for finding in load(rule.bad).findings} == {rule.code}


def test_every_code_belongs_to_one_rule() -> None:
    codes = [rule.code for rule in chain(WORKFLOW_RULES, SYNTAX_RULES)]

    assert sorted(set(codes)) == sorted(codes)


def test_every_rule_about_meaning_is_on_the_list() -> None:
    assert {type(rule) for rule in (*MEANING_RULES, *ADVICE_RULES)} <= set(WORKFLOW_RULES)


@pytest.mark.parametrize("rule", [*WORKFLOW_RULES, *SYNTAX_RULES], ids=lambda rule: f"{rule.code}")
def test_every_rule_has_a_page_that_begins_with_a_sentence(rule: type[Rule]) -> None:
    first, _, _ = rule.page().partition("\n")

    assert first.endswith(".")
    assert Path(rule.code).name == rule.code
