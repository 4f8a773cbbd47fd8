"""The JSON Schema, made from the declarations: it completes, and never refuses what is accepted."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.documents.workflow.test_mutated_workflows import at_random, changed
from tests.documents.workflow.test_repairs import DOCUMENT
from tests.documents.workflow.test_workflow_corpus import ACCEPTED, CORPUS, needs_corpus

from imagewright.actions.table import ACTIONS
from imagewright.documents.nodes import native
from imagewright.documents.reading import load
from imagewright.documents.rules import Rule
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.rules import WORKFLOW_RULES
from imagewright.documents.workflow.schema import workflow_schema

SCHEMA = workflow_schema(ACTIONS)
VALIDATOR = jsonschema_rs.Draft7Validator(SCHEMA)

# What a schema can see: the form of the document, and what actions take.
SEEN = {
    *("WF101", "WF102", "WF103", "WF104", "WF105", "WF106", "WF107", "WF108", "WF109", "WF111"),
    *("WF112", "WF201", "WF204", "WF205", "WF206", "WF207", "WF208"),
    *("WF401", "WF402", "WF403", "WF404", "WF405"),
}


def read(text: str) -> Any:
    root = load(text).root
    assert root is not None
    return native(root)


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("rule", WORKFLOW_RULES, ids=lambda rule: rule.code)
def test_it_accepts_good_documents_and_refuses_bad_ones_where_their_form_shows_it(
    rule: type[Rule],
) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(read(rule.good))] == []
    assert VALIDATOR.is_valid(read(rule.bad)) is (rule.code not in SEEN)


@needs_corpus
@pytest.mark.parametrize("name", ACCEPTED, ids=lambda name: name.split("__")[-1])
def test_it_accepts_published_documents(name: str) -> None:
    assert VALIDATOR.is_valid(read((CORPUS / name).read_text("utf-8")))


def test_a_type_narrows_the_actions() -> None:
    test = workflow_schema(ACTIONS, Stage.TEST)

    actions = test["definitions"]["step"]["properties"]["action"]["enum"]
    assert "CollectImageScanFindings" in actions
    assert "DistributeImage" not in actions


def test_an_editor_is_told_what_an_input_is_for() -> None:
    inputs = SCHEMA["definitions"]["WaitForActionInputs"]["properties"]

    assert list(inputs) == [
        *("snsTopicArn", "snsTopicArn.$", "lambdaFunctionName", "lambdaFunctionName.$"),
        *("payload", "payload.$"),
    ]
    assert inputs["snsTopicArn"]["description"] == "The SNS topic to notify."


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("waitFor: ssmAgent", "waitFor: SSMAgent"),
        ("waitFor: ssmAgent", "waitfor: ssmAgent"),
        ("onFailure: Continue", "onFailure: CONTINUE"),
        ("onFailure: Continue", "timeoutSeconds: 604801"),
        ("    type: string", "    type: integer\n    default: few"),
        ("stringEquals: 'AMI'", "stringIs: 'AMI'"),
    ],
)
def test_a_mistake_of_form_is_marked(right: str, wrong: str) -> None:
    assert VALIDATOR.is_valid(read(DOCUMENT))
    assert not VALIDATOR.is_valid(read(DOCUMENT.replace(right, wrong)))


@at_random
@given(st.data())
def test_what_is_accepted_when_it_is_created_is_not_marked(data: st.DataObject) -> None:
    document = changed(data)

    accepted = load_workflow(json.dumps(document), actions=ACTIONS).workflow is not None

    if accepted:
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []
