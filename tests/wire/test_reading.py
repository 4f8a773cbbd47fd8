import json
from collections.abc import Mapping
from typing import Any

import pytest

from imagewright.errors import InvalidRequest
from imagewright.wire.messages import HttpRequest
from imagewright.wire.model import service
from imagewright.wire.reading import load_json, read_parameters

WORKFLOW = {
    "name": "w",
    "semanticVersion": "1.0.0",
    "type": "BUILD",
    "clientToken": "t",
}


def read(
    operation: str,
    body: bytes = b"",
    *,
    query: bytes = b"",
    label: str | None = None,
    client_token_required: bool = True,
) -> dict[str, Any]:
    return read_parameters(
        service().operations[operation],
        HttpRequest("PUT", b"/", query, (), body),
        label,
        client_token_required=client_token_required,
    )


def body_of(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members).encode()


def test_null_and_unknown_members_count_as_absent() -> None:
    """BASE-04."""
    body = body_of(WORKFLOW | {"description": None, "future": {"a": [1]}, "tags": {"a": "b"}})

    assert read("CreateWorkflow", body) == WORKFLOW | {"tags": {"a": "b"}}


def test_an_empty_body_is_an_empty_request() -> None:
    assert read("ListWorkflows") == {}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "Could not parse the request body into JSON"),
        (b"{} {}", "Could not parse the request body into JSON"),
        (b"{'a': 1}", "Could not parse the request body into JSON"),
        (b"null", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"name": "a", "name": "b"}', "given twice"),
        (b'{"a": {"b": 1, "b": 2}}', "given twice"),
        (b'{"name": "\xff"}', "not UTF-8 text"),
        (b'{"name": "\\ud800"}', "not UTF-8 text"),
        (b'\xef\xbb\xbf{"name": "a"}', "Could not parse the request body into JSON"),
        ('{"name": "a"}'.encode("utf-16"), "not UTF-8 text"),
        (b"[" * 500_000, "nested too deeply"),
        (b'{"a":' * 170_000, "nested too deeply"),
        (b'{"maxResults": ' + b"9" * 5000 + b"}", "Could not parse the request body into JSON"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_not_one_clean_json_object_is_refused(body: bytes, reason: str) -> None:
    """§4.6: body is not JSON."""
    with pytest.raises(InvalidRequest, match=reason):
        read("ListWorkflows", body)


def test_a_surrogate_pair_is_a_character() -> None:
    assert load_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("CreateWorkflow", {"name": 1}, "'name' must be a string, not a number."),
        ("CreateWorkflow", {"name": ["w"]}, "'name' must be a string, not a list."),
        ("CreateWorkflow", {"dryRun": "true"}, "'dryRun' must be a boolean, not a string."),
        ("CreateWorkflow", {"dryRun": 1}, "'dryRun' must be a boolean, not a number."),
        ("CreateWorkflow", {"tags": []}, "'tags' must be an object, not a list."),
        ("CreateWorkflow", {"tags": {"a": None}}, "'tags.a' must be a string, not null."),
        ("ListWorkflows", {"maxResults": True}, "'maxResults' must be a whole number, not a bool"),
        ("ListWorkflows", {"maxResults": 2.5}, "'maxResults' must be a whole number, not a num"),
        ("ListWorkflows", {"filters": {}}, "'filters' must be a list, not an object."),
        ("ListWorkflows", {"filters": [{}, 3]}, r"'filters\[1\]' must be an object, not a number."),
        (
            "ListWorkflows",
            {"filters": [{"values": ["a", None]}]},
            r"'filters\[0\].values\[1\]' must be a string, not null.",
        ),
        ("StartResourceStateUpdate", {"updateAt": "2026-01-01"}, "'updateAt' must be a number"),
        ("StartResourceStateUpdate", {"updateAt": 1e300}, "'updateAt' must be a time"),
        ("StartResourceStateUpdate", {"updateAt": -1}, "'updateAt' must be a time"),
    ],
)
def test_a_wrong_json_type_is_named_with_its_place(
    operation: str, members: dict[str, Any], message: str
) -> None:
    """§4.6: wrong JSON type."""
    with pytest.raises(InvalidRequest, match=message):
        read(operation, body_of(members))


def test_an_infinite_number_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'updateAt' must be a finite number"):
        read("StartResourceStateUpdate", b'{"updateAt": 1e999}')


@pytest.mark.parametrize("name", sorted(WORKFLOW))
def test_a_missing_required_member_is_named(name: str) -> None:
    """§4.6, IDM-01: the client token too."""
    members = {key: value for key, value in WORKFLOW.items() if key != name}

    with pytest.raises(InvalidRequest, match=f"Missing required parameter: '{name}'"):
        read("CreateWorkflow", body_of(members))


def test_a_missing_member_is_named_with_its_place() -> None:
    members = {"name": "r", "semanticVersion": "1.0.0", "parentImage": "ami-1", "clientToken": "t"}

    with pytest.raises(InvalidRequest, match=r"'components\[0\].componentArn'"):
        read("CreateImageRecipe", body_of(members | {"components": [{}]}))


def test_a_token_is_made_up_where_none_is_required() -> None:
    """O-07."""
    members = {key: value for key, value in WORKFLOW.items() if key != "clientToken"}

    first = read("CreateWorkflow", body_of(members), client_token_required=False)
    second = read("CreateWorkflow", body_of(members), client_token_required=False)

    assert first["clientToken"] != second["clientToken"]
    assert read("CreateWorkflow", body_of(WORKFLOW), client_token_required=False) == WORKFLOW


def test_queries_are_read_by_name() -> None:
    """WIRE-05: a list repeats its key; the signature's parameters are nobody's members."""
    assert read(
        "UntagResource", query=b"tagKeys=a%20b&X-Amz-Date=1&tagKeys=k&tagKeys=", label="arn"
    ) == {"resourceArn": "arn", "tagKeys": ["a b", "k", ""]}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (b"", "Missing required parameter: 'workflowBuildVersionArn'"),
        (b"workflowbuildversionarn=a", "Missing required parameter"),
        (b"workflowBuildVersionArn=a&workflowBuildVersionArn=b", "more than once"),
        (b"workflowBuildVersionArn=%ff", "not UTF-8"),
        (b"workflowBuildVersionArn=\xff", "not UTF-8"),
        (b"&".join([b"a=1"] * 1001), "more than 1000 fields"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(query: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read("GetWorkflow", query=query)
