"""Reading the secrets of documents again, after the process that knew them is gone (§3.4)."""

import json
from collections.abc import Mapping

import pytest
from tests.runner.conftest import bash, steps

from imagewright.masking import Secrets, StoredText
from imagewright.runner.failures import ModuleFailure, OutOfReach
from imagewright.runner.modules.table import SPECS
from imagewright.runner.relearning import Relearning

STORE = {"/secret": "hunter2", "/where": "arn:inner"}
SAYS = bash("echo {{ aws:ssm:/secret }}")
RESOLVES = bash("echo {{ aws:ssm:resolve(Name) }}")
NAME: dict[str, object] = {"parameters": [{"Name": {"type": "string"}}]}


def document(*given: Mapping[str, object], **more: object) -> str:
    return json.dumps({"schemaVersion": 1.0, **more, **steps(*given)})


def execute(place: str, **inputs: object) -> dict[str, object]:
    return {"action": "ExecuteDocument", "inputs": {"document": place, **inputs}}


def with_name(value: str) -> dict[str, object]:
    return {"parameters": [{"name": "Name", "value": value}]}


@pytest.mark.parametrize(
    ("text", "others", "knows", "misses"),
    [
        pytest.param(document(SAYS), {}, True, "", id="its own"),
        pytest.param(
            document(execute("arn:inner")), {"arn:inner": document(SAYS)}, True, "", id="by ARN"
        ),
        pytest.param(
            document(execute("S3://b/k")), {"S3://b/k": document(SAYS)}, True, "", id="from S3"
        ),
        pytest.param(
            document(execute("arn:inner", **with_name("/{{ Word }}")),
                parameters=[{"Word": {"type": "string", "default": "secret"}}]),
            {"arn:inner": document(RESOLVES, **NAME)}, True, "", id="by a parameter",
        ),
        pytest.param(
            document(execute("arn:inner", parameters="{{ Word }}"), SAYS,
                parameters=[{"Word": {"type": "string", "default": "secret"}}]),
            {"arn:inner": document(RESOLVES, **NAME)}, True, "", id="after no parameters",
        ),
        pytest.param(
            document(execute("{{ aws:ssm:/where }}")), {"arn:inner": document(SAYS)}, True, "",
            id="a document that a parameter names",
        ),
        pytest.param(
            document(execute("arn:a")),
            {"arn:a": document(execute("arn:b")), "arn:b": document(execute("arn:c")),
             "arn:c": document(SAYS)},
            True, "", id="three levels deep",
        ),
        pytest.param(
            document(execute("arn:a")), {"arn:a": document(execute("arn:a"))}, False, "",
            id="a circle",
        ),
        pytest.param(
            document(execute("/opt/inner.yaml")), {}, False, "/opt/inner.yaml cannot be had again",
            id="on the machine",
        ),
        pytest.param(
            document(bash("echo arn:inner"), execute("{{ build.Step0.outputs.stdout }}")), {},
            False, "cannot be had again", id="one that the run names",
        ),
        pytest.param(
            document(execute("arn:gone")), {}, False, "arn:gone is not there", id="one that is gone"
        ),
        pytest.param(document(bash("echo {{ aws:ssm:/gone }}")), {}, False, "/gone is not there",
            id="a parameter that is gone"),
        pytest.param(
            document(execute("arn:inner")), {"arn:inner": "phases: aws:ssm:"}, False, "",
            id="no component",
        ),
    ],
)  # fmt: skip
def test_what_can_be_had_again_is_learnt_and_the_rest_is_told(
    text: str, others: Mapping[str, str], knows: bool, misses: str
) -> None:
    def read(name: str) -> StoredText:
        return StoredText(found(STORE, name), is_secret=name == "/secret")

    def found(these: Mapping[str, str], name: str) -> str:
        if name not in these:
            raise ModuleFailure(f"{name} is not there")
        return these[name]

    missed: list[str] = []
    secrets = Secrets()
    relearning = Relearning(
        read=read,
        open=lambda place, _owner: found(others, place),
        secrets=secrets,
        modules=SPECS,
        miss=missed.append,
    )

    relearning.of(text, {})

    assert secrets.are_in("hunter2") is knows
    assert misses in " ".join(missed)
    assert bool(missed) is bool(misses)


@pytest.mark.parametrize("text", [document(SAYS), document(execute("s3://b/k"))])
def test_who_does_not_answer_is_no_miss(text: str) -> None:
    """Another try may tell, so nothing may go on as if all were known."""

    def away(*_asked: object) -> str:
        raise OutOfReach("nobody answers")

    relearning = Relearning(
        read=lambda name: StoredText(away(name), is_secret=True),
        open=away,
        secrets=Secrets(),
        modules=SPECS,
        miss=lambda why: pytest.fail(why),
    )

    with pytest.raises(OutOfReach):
        relearning.of(text, {})


def test_the_pieces_that_a_loop_may_have_gone_through_are_known_again() -> None:
    secrets = Secrets()
    relearning = Relearning(
        read=lambda _name: StoredText("user-one;user-two", is_secret=True),
        open=lambda place, _owner: place,
        secrets=secrets,
        modules=SPECS,
        miss=lambda _why: None,
    )
    over = {"list": "{{ aws:ssm:/secret }}", "delimiter": ";"}

    relearning.of(document(bash("echo {{ loop.value }}", loop={"forEach": over})), {})

    assert secrets.mask("a user-two") == "a ***"
