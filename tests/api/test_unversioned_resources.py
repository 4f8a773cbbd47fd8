"""What holds alike for everything that is one per name: configurations and pipelines."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.api.asking import ABSENT, EXISTS, VALUE, refusal
from tests.api.test_image_pipelines import parts
from tests.conftest import Server, StartServer

ACCOUNT = "555555555555"
"""Of nobody else: what is listed is the account's."""
MISMATCH = "IdempotentParameterMismatchException"


class Kind(NamedTuple):
    """What differs between the kinds."""

    operation: str
    arn: str
    listed: str
    content: Callable[[Any, str], dict[str, Any]]
    """Registers what a resource of a name needs, and returns what must be said of it."""

    @property
    def slug(self) -> str:
        return self.operation.replace("_", "-")

    @property
    def camel(self) -> str:
        return "".join(word.capitalize() for word in self.operation.split("_"))

    def call(self, verb: str, client: Any) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(client, f"{verb}_{self.operation}")
        return found

    def make(self, client: Any, name: str, **content: Any) -> str:
        arn: str = self.call("create", client)(name=name, **content)[self.arn]
        return arn

    def names(self, client: Any, pattern: str) -> list[str]:
        pages = client.get_paginator(f"list_{self.operation}s").paginate(
            filters=[{"name": "name", "values": [pattern]}], PaginationConfig={"PageSize": 2}
        )
        return [entry["name"] for page in pages for entry in page[self.listed]]

    def get(self, client: Any, arn: str) -> dict[str, Any]:
        answer = self.call("get", client)(**{self.arn: arn})
        [found] = [answer[member] for member in _SHOWN if member in answer]
        return dict(found)


_SHOWN = ("infrastructureConfiguration", "distributionConfiguration", "imagePipeline")
KINDS = [
    Kind(
        "infrastructure_configuration",
        "infrastructureConfigurationArn",
        "infrastructureConfigurationSummaryList",
        lambda _client, _name: {"instanceProfileName": "builder"},
    ),
    Kind(
        "distribution_configuration",
        "distributionConfigurationArn",
        "distributionConfigurationSummaryList",
        lambda _client, _name: {"distributions": [{"region": "us-west-2"}]},
    ),
    Kind("image_pipeline", "imagePipelineArn", "imagePipelineList", parts),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.operation)


@pytest.fixture
def client(server: Server) -> Any:
    return server.client(ACCOUNT, parameter_validation=False)  # the server is to check


def arn_of(resource: str) -> str:
    return f"arn:aws:imagebuilder:us-east-1:{ACCOUNT}:{resource}"


@each_kind
def test_a_name_can_be_taken_once(client: Any, name: str, kind: Kind) -> None:
    """ARN-01, NAM-02, NAM-05, NAM-06, VER-06."""
    content = kind.content(client, name)
    arn = kind.make(client, name, **content)

    assert arn == arn_of(f"{kind.slug}/{name.replace('_', '-')}")
    assert refusal(kind.call("create", client), name=name.upper(), **content) == (
        EXISTS,
        400,
        f"The following resource '{kind.camel}' already exists: '{arn}'.",
    )


@each_kind
def test_create_and_update_run_once_per_token(client: Any, name: str, kind: Kind) -> None:
    """IDM-01 to IDM-03, IDM-11."""
    content = kind.content(client, name)
    create, update = kind.call("create", client), kind.call("update", client)
    first = {"name": name, "clientToken": "c-" + name[-12:], **content}
    made = create(**first)
    arn = made[kind.arn]
    second = {kind.arn: arn, "clientToken": "u-" + name[-12:], **content}
    changed = update(**second)
    update(**{kind.arn: arn, "description": "Third", **content})

    again = create(**first), update(**second)

    assert [each["clientToken"] for each in (made, changed)] == [
        first["clientToken"],
        second["clientToken"],
    ]
    assert all(each["requestId"] for each in (made, changed))
    assert [each[kind.arn] for each in again] == [arn, arn]
    assert kind.get(client, arn)["description"] == "Third"
    for operation, request in ((create, first), (update, second)):
        code, status, _ = refusal(operation, **{**request, "description": "Other"})
        assert (code, status) == (MISMATCH, 400)


@each_kind
def test_what_is_not_there_is_not_found(client: Any, server: Server, name: str, kind: Kind) -> None:
    """ERR-26, IDM-13, OPX-01."""
    content = kind.content(client, name)
    arn = kind.make(client, name, **content)
    before = kind.get(client, arn)
    stranger: Any = server.client("111122223333")

    for asked_by, asked in ((client, arn_of(f"{kind.slug}/absent")), (stranger, arn)):
        for verb, more in (("get", {}), ("update", content), ("delete", {})):
            found = refusal(kind.call(verb, asked_by), **{kind.arn: asked}, **more)
            assert found[:2] == (ABSENT, 404)
    assert kind.get(client, arn) == before


@each_kind
@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_what_is_no_arn_is_refused(client: Any, name: str, kind: Kind, verb: str) -> None:
    """ERR-21, OPX-01."""
    content = kind.content(client, name) if verb == "update" else {}

    code, status, message = refusal(
        kind.call(verb, client), **{kind.arn: arn_of("component/web/1.0.0")}, **content
    )

    assert (code, status) == (VALUE, 400)
    assert f"'{kind.arn}'" in message


@each_kind
def test_what_is_deleted_is_gone_and_its_name_free(client: Any, name: str, kind: Kind) -> None:
    """IDM-13, INF-11, DST-10, PIP-06."""
    content = kind.content(client, name)
    arn = kind.make(client, name, **content)

    answer = kind.call("delete", client)(**{kind.arn: arn})

    assert answer[kind.arn] == arn
    assert refusal(kind.call("delete", client), **{kind.arn: arn})[:2] == (ABSENT, 404)
    assert kind.names(client, name) == []
    assert kind.make(client, name, **content) == arn


@each_kind
def test_lists_go_by_arn_in_pages_and_know_their_filters(
    client: Any, name: str, kind: Kind
) -> None:
    """SRT-02, FLT-03, FLT-04, OPX-01, OPX-02."""
    content = kind.content(client, name)
    for suffix in "cab":
        kind.make(client, f"{name}-{suffix}", **content)

    assert kind.names(client, f"{name}-*") == [f"{name}-{suffix}" for suffix in "abc"]
    unknown = [{"name": "platform", "values": ["Linux"]}]
    listing = getattr(client, f"list_{kind.operation}s")
    assert refusal(listing, filters=unknown)[:2] == (VALUE, 400)


@each_kind
def test_a_dry_run_says_what_would_happen_and_stores_nothing(
    client: Any, name: str, kind: Kind
) -> None:
    """CRT-30, CRT-31, CRT-33, CRT-34."""
    create = kind.call("create", client)
    request = {"name": name, "dryRun": True, **kind.content(client, name)}

    code, status, message = refusal(create, **request)

    assert (code, status) == ("DryRunOperationException", 412)
    assert message.startswith("Request would have succeeded")
    assert refusal(create, **{**request, "name": "-"})[0] == VALUE
    assert kind.names(client, name) == []
    create(**{**request, "dryRun": False})
    assert refusal(create, **request)[0] == EXISTS


@each_kind
def test_tags_outlive_updates(client: Any, name: str, kind: Kind) -> None:
    """TAG-05, INF-10, DST-10, PIP-04."""
    content = kind.content(client, name)
    arn = kind.make(client, name, tags={"team": "images"}, **content)
    client.tag_resource(resourceArn=arn, tags={"a": "b"})

    kind.call("update", client)(**{kind.arn: arn}, **content)

    expected = {"team": "images", "a": "b"}
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    assert kind.get(client, arn)["tags"] == expected


def test_quotas_count_each_kind_by_itself(serve: StartServer, name: str) -> None:
    """QUO-01, QUO-02."""
    quotas = {
        "IMAGEWRIGHT_QUOTAS_IMAGE_PIPELINES": "1",
        "IMAGEWRIGHT_QUOTAS_DISTRIBUTION_CONFIGURATIONS": "1",
        "IMAGEWRIGHT_QUOTAS_INFRASTRUCTURE_CONFIGURATIONS": "2",  # the pipeline needs one
    }
    client: Any = serve(environment=quotas).client(ACCOUNT)
    for kind in reversed(KINDS):
        content = kind.content(client, f"{name}-x")
        kind.make(client, name, **content)

        code, status, message = refusal(kind.call("create", client), name=f"{name}-2", **content)

        assert (code, status) == ("ServiceQuotaExceededException", 402)
        assert kind.slug.replace("-", " ") in message
