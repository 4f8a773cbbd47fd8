"""The JSON Schema of components: it completes, and never refuses what is accepted."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.documents.component.test_component_corpus import _CORPUS, check, documents
from tests.documents.component.test_mutated_components import VALID, changed
from tests.documents.workflow.test_mutated_workflows import at_random

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.rules import COMPONENT_RULES
from imagewright.documents.component.schema import component_schema
from imagewright.documents.nodes import native
from imagewright.documents.reading import load
from imagewright.documents.rules import Rule
from imagewright.documents.specs import Platform
from imagewright.runner.modules.table import SPECS

SCHEMA = component_schema(SPECS)
VALIDATOR = jsonschema_rs.Draft7Validator(SCHEMA)

# What a schema can see: the form of the document, and what modules take.
SEEN = {
    *("CD001", "CD002", "CD004", "CD005", "CD010", "CD012", "CD020", "CD021", "CD030", "CD032"),
    *("CD033", "CD034", "CD035", "CD040", "CD041", "CD042", "CD043", "CD050", "CD051", "CD052"),
    *("CD053", "CD055", "CD060", "CD062", "CD063"),
}


def read(text: str) -> Any:
    root = load(text).root
    assert root is not None
    return native(root)


def problems(document: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("rule", COMPONENT_RULES, ids=lambda rule: rule.code)
def test_it_accepts_good_documents_and_refuses_bad_ones_where_their_form_shows_it(
    rule: type[Rule],
) -> None:
    assert problems(read(rule.good)) == []
    assert VALIDATOR.is_valid(read(rule.bad)) is (rule.code not in SEEN)


@pytest.mark.parametrize("row", documents(), ids=lambda row: Path(row["file"]).stem)
def test_it_accepts_published_documents(row: dict[str, str]) -> None:
    if check(row).component is None:
        pytest.skip("the document itself is broken")
    assert problems(read((_CORPUS / row["file"]).read_text("utf-8"))) == []


def test_a_platform_narrows_the_actions() -> None:
    windows = component_schema(SPECS, Platform.WINDOWS)

    actions = windows["definitions"]["step"]["properties"]["action"]["enum"]
    assert "SetRegistry" in actions
    assert "ExecuteBash" not in actions


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("action: CreateFolder", "action: CreateFoldr"),
        ("onFailure: Continue", "onFailure: continue"),
        ("timeoutSeconds: 300", "timeoutSeconds: 0"),
        ("maxAttempts: 2", "maxAttempts: none"),
        ("permissions: 0750", "permission: 0750"),
        ("fileExists:", "fileExist:"),
        ("numberGreaterThan: 3", "numberGreaterThan: some"),
        ("forEach:", "foreach:"),
        ("- Root:", "- R:"),
    ],
)
def test_a_mistake_of_form_is_marked(right: str, wrong: str) -> None:
    assert problems(yaml.safe_load(VALID)) == []
    assert problems(yaml.safe_load(VALID.replace(right, wrong, 1))) != []


@at_random
@given(st.data())
def test_what_is_accepted_when_it_is_created_is_not_marked(data: st.DataObject) -> None:
    document = changed(data)

    accepted = load_component(json.dumps(document), modules=SPECS).component is not None

    if accepted:
        assert problems(document) == []
