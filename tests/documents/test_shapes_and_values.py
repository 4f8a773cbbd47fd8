"""Declarations: what is read off their dataclasses, and values held against them."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from imagewright.documents.shapes import ListOf, MapOf, Record, Text, Truth, Whole, record_of
from imagewright.documents.specs import (
    UNKNOWN,
    ActionSpec,
    InputError,
    ModuleSpec,
    Problem,
    about,
    build,
    to_plain,
)
from imagewright.documents.values import check, mark_references


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part."""

    region: str
    size_gib: int | None = field(default=None, metadata=about("Its size.", wire="SizeGiB"))


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """One of everything."""

    instance_id: str = field(metadata=about("The machine.", pattern="i-.*", pattern_says="an id"))
    health_check: Literal["RUNNING", "STATUS_CHECK_PASSED"] = "RUNNING"
    wait: bool = False
    count: int | None = field(default=None, metadata=about("How many.", whole_min=1, whole_max=3))
    parts: list[Part] | None = field(default=None, metadata=about("Parts.", one_or_many=True))
    tags: dict[str, list[str]] | None = field(default=None, metadata=about("Tags.", length_max=1))
    body: str | None = field(
        default=None, metadata=about("Anything.", json=True, size_bytes_max=10)
    )


def problems(values: object) -> list[tuple[str, str]]:
    found = check(record_of(Inputs), mark_references(values))
    return [(each.kind, each.message) for each in found]


def test_names_types_and_defaults_come_from_the_dataclass() -> None:
    record = record_of(Inputs)

    assert record.required_names == ("instanceId",)
    shapes = {member.name: member.shape for member in record.members}
    assert shapes["instanceId"] == Text()
    assert shapes["healthCheck"] == Text(("RUNNING", "STATUS_CHECK_PASSED"))
    assert (shapes["wait"], shapes["count"]) == (Truth(), Whole())
    assert shapes["tags"] == MapOf(ListOf(Text()))
    parts = shapes["parts"]
    assert isinstance(parts, ListOf)
    assert isinstance(parts.item, Record)
    assert parts.item.names == ("region", "SizeGiB")


def test_an_annotation_nobody_knows_is_a_mistake_in_the_declaration() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Odd:
        when: complex

    with pytest.raises(TypeError, match="complex"):
        record_of(Odd)


def test_values_become_the_declared_instance() -> None:
    made = build(
        record_of(Inputs),
        {
            "instanceId": "i-1",
            "wait": "Yes",
            "count": "2",
            "parts": {"region": "eu-west-1", "SizeGiB": 8},
            "tags": {"a": ["b", 5]},
            "body": None,
        },
    )

    assert made == Inputs(
        instance_id="i-1",
        wait=True,
        count=2,
        parts=[Part(region="eu-west-1", size_gib=8)],
        tags={"a": ["b", "5"]},
    )


def test_a_declared_instance_is_spelt_as_documents_do() -> None:
    made = Inputs(instance_id="i-1", parts=[Part(region="x", size_gib=8)])

    assert to_plain(made) == {
        "instanceId": "i-1",
        "healthCheck": "RUNNING",
        "wait": False,
        "parts": [{"region": "x", "SizeGiB": 8}],
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [("missing", "`instanceId` is missing")]),
        ([], [("wrong type", "`inputs` must be a map, not a list")]),
        (
            {"instanceId": True},
            [("wrong type", "`instanceId` must be text, not the truth value true")],
        ),
        ({"instanceId": None}, [("wrong type", "`instanceId` must be text, not nothing")]),
        ({"instanceId": "x"}, [("wrong value", "`instanceId` must be an id, not `x`")]),
        (
            {"instanceId": "$.stepOutputs.A.b"},
            [
                (
                    "reference",
                    "`instanceId` holds the text `$.stepOutputs.A.b`, not what it refers to",
                )
            ],
        ),
        ({"instanceId": "i-1", "wat": 1}, [("unknown name", "there is no input `wat`")]),
        (
            {"instanceId": "i-1", "healthCheck": "running"},
            [
                (
                    "wrong value",
                    "`healthCheck` must be `RUNNING` or `STATUS_CHECK_PASSED`, not `running`",
                )
            ],
        ),
        (
            {"instanceId": "i-1", "wait": 1},
            [("wrong type", "`wait` must be true or false, not a number")],
        ),
        ({"instanceId": "i-1", "count": 0}, [("wrong value", "`count` must be at least 1")]),
        ({"instanceId": "i-1", "count": 4}, [("wrong value", "`count` must be at most 3")]),
        (
            {"instanceId": "i-1", "parts": [{"SizeGiB": "x"}]},
            [
                ("wrong type", "`parts[0].SizeGiB` must be a whole number, not text"),
                ("missing", "`parts[0].region` is missing"),
            ],
        ),
        (
            {"instanceId": "i-1", "tags": {"a": "b", "c": []}},
            [
                ("wrong value", "`tags` has 2 entries, needs at least 0 and at most 1"),
                ("wrong type", "`tags.a` must be a list of texts, not text"),
            ],
        ),
        (
            {"instanceId": "i-1", "body": "[1, 2, 3, 4, 5]"},
            [("wrong value", "`body` has 15 bytes; it may have 10")],
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_path(
    values: object, expected: list[tuple[str, str]]
) -> None:
    assert problems(values) == expected


def test_text_that_reads_like_a_reference_is_text_outside_workflows() -> None:
    found = check(record_of(Part), {"region": "$.parameters.region"})

    assert list(found) == []


def test_text_that_must_be_json_says_why_it_is_not() -> None:
    ((kind, message),) = problems({"instanceId": "i-1", "body": "{a: 1}"})

    assert kind == "wrong value"
    assert message.startswith("`body` must be JSON: ")


def test_json_that_nests_without_end_is_no_json() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Deep:
        body: str = field(metadata=about("", json=True))

    ((problem),) = check(record_of(Deep), {"body": "[" * 100_000})

    assert problem.message.startswith("`body` must be JSON")


def test_what_others_call_a_choice_is_told_by_its_own_name() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Machine:
        architecture: Literal["x86_64", "arm64"] = field(
            metadata=about("", choices_elsewhere={"amd64": "x86_64"})
        )

    ((problem),) = check(record_of(Machine), {"architecture": "amd64"})

    assert (problem.help, problem.meant) == ("did you mean `x86_64`?", "x86_64")


def test_what_only_the_run_will_bring_is_taken_to_be_right() -> None:
    assert problems({"instanceId": UNKNOWN, "parts": [UNKNOWN, {"region": UNKNOWN}]}) == []


def test_an_input_error_names_the_first_problem_its_way_out_and_how_many_more() -> None:
    with pytest.raises(InputError) as caught:
        build(record_of(Inputs), {"instancId": "i-1"})

    assert (
        str(caught.value)
        == "there is no input `instancId`; did you mean `instanceId`? (and 1 more)"
    )


def test_an_action_says_its_summary_in_the_first_line_of_its_page() -> None:
    spec = ActionSpec(
        name="Do",
        page="Do it.\n\nMore.",
        timeout_default_seconds=1,
        timeout_max_seconds=2,
    )

    assert spec.summary == "Do it."
    assert spec.input_record.names == ()


def test_a_module_adds_what_one_field_cannot_say() -> None:
    def only_one(values: object) -> object:
        assert isinstance(values, dict)
        if "wait" in values and "count" in values:
            yield Problem("wrong value", ("wait",), "give `wait` or `count`, not both")

    spec = ModuleSpec(name="Do", page="Do it.", inputs=Inputs, extra_check=only_one)  # type: ignore[arg-type]

    found = list(spec.check_inputs({"instanceId": "i-1", "wait": "yes", "count": "1"}))

    assert [problem.message for problem in found] == ["give `wait` or `count`, not both"]
    with pytest.raises(InputError):
        spec.build_inputs({"instanceId": "i-1", "wait": "yes", "count": "1"})
