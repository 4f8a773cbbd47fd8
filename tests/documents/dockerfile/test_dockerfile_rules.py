"""Each rule of Dockerfile templates, by the good and the bad document on its own page."""

from pathlib import Path

import pytest

from imagewright.documents.dockerfile.check import FINDINGS_MAX, load_dockerfile
from imagewright.documents.dockerfile.rules import DOCKERFILE_RULES, PARENT
from imagewright.documents.rules import Rule

_EVERY_RULE = pytest.mark.parametrize("rule", DOCKERFILE_RULES, ids=lambda rule: rule.__name__)
_CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "dockerfiles"


@_EVERY_RULE
def test_the_good_template_has_nothing_wrong_with_it(rule: type[Rule]) -> None:
    assert load_dockerfile(rule.good).findings == ()


@_EVERY_RULE
def test_the_bad_template_breaks_this_rule_and_no_other(rule: type[Rule]) -> None:
    findings = load_dockerfile(rule.bad).findings

    assert {(finding.code, finding.severity) for finding in findings} == {
        (rule.code, rule.severity)
    }


@_EVERY_RULE
def test_every_rule_has_a_page(rule: type[Rule]) -> None:
    assert rule.page().partition("\n")[0].endswith(".")
    assert len(rule.title()) < 100


def test_no_two_rules_share_a_code() -> None:
    used = [rule.code for rule in DOCKERFILE_RULES]

    assert sorted(set(used)) == used


def test_an_error_is_found_behind_more_warnings_than_anybody_reads() -> None:
    warned = "RUN make \\\n\n  all\n" * FINDINGS_MAX

    checked = load_dockerfile(f"FROM {PARENT}\n{warned}RUNN make\n")

    assert checked.dockerfile is None
    assert len(checked.findings) == FINDINGS_MAX
    assert [finding.code for finding in checked.findings if finding.is_error] == ["DF005"]


@pytest.mark.skipif(not _CORPUS.exists(), reason="needs the corpus of public documents")
def test_public_templates_have_nothing_wrong_with_them() -> None:
    templates = {path.name: path.read_text("utf-8") for path in _CORPUS.iterdir()}

    assert {
        name: load_dockerfile(text).findings for name, text in templates.items()
    } == dict.fromkeys(templates, ())
    assert templates
