"""Telling workflow and component documents apart, also broken ones."""

from pathlib import Path

import pytest

from imagewright.documents.recognise import DocumentKind, recognise

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("schemaVersion: 1.0\nsteps: []\n", DocumentKind.WORKFLOW),
        ('{"steps": []}', DocumentKind.WORKFLOW),
        ("schemaVersion: 1.0\nphases: []\n", DocumentKind.COMPONENT),
        ("phases:\n\t- broken", DocumentKind.COMPONENT),
        ("steps:\n  - name: {{ x }}y\n", DocumentKind.WORKFLOW),
        ("Resources: {}\n", DocumentKind.TEMPLATE),
        ('{"name": "x", "semanticVersion": "1.0.0"}', DocumentKind.REQUEST),
        (
            "FROM {{{ imagebuilder:parentImage }}}\nRUN <<EOF\nsteps:\nEOF\n",
            DocumentKind.DOCKERFILE,
        ),
        ("from --platform=linux/arm64 {{{imagebuilder:parentImage}}}", DocumentKind.DOCKERFILE),
        ("phases: {\n  x: FROM {{{ imagebuilder:parentImage }}}\n", DocumentKind.COMPONENT),
        ("FROM debian\n", None),
        ("name: x\n", None),
        ("- x\n", None),
        ("", None),
    ],
)
def test_a_text_is_known_by_what_is_at_its_top(text: str, kind: DocumentKind | None) -> None:
    assert recognise(text) == kind


@pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of published documents is not beside the repository"
)
@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("workflows", DocumentKind.WORKFLOW),
        ("components", DocumentKind.COMPONENT),
        ("dockerfiles", DocumentKind.DOCKERFILE),
    ],
)
def test_published_documents_are_told_apart(folder: str, kind: DocumentKind) -> None:
    taken_for = {
        path.name: recognise(path.read_text("utf-8")) for path in (CORPUS / folder).iterdir()
    }

    assert {name: other for name, other in taken_for.items() if other is not kind} == {}
