import re
from typing import Any

import pytest
from tests.conftest import works_within

from imagewright.errors import ApiError, InvalidParameter, InvalidParameterValue
from imagewright.wire.checking import check_parameters
from imagewright.wire.model import service

FRAME = "The value supplied for parameter '{path}' is not valid. {reason}"
ARN = "arn:aws:imagebuilder:us-east-1:123456789012"
COMPONENT = {"componentArn": f"{ARN}:component/c/1.0.0/1"}

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    # lengths, in characters
    ("CreateWorkflow", {"data": ""}, "data", "data must have length greater than or equal to 1"),
    (
        "CreateWorkflow",
        {"data": "ä" * 16_001},
        "data",
        "data must have length less than or equal to 16000",
    ),
    (
        "CreateWorkflow",
        {"clientToken": "t" * 65},
        "clientToken",
        "clientToken must have length less than or equal to 64",
    ),
    # ranges
    (
        "ListWorkflows",
        {"maxResults": 0},
        "maxResults",
        "maxResults must have value greater than or equal to 1",
    ),
    (
        "ListWorkflows",
        {"maxResults": 101},
        "maxResults",
        "maxResults must have value less than or equal to 100",
    ),
    (
        "ListWorkflows",
        {"maxResults": 10**4000},
        "maxResults",
        "maxResults must have value less than or equal to 100",
    ),
    # enums
    (
        "CreateWorkflow",
        {"type": "build"},
        "type",
        "type must satisfy enum value set: [BUILD, TEST, DISTRIBUTION]",
    ),
    # patterns hold for the whole value
    (
        "CreateWorkflow",
        {"semanticVersion": "1.x.x"},
        "semanticVersion",
        r"semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$",
    ),
    (
        "CreateWorkflow",
        {"semanticVersion": "1.0.0\n"},
        "semanticVersion",
        r"semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$",
    ),
    (
        "CreateWorkflow",
        {"semanticVersion": "1.0.\N{ARABIC-INDIC DIGIT ONE}"},
        "semanticVersion",
        r"semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$",
    ),
    (
        "CreateWorkflow",
        {"name": "my.name"},
        "name",
        "name must match pattern ^[-_A-Za-z-0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z-0-9]$",
    ),
    ("CreateWorkflow", {"data": "a\0b"}, "data", r"data must match pattern [^\x00]+"),
    (
        "CreateInfrastructureConfiguration",
        {"instanceMetadataOptions": {"httpTokens": "xrequired"}},
        "instanceMetadataOptions.httpTokens",
        "httpTokens must match pattern optional|required",
    ),
    (
        "CreateInfrastructureConfiguration",
        {"instanceProfileName": "größe"},
        "instanceProfileName",
        r"instanceProfileName must match pattern ^[\w+=,.@-]+$",
    ),
    # sizes of lists and maps
    (
        "CreateComponent",
        {"supportedOsVersions": []},
        "supportedOsVersions",
        "supportedOsVersions must have size greater than or equal to 1",
    ),
    (
        "CreateDistributionConfiguration",
        {
            "distributions": [
                {"region": "a"},
                {"region": "b", "amiDistributionConfiguration": {"targetAccountIds": []}},
            ]
        },
        "distributions[1].amiDistributionConfiguration.targetAccountIds",
        "targetAccountIds must have size greater than or equal to 1",
    ),
    (
        "CreateWorkflow",
        {"tags": {str(n): "" for n in range(51)}},
        "tags",
        "tags must have size less than or equal to 50",
    ),
    # places
    (
        "CreateImageRecipe",
        {"components": [COMPONENT, {"componentArn": "c"}]},
        "components[1].componentArn",
        "componentArn must match pattern "
        + str(service().shapes["ComponentVersionArnOrBuildVersionArn"].pattern),
    ),
    (
        "ListWorkflows",
        {"filters": [{"name": "name", "values": ["ok", "no\n"]}]},
        "filters[0].values[1]",
        'values[1] must match pattern ^[0-9a-zA-Z./_ :,{}"*-]{1,1024}$',
    ),
    (
        "CreateWorkflow",
        {"tags": {"aws:x": "1"}},
        "tags",
        r"tags key 'aws:x' must match pattern ^(?!aws:)[a-zA-Z0-9\s_.:/=+\-@]*$",
    ),
    (
        "CreateWorkflow",
        {"tags": {"a.b": "v" * 257}},
        "tags.a.b",
        "a.b must have length less than or equal to 256",
    ),
    # names of imports follow the rule of all names
    (
        "ImportVmImage",
        {"name": "a/b"},
        "name",
        "name must match pattern ^[-_A-Za-z-0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z-0-9]$",
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "path", "reason"), REFUSED)
def test_a_violation_is_told_in_the_services_words(
    operation: str, parameters: dict[str, Any], path: str, reason: str
) -> None:
    """ERR-20, ERR-21, ERR-25, NAM-01, NAM-07, VER-02, CRT-02, PAG-01, TAG-02, WIRE-07."""
    with pytest.raises(InvalidParameterValue) as caught:
        check_parameters(service().operations[operation], parameters)

    assert caught.value.path == path
    assert caught.value.message == FRAME.format(path=path, reason=reason)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("CreateWorkflow", {"data": "ä" * 16_000, "name": "a b", "tags": {}}),
        ("CreateWorkflow", {"name": "A_1" + "x" * 125, "clientToken": "\N{GRINNING FACE}" * 64}),
        ("CreateWorkflow", {"data": "line\nline\n"}),
        ("CreateImageRecipe", {"components": [COMPONENT], "semanticVersion": "1.0.x"}),
        ("ListWorkflows", {"maxResults": 100, "filters": [{"name": "name", "values": ["web*"]}]}),
        ("TagResource", {"resourceArn": f"{ARN}:image/i/x.x.x", "tags": {"k": ""}}),
        ("CreateImagePipeline", {"schedule": {"timezone": "America/Los_Angeles"}}),
        ("CreateComponent", {"description": "größe"}),
    ],
)
def test_values_at_the_limits_pass(operation: str, parameters: dict[str, Any]) -> None:
    """TAG-06: no tags on a create are none; BASE-02: up to 100 results, wildcard filters."""
    check_parameters(service().operations[operation], parameters)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("TagResource", {"resourceArn": "arn:aws:s3:::bucket", "tags": {"a": "b"}}),
        ("TagResource", {"resourceArn": f"{ARN}:image/i/1.0.0/1", "tags": {}}),
        ("TagResource", {"resourceArn": f"{ARN}:image/i/1.0.0/1", "tags": {"aws:a": "b"}}),
        ("UntagResource", {"resourceArn": f"{ARN}:image/i/1.0.0/1", "tagKeys": ["k"] * 51}),
        ("ListTagsForResource", {"resourceArn": "../../etc/passwd"}),
    ],
)
def test_the_tag_operations_have_an_exception_of_their_own(
    operation: str, parameters: dict[str, Any]
) -> None:
    """TAG-01."""
    with pytest.raises(InvalidParameter, match="The value supplied for parameter '"):
        check_parameters(service().operations[operation], parameters)


def test_a_message_does_not_grow_with_what_was_sent() -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        check_parameters(service().operations["CreateWorkflow"], {"tags": {"ä" * 100_000: ""}})

    assert len(caught.value.message) < 500


PATTERNS = sorted({shape.pattern for shape in service().shapes.values() if shape.pattern})
HOSTILE = [
    "a" * 500_000,
    "arn:aws" + "-a" * 250_000,
    "arn:aws:imagebuilder:us" + "-east" * 100_000,
    f"{ARN}:workflow/build/" + "a-" * 250_000 + "!",
    f"{ARN}:component/a/" + "1" * 250_000 + "." + "1" * 250_000,
    "s3://a/" + "/" * 500_000,
    "aA0" + "/a-+_" * 100_000 + "!",
    "AAAA" * 125_000 + "=",
    "{{a:." * 100_000 + "\0",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_of_the_model_takes_long(pattern: str) -> None:
    """A backtracking pattern would take hours for half a megabyte; linear ones, milliseconds."""
    matches = re.compile(pattern, re.ASCII).fullmatch

    works_within(2, lambda: [matches(text) for text in HOSTILE])


def test_checks_exist_for_every_operation() -> None:
    refused = 0
    for operation in service().operations.values():
        try:
            check_parameters(operation, _nonsense(operation.input))
        except ApiError:
            refused += 1
    assert refused == len(service().operations)


def _nonsense(shape_name: str) -> Any:
    """Make a value of the right types that keeps to none of the limits."""
    shape = service().shapes[shape_name]
    match shape.type:
        case "structure":
            return {member.name: _nonsense(member.shape) for member in shape.members}
        case "list":
            return [_nonsense(shape.holds)]
        case "map":
            return {"\0": _nonsense(shape.holds)}
        case "string":
            return "\0" * 70_000
        case "boolean":
            return True
        case _:
            return 2**70
