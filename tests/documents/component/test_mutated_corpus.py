"""Real documents, each spoilt at random: findings with places, never a traceback or a hang."""

import random
from collections.abc import Callable
from functools import partial

import pytest
from tests.conftest import works_within
from tests.documents.component.test_component_corpus import _CORPUS, documents
from tests.documents.component.test_mutated_components import has_place

from imagewright.documents.component.loading import load_component
from imagewright.documents.diagnostics.terminal import render
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.places import split_lines
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import SPECS

COUNT = 2000
PER_TEST = 200
SIZE_MAX = 16_000
"""Of a text in characters: what the service takes inline."""
DOCUMENT_SECONDS_MAX = 5
"""Far above what any takes, for machines that have other things to do."""

WORDS = (
    *("", "~", "null", "true", "-1", "0", "9" * 400, "1e999", "0x1F", "2026-01-01", "!!binary x"),
    *("{{ build.Nope.outputs.stdout }}", "{{", "}}", "{{ loop.value }}", "{{ aws:imds:iam/x }}"),
    *("&a", "*a", "*nobody", "<<: *a", "[", "{", "|", ">-", "- - -", "? x", "---", "...", "%YAML"),
    *("\t", "\ufeff", "\x00", "\ud800", "\u2028", "é漢🎉", "'", '"', "#", ": ", "@", "`"),
    *("ExecuteDocument", "Assert", "Reboot", "inputs:", "if:", "loop:", "steps:", "phases: []"),
)

Spoil = Callable[[random.Random, list[str]], None]


def drop(chance: random.Random, lines: list[str]) -> None:
    del lines[chance.randrange(len(lines))]


def repeat(chance: random.Random, lines: list[str]) -> None:
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))


def swap(chance: random.Random, lines: list[str]) -> None:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def indent(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(len(lines))
    lines[at] = " " * chance.randint(1, 4) + lines[at] if chance.random() < 0.5 else lines[at][2:]


def replace_value(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(len(lines))
    lines[at] = lines[at].partition(":")[0] + ": " + chance.choice(WORDS)


def insert(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(len(lines))
    place = chance.randint(0, len(lines[at]))
    lines[at] = lines[at][:place] + chance.choice(WORDS) + lines[at][place:]


def misspell(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(len(lines))
    place = chance.randint(0, len(lines[at]))
    lines[at] = lines[at][:place] + chance.choice("aZ0:-_{}[] ") + lines[at][place + 1 :]


def cut_off(chance: random.Random, lines: list[str]) -> None:
    del lines[chance.randrange(1, len(lines) + 1) :]


SPOILS: tuple[Spoil, ...] = (
    drop,
    repeat,
    swap,
    indent,
    replace_value,
    insert,
    misspell,
    cut_off,
)


def spoilt(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    if len(lines) == 1:  # JSON on one line: between its parts is where things go wrong
        lines = text.replace(",", ",\n").split("\n")
    for _ in range(chance.randint(1, 4)):
        chance.choice(SPOILS)(chance, lines)
        if not lines:
            break
    return "\n".join(lines)


@pytest.mark.skipif(not _CORPUS.exists(), reason="needs the corpus of public documents")
@pytest.mark.parametrize("seed", range(COUNT // PER_TEST))
def test_a_spoilt_real_document_gets_findings_with_places_and_nothing_else(seed: int) -> None:
    """§2.8: whatever is wrong with a document is said with its place."""
    chance = random.Random(seed)  # noqa: S311  (so that what fails can be made again)
    texts = [(_CORPUS / row["file"]).read_text()[:SIZE_MAX] for row in documents()]
    for number in range(PER_TEST):
        text = spoilt(chance, chance.choice(texts))
        platform = chance.choice([None, *Platform])

        check = partial(load_component, text, modules=SPECS, platform=platform)

        works_within(DOCUMENT_SECONDS_MAX, check)
        checked = check()

        where = f"seed {seed}, document {number}:\n{text}"
        lines = split_lines(text)
        assert all(has_place(finding, lines) for finding in checked.findings), where
        assert (checked.component is None) == any(f.is_error for f in checked.findings), where
        wire_message(checked.findings).encode("utf-8")
        render(checked.findings, text, "x.yaml")
