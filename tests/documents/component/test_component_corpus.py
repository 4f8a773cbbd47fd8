"""Every component of the corpus: what its authors run is accepted, what is broken is explained."""

import csv
from pathlib import Path

import pytest

from imagewright.documents.component.loading import Checked, load_component
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import SPECS

_CORPUS = Path(__file__).parents[4] / "shared/corpus"
_PLATFORMS = {"Linux": Platform.LINUX, "Windows": Platform.WINDOWS}

_BROKEN = {
    # A template: the program that ships it puts the two missing steps in.
    "components/aws__aws-parallelcluster__custom_script.yaml": (
        "Parsing step 'Download' in phase 'build' failed. "
        "Error: the phase `build` has no step `ScriptUrlScheme`"
    ),
    # Downloads from a local folder.
    "components/awslabs__aws-image-builder-document-generator__README-yaml2.yaml": (
        "Parsing step 'DownloadFile' in phase 'build' failed. Error: S3Download: `source` must be "
        "`s3://bucket/key`, not `C:\\myfolder\\*`"
    ),
    # Several unquoted lines where a list belongs.
    "other/EmmanuelTsouris__ec2-image-builder-components__install-vscode.yml": (
        "This line is neither a key with a value nor part of the lines above; a key ends in `:`; "
        "a script of several lines stands below `|`, indented (line 17, column 13)"
    ),
}


def documents() -> list[dict[str, str]]:
    index = _CORPUS / "INDEX.csv"
    if not index.exists():
        return []
    with index.open() as file:
        rows = list(csv.DictReader(file))
    return [r for r in rows if r["kind"] == "component" or "component document" in r["notes"]]


def check(row: dict[str, str]) -> Checked:
    text = (_CORPUS / row["file"]).read_text()
    return load_component(text, modules=SPECS, platform=_PLATFORMS.get(row["platform"]))


_EVERY_DOCUMENT = pytest.mark.parametrize(
    "row", documents(), ids=lambda row: Path(row["file"]).stem
)


def test_the_corpus_is_there() -> None:
    if not _CORPUS.exists():
        pytest.skip("the corpus of public documents is not beside the project")
    assert len(documents()) > 80


@_EVERY_DOCUMENT
def test_a_real_document_is_accepted_or_its_fault_is_named(row: dict[str, str]) -> None:
    checked = check(row)

    if row["file"] in _BROKEN:
        assert checked.component is None
        assert wire_message(checked.findings).startswith(_BROKEN[row["file"]])
        return
    assert [finding for finding in checked.findings if finding.is_error] == []
    assert checked.component is not None


@_EVERY_DOCUMENT
def test_a_real_document_gives_no_warning_that_its_author_would_find_wrong(
    row: dict[str, str],
) -> None:
    warnings = {finding.code for finding in check(row).findings if not finding.is_error}

    # An empty phase (CD023) is worth a word; nothing else is found in what people run.
    assert warnings <= {"CD023"}
