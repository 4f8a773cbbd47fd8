"""Each rule of component documents, by the good and the bad document on its own page."""

import pytest

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.rules import COMPONENT_RULES, NotOnWindows
from imagewright.documents.rules import Rule
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import SPECS

_EVERY_RULE = pytest.mark.parametrize("rule", COMPONENT_RULES, ids=lambda rule: rule.__name__)


def codes(rule: type[Rule], text: str) -> list[str]:
    platform = Platform.WINDOWS if rule is NotOnWindows else Platform.LINUX
    checked = load_component(text, modules=SPECS, platform=platform)
    return [finding.code for finding in checked.findings]


@_EVERY_RULE
def test_the_good_document_has_nothing_wrong_with_it(rule: type[Rule]) -> None:
    assert codes(rule, rule.good) == []


@_EVERY_RULE
def test_the_bad_document_breaks_this_rule_and_no_other(rule: type[Rule]) -> None:
    assert set(codes(rule, rule.bad)) == {rule.code}


@_EVERY_RULE
def test_every_rule_has_a_page(rule: type[Rule]) -> None:
    assert rule.page()
    assert len(rule.title()) < 100


def test_no_two_rules_share_a_code() -> None:
    used = [rule.code for rule in COMPONENT_RULES]

    assert sorted(set(used)) == used
