"""Parameters: what a document declares, and what callers supply."""

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.model import Workflow
from imagewright.documents.workflow.parameters import (
    BadParameterValueError,
    MissingParametersError,
    UnknownParametersError,
    bind,
    details,
)

STEPS = "schemaVersion: 1.0\nsteps:\n  - name: Ask\n    action: WaitForAction\n"


def workflow(*parameters: str) -> Workflow:
    text = STEPS + "parameters:\n" + "".join(f"  - {{{each}}}\n" for each in parameters)
    checked = load_workflow(text, actions=ACTIONS)
    assert checked.workflow is not None, checked.findings
    return checked.workflow


def test_the_api_tells_of_defaults_as_lists_of_strings() -> None:
    """CRT-13."""
    document = workflow(
        "name: ask, type: boolean, default: true, description: Ask first.",
        "name: count, type: integer, default: 042",
        "name: topic, type: string, default: 1.10",
        "name: sizes, type: stringList, default: [m7i.large, 5]",
        "name: none, type: stringList, default: []",
        "name: needed, type: string",
        "name: untyped",
    )

    assert details(document) == [
        {
            "name": "ask",
            "type": "boolean",
            "defaultValue": ["true"],
            "description": "Ask first.",
        },
        {"name": "count", "type": "integer", "defaultValue": ["42"]},
        {"name": "topic", "type": "string", "defaultValue": ["1.10"]},
        {"name": "sizes", "type": "stringList", "defaultValue": ["m7i.large", "5"]},
        {"name": "none", "type": "stringList", "defaultValue": []},
        {"name": "needed", "type": "string"},
        {"name": "untyped", "type": "string"},
    ]


def test_a_document_without_parameters_tells_of_none() -> None:
    checked = load_workflow(STEPS, actions=ACTIONS)

    assert checked.workflow is not None
    assert details(checked.workflow) == []


def test_what_is_supplied_replaces_the_default_as_a_whole() -> None:
    """§3.2."""
    document = workflow("name: sizes, type: stringList, default: [a, b]", "name: topic, default: x")

    values = bind(document, [("sizes", ["c"])])

    assert values == {"sizes": ["c"], "topic": "x"}


@pytest.mark.parametrize(
    ("kind", "texts", "value"),
    [
        ("string", ["x"], "x"),
        ("string", [""], ""),
        ("integer", ["-42"], -42),
        ("integer", ["007"], 7),
        ("boolean", ["TRUE"], True),
        ("boolean", ["false"], False),
        ("stringList", ["a", "b"], ["a", "b"]),
        ("stringList", [], []),
        ("string", ["x" * 1024], "x" * 1024),
    ],
)
def test_texts_become_values_of_the_declared_type(
    kind: str, texts: list[str], value: object
) -> None:
    """§3.2, §3.3."""
    document = workflow(f"name: p, type: {kind}")

    assert bind(document, [("p", texts)]) == {"p": value}


@pytest.mark.parametrize(
    ("kind", "texts", "reason"),
    [
        ("integer", ["4.2"], "must be a whole number, not `4.2`"),
        ("integer", ["4\n"], "must be a whole number"),
        ("integer", [""], "must be a whole number"),
        ("boolean", ["yes"], "must be true or false, not `yes`"),
        ("string", ["a", "b"], "must be one value, not 2"),
        ("string", [], "must be one value, not 0"),
        ("string", ["x" * 1025], "must have at most 1,024 characters"),
        ("stringList", ["a", "x" * 1025], "must have at most 1,024 characters"),
    ],
)
def test_texts_that_do_not_fit_are_refused(kind: str, texts: list[str], reason: str) -> None:
    """IMG-19."""
    document = workflow(f"name: p, type: {kind}")

    with pytest.raises(BadParameterValueError) as caught:
        bind(document, [("p", texts)])

    assert caught.value.name == "p"
    assert caught.value.reason.startswith(reason)


def test_unknown_parameters_are_refused_by_name() -> None:
    """IMG-19, ERR-22."""
    with pytest.raises(UnknownParametersError) as caught:
        bind(workflow("name: topic, default: x"), [("topc", ["x"]), ("other", ["y"])])

    assert caught.value.names == ("topc", "other")
    assert str(caught.value).endswith("not defined in the provided workflow: topc, other")


def test_missing_parameters_are_refused_by_name() -> None:
    """IMG-19."""
    with pytest.raises(MissingParametersError) as caught:
        bind(workflow("name: topic", "name: size", "name: count, default: '1'"), [("size", ["x"])])

    assert caught.value.names == ("topic",)


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(BadParameterValueError, match="given twice"):
        bind(workflow("name: topic"), [("topic", ["x"]), ("topic", ["x"])])
