"""Flags and the settings file of ``component run`` (§8.2)."""

import json
from typing import Any

import pytest

from imagewright.toe.asked import Asked, AskedDocument, AskedWrongly, read_asked

CONFIG = {
    "phases": "build,validate",
    "parameters": [{"name": "Channel", "value": "beta"}, {"name": "Dir", "value": "/a,b=c"}],
    "documents": [
        {"path": "./base.yaml"},
        {"path": "app.yaml", "parameters": [{"name": "Dir", "value": "/srv"}]},
    ],
    "logDirectory": "/var/lib/amazon/toe",
    "executonId": "as-the-guide-prints-it",
}


def test_documents_and_parameters_come_from_flags() -> None:
    asked = read_asked({"documents": "a.yaml,s3://b/c.yaml", "parameters": "One=1,Two=a=b"})

    values = {"One": "1", "Two": "a=b"}
    assert asked.documents == (
        AskedDocument("a.yaml", values),
        AskedDocument("s3://b/c.yaml", values),
    )
    assert asked.phases is None
    assert asked.log_directory == "."


def test_a_documents_own_parameters_outweigh_those_of_all() -> None:
    asked = read_asked({}, json.dumps(CONFIG))

    assert asked.documents == (
        AskedDocument("./base.yaml", {"Channel": "beta", "Dir": "/a,b=c"}),
        AskedDocument("app.yaml", {"Channel": "beta", "Dir": "/srv"}),
    )
    assert asked.phases == ("build", "validate")
    assert asked.execution_id == "as-the-guide-prints-it"


def test_a_flag_outweighs_the_file() -> None:
    asked = read_asked({"phases": "test", "log_directory": "logs"}, json.dumps(CONFIG))

    assert (asked.phases, asked.log_directory) == (("test",), "logs")


@pytest.mark.parametrize(
    ("flags", "config", "problem"),
    [
        ({}, None, "one of --config and --documents is needed"),
        ({"documents": "a"}, CONFIG, "--documents cannot stand beside --config"),
        ({"parameters": "a=b"}, CONFIG, "--parameters cannot stand beside --config"),
        ({"documents": "a,,b"}, None, "one of its items is empty"),
        ({"documents": "a", "execution_id": "../x"}, None, "`../x` cannot name a folder"),
        ({"documents": "a", "parameters": "Name"}, None, "`Name` is none"),
        ({"documents": "a", "parameters": "Name="}, None, "`Name` is given an empty value"),
        ({"documents": "a", "phases": "build,"}, None, "one of its items is empty"),
        ({}, [], "must hold a JSON object"),
        ({}, {}, "needs `documents`"),
        ({}, {"documents": []}, "needs `documents`"),
        ({}, {"documents": ["a"]}, "`documents[0]` of the settings file needs a `path`"),
        ({}, {"documents": [{"path": "a", "x": 1}]}, "`documents[0]` of the settings file has no"),
        ({}, {"documents": [{"path": "a"}], "phase": "x"}, "did you mean `phases`?"),
        ({}, {"documents": [{"path": "a"}], "trace": "yes"}, "must be true or false"),
        ({}, {"documents": [{"path": "a"}], "logDirectory": 3}, "`logDirectory`"),
        ({}, {"documents": [{"path": "a"}], "parameters": {"a": "b"}}, "must be a list"),
        (
            {},
            {"documents": [{"path": "a"}], "parameters": [{"name": "a", "value": ""}]},
            "must be text, and not empty",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(flags: Any, config: Any, problem: str) -> None:
    with pytest.raises(AskedWrongly) as refused:
        read_asked(flags, None if config is None else json.dumps(config))

    assert problem in str(refused.value)


def test_a_file_that_is_no_json_is_refused() -> None:
    with pytest.raises(AskedWrongly, match="no JSON"):
        read_asked({}, "documents: []")


def test_without_phases_all_are_wanted() -> None:
    assert Asked(documents=()).wants("verify")
    assert not Asked(documents=(), phases=("build",)).wants("verify")
