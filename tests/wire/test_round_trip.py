"""botocore is the other half: what it sends we read, what we send it reads, for all operations."""

import re
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import get_session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewright.errors import ApiError
from imagewright.wire import answers
from imagewright.wire.checking import check_parameters
from imagewright.wire.messages import HttpAnswer, HttpRequest
from imagewright.wire.model import Shape, service
from imagewright.wire.reading import read_parameters
from imagewright.wire.routing import route
from imagewright.wire.writing import ResponseError, write_response

ENDPOINT = "http://127.0.0.1:8080"
OPERATIONS = sorted(service().operations)
AWKWARD = [
    "a",
    "größe \N{GRINNING FACE}",
    "a b&c=d/%2F?#+;",
    'two\n\t"lines" \\',
    "{{ $.x }}",
    "\u2028",
]
SEEDS = range(6)


@cache
def botocores() -> ServiceModel:
    return get_session().get_service_model("imagebuilder")


def sent_by_botocore(operation: OperationModel, parameters: dict[str, Any]) -> HttpRequest:
    serializer = create_serializer("rest-json", include_validation=False)
    request = serializer.serialize_to_request(parameters, operation)
    prepare_request_dict(request, endpoint_url=ENDPOINT)
    prepared = create_request_object(request).prepare()
    path, _, query = prepared.url.removeprefix(ENDPOINT).partition("?")
    return HttpRequest(
        prepared.method, path.encode("ascii"), query.encode("ascii"), (), prepared.body or b""
    )


def read_by_botocore(operation: OperationModel, answer: HttpAnswer) -> dict[str, Any]:
    assert operation.output_shape is not None
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    parsed: dict[str, Any] = create_parser("rest-json").parse(
        {"status_code": answer.status, "headers": headers, "body": answer.body},
        operation.output_shape,
    )
    return parsed


def values(shape_name: str, rng: Random, *, everything: bool) -> Any:
    """Make a value that the model allows, with all members or with a few."""
    shape = service().shapes[shape_name]
    match shape.type:
        case "structure":
            return {
                member.name: values(member.shape, rng, everything=everything)
                for member in shape.members
                if everything or member.name in shape.required or rng.random() < 0.3
            }
        case "list":
            return [
                values(shape.holds, rng, everything=everything) for _ in range(size(shape, rng))
            ]
        case "map":
            return {
                values(shape.keyed_by, rng, everything=True): values(
                    shape.holds, rng, everything=everything
                )
                for _ in range(size(shape, rng))
            }
        case "string":
            return rng.choice(texts(shape))
        case "boolean":
            return rng.random() < 0.5
        case "double" | "timestamp":
            return rng.randrange(2**33) / 2
        case _:
            low = -(2**31) if shape.minimum is None else int(shape.minimum)
            high = 2**31 - 1 if shape.maximum is None else int(shape.maximum)
            return rng.choice([low, high, rng.randint(low, high)])


def size(shape: Shape, rng: Random) -> int:
    least = int(shape.minimum or 0)
    return rng.randint(least, min(least + 2, int(shape.maximum or 10)))


@cache
def texts(shape: Shape) -> list[str]:
    """Make strings that a shape allows, awkward ones among them."""
    if shape.enum:
        return list(shape.enum)
    least = int(shape.minimum or 0)
    most = 10_000 if shape.maximum is None else int(shape.maximum)
    if shape.pattern is None:
        return [(text * max(least, 1))[:most] for text in AWKWARD]
    return [text for text in matching(shape.pattern) if least <= len(text) <= most]


def matching(pattern: str) -> list[str]:
    found: list[str] = []

    @settings(
        max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


@pytest.mark.parametrize("everything", [False, True], ids=["few members", "all members"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_we_read_what_botocore_sends(name: str, everything: bool) -> None:
    """WIRE-01, WIRE-03, WIRE-05: and what the model allows passes the checks."""
    for seed in SEEDS:
        shape = service().operations[name].input
        parameters = values(shape, Random(seed), everything=everything)  # noqa: S311
        request = sent_by_botocore(botocores().operation_model(name), parameters)

        found = route(request.method, request.path)
        read = read_parameters(found.operation, request, found.label)

        assert found.operation.name == name
        assert read == parameters
        check_parameters(found.operation, read)


@pytest.mark.parametrize("everything", [False, True], ids=["few members", "all members"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_botocore_reads_what_we_send(name: str, everything: bool) -> None:
    """WIRE-02, WIRE-08, WIRE-09: the request id is in the body exactly where the shape has it."""
    operation = service().operations[name]
    model = botocores().operation_model(name)
    assert model.output_shape is not None
    has_id = "requestId" in model.output_shape.members
    for seed in SEEDS:
        response = values(operation.output, Random(seed), everything=everything)  # noqa: S311
        response.pop("requestId", None)

        answer = answers.success(write_response(operation, response, "3f2b"), "3f2b")
        parsed = as_written(read_by_botocore(model, answer))

        metadata = parsed.pop("ResponseMetadata")
        assert metadata["RequestId"] == "3f2b"
        assert metadata["HTTPStatusCode"] == 200
        assert metadata["HTTPHeaders"]["content-type"] == "application/json"
        assert parsed == response | ({"requestId": "3f2b"} if has_id else {})


def as_written(parsed: Any) -> Any:
    """Turn botocore's datetimes back into epoch seconds."""
    if isinstance(parsed, dict):
        return {key: as_written(value) for key, value in parsed.items()}
    if isinstance(parsed, list):
        return [as_written(value) for value in parsed]
    return parsed.timestamp() if isinstance(parsed, datetime) else parsed


def test_what_has_no_value_is_left_out() -> None:
    """WIRE-10."""
    response: dict[str, Any] = {"workflow": {"name": "w", "description": None, "tags": {}}}

    body = write_response(service().operations["GetWorkflow"], response, "id")

    assert body == b'{"workflow":{"name":"w","tags":{}}}'


@pytest.mark.parametrize(
    ("operation", "response"),
    [
        ("GetWorkflow", {"workflows": {}}),
        ("GetWorkflow", {"workflow": {"colour": "red"}}),
        ("GetWorkflow", {"workflow": {"name": 1}}),
        ("GetWorkflow", {"workflow": {"dateCreated": datetime(2026, 1, 1)}}),  # noqa: DTZ001
        ("GetWorkflow", {"workflow": {"tags": {1: "a"}}}),
        ("GetWorkflow", {"workflow": {"parameters": "p"}}),
        ("GetWorkflow", {"workflow": []}),
        ("GetImage", {"image": {"deprecationTime": "2026-01-01T00:00:00.000Z"}}),
        ("GetImage", {"image": {"deprecationTime": float("nan")}}),
        ("GetImage", {"image": {"enhancedImageMetadataEnabled": 1}}),
        ("GetWorkflowExecution", {"totalStepCount": 1.5}),
        ("GetWorkflowExecution", {"totalStepCount": True}),
    ],
)
def test_a_response_outside_the_model_is_a_defect(operation: str, response: dict[str, Any]) -> None:
    with pytest.raises(ResponseError):
        write_response(service().operations[operation], response, "id")


def leaves(error: type[ApiError]) -> list[type[ApiError]]:
    below = error.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [error]


@pytest.mark.parametrize("kind", leaves(ApiError), ids=lambda kind: kind.__name__)
def test_botocore_reads_every_error(kind: type[ApiError]) -> None:
    """ERR-01, ERR-10, ERR-40."""
    error = kind.__new__(kind)
    Exception.__init__(error, 'It is größer "than" <that>.\nAnd more.')

    answer = answers.failure(error, "3f2b")
    parsed = read_by_botocore(botocores().operation_model("CreateWorkflow"), answer)

    assert parsed["Error"]["Code"] == kind.code
    assert parsed["Error"]["Message"] == error.message
    assert parsed["ResponseMetadata"]["RequestId"] == "3f2b"
    assert answer.status == getattr(kind, "status", service().statuses.get(kind.code))
    assert dict(answer.headers)[b"content-type"] == b"application/json"
