"""The pages say what the code says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from imagewright.documents.rules import Rule
from imagewright.documents.validation import ALL_RULES
from imagewright.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=lambda path: str(path))
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def test_the_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text("utf-8")):
        aimed_at = (page.parent / target) if target else page

        assert aimed_at.exists(), target
        assert not anchor or f'<a id="{anchor}">' in aimed_at.read_text("utf-8"), anchor


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.code)
def test_every_rule_has_its_place(rule: type[Rule]) -> None:
    pages = (ROOT / "docs" / "rules").glob("*.md")

    assert any(f"</a>{rule.code}: " in page.read_text("utf-8") for page in pages)


def test_every_setting_says_what_it_is_for() -> None:
    schema = Settings.model_json_schema()
    models = [schema, *schema["$defs"].values()]

    silent = [
        name
        for model in models
        for name, field in model["properties"].items()
        if not field.get("description") and "$ref" not in field
    ]

    assert silent == []
