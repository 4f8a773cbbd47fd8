import pytest

from imagewright.errors import InvalidRequest, UnknownOperation
from imagewright.wire.model import service
from imagewright.wire.routing import route

ARN = "arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/my-wf/1.0.0/1"
ENCODED = (
    b"arn%3Aaws%3Aimagebuilder%3Aus-east-1%3A123456789012%3Aworkflow%2Fbuild%2Fmy-wf%2F1.0.0%2F1"
)


@pytest.mark.parametrize(
    "name", [name for name, op in service().operations.items() if "{" not in op.uri]
)
def test_every_operation_has_its_path(name: str) -> None:
    """WIRE-01."""
    operation = service().operations[name]

    found = route(operation.method, operation.uri.encode())

    assert found.operation is operation
    assert found.label is None


@pytest.mark.parametrize("path", [b"/tags/" + ENCODED, b"/tags/" + ARN.encode()])
@pytest.mark.parametrize(
    ("method", "name"),
    [("GET", "ListTagsForResource"), ("POST", "TagResource"), ("DELETE", "UntagResource")],
)
def test_a_tag_arn_is_one_label_encoded_or_not(method: str, path: bytes, name: str) -> None:
    """WIRE-03."""
    found = route(method, path)

    assert (found.operation.name, found.label) == (name, ARN)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/CreateWorkflow"),
        ("get", b"/GetWorkflow"),
        ("HEAD", b"/GetWorkflow"),
        ("OPTIONS", b"*"),
        ("PUT", b"/tags/" + ENCODED),
        ("PUT", b"/createworkflow"),
        ("PUT", b"/CreateWorkflow/"),
        ("PUT", b"//CreateWorkflow"),
        ("PUT", b"/CreateWorkflow/../CreateWorkflow"),
        ("GET", b"/tags"),
        ("GET", b"/tags/"),
        ("GET", b"/tag/x"),
        ("GET", b"/"),
        ("GET", b""),
        ("GET", b"/\xff\x00"),
        ("GET", b"/" + b"a" * 100_000),
    ],
)
def test_anything_else_is_an_unknown_operation(method: str, path: bytes) -> None:
    """ERR-40: a known path with another method too."""
    with pytest.raises(UnknownOperation) as caught:
        route(method, path)

    assert caught.value.status == 404
    assert len(caught.value.message) < 300


def test_a_label_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        route("GET", b"/tags/%ff%fe")
