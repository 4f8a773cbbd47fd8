"""Reading, listing, tagging and deleting workflows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from tests.api.test_create_workflow import a_request, document
from tests.conftest import Server, StartServer, end_server, start_server

if TYPE_CHECKING:
    from mypy_boto3_imagebuilder import ImagebuilderClient

MANAGED = "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/x.x.x"


def create(client: "ImagebuilderClient", name: str, **changes: Any) -> str:
    return client.create_workflow(**a_request(name, **changes))["workflowBuildVersionArn"]


def code_of(caught: "pytest.ExceptionInfo[ClientError]") -> tuple[str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def tail(arn: str) -> str:
    return arn.partition(":workflow/")[2].partition("/")[2]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("1.0.0/1", "1.0.0/1"),
        ("1.0.0", "1.0.0/2"),
        ("01.000.0", "1.0.0/2"),
        ("1.0.x", "1.0.9/1"),
        ("1.x.x", "1.2.0/1"),
        ("x.x.x", "2.0.0/1"),
    ],
)
def test_get_finds_the_newest_that_an_arn_means(
    client: "ImagebuilderClient", name: str, asked: str, found: str
) -> None:
    """VER-09, VER-15, VER-18, VER-19."""
    arn = create(client, name)
    create(client, name, data=document("second"))
    for version in ("1.0.9", "1.2.0", "2.0.0"):
        create(client, name, semanticVersion=version)
    base = arn.removesuffix("/1.0.0/1")

    answer = client.get_workflow(workflowBuildVersionArn=f"{base}/{asked}")

    assert answer["workflow"]["arn"] == f"{base}/{found}"


@pytest.mark.parametrize(
    "resource",
    [
        "000000000000:workflow/build/absent/1.0.0/1",
        "000000000000:workflow/build/absent/x.x.x",
        "000000000000:workflow/build/absent/99999999999999999999.0.0",
        "000000000000:workflow/build/absent/1.0.0/99999999999999999999",
        "123456789012:workflow/build/absent/1.0.0/1",
        "aws:workflow/build/absent/1.0.0/1",
    ],
)
def test_what_is_not_there_is_not_found(client: "ImagebuilderClient", resource: str) -> None:
    """VER-17, ERR-04, ERR-26."""
    arn = f"arn:aws:imagebuilder:us-east-1:{resource}"

    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.get_workflow(workflowBuildVersionArn=arn)

    assert code_of(caught) == ("ResourceNotFoundException", 404)
    assert arn in str(caught.value)


@pytest.mark.parametrize("version", ["x.1.x", "1.x.1", "x.x.1"])
def test_a_number_after_an_x_is_a_bad_value(client: "ImagebuilderClient", version: str) -> None:
    """VER-14."""
    arn = f"arn:aws:imagebuilder:us-east-1:000000000000:workflow/build/absent/{version}"

    with pytest.raises(ClientError) as caught:
        client.get_workflow(workflowBuildVersionArn=arn)

    assert code_of(caught) == ("InvalidParameterValueException", 400)


@pytest.mark.parametrize(
    "arn", ["", "nonsense", MANAGED + "\n", "arn:aws:imagebuilder:us-east-1:aws:component/a/x.x.x"]
)
def test_what_is_no_workflow_arn_is_a_bad_value(client: "ImagebuilderClient", arn: str) -> None:
    """ERR-21."""
    with pytest.raises(ClientError) as caught:
        client.get_workflow(workflowBuildVersionArn=arn)

    assert code_of(caught) == ("InvalidParameterValueException", 400)
    assert "workflowBuildVersionArn must match pattern" in str(caught.value)


def test_another_accounts_and_another_regions_workflows_are_as_if_absent(
    server: Server, name: str
) -> None:
    """ERR-26."""
    arn = create(server.client(), name)

    for stranger in (server.client("123456789012"), server.client(region="eu-west-1")):
        with pytest.raises(ClientError) as caught:
            stranger.get_workflow(workflowBuildVersionArn=arn)
        assert code_of(caught) == ("ResourceNotFoundException", 404)
        with pytest.raises(ClientError):
            stranger.delete_workflow(workflowBuildVersionArn=arn)
        with pytest.raises(ClientError):
            stranger.tag_resource(resourceArn=arn, tags={"a": "b"})
        assert stranger.list_workflows()["workflowVersionList"] == []


@pytest.fixture(scope="module")
def lister(tmp_path_factory: pytest.TempPathFactory) -> Iterator["ImagebuilderClient"]:
    server = start_server(tmp_path_factory.mktemp("lists") / "state")
    client = server.client(parameter_validation=False)  # the server is to check
    for wanted, version, text in (
        ("web", "1.0.0", "a"),
        ("web", "1.0.0", "b"),
        ("web", "10.0.0", "a"),
        ("web", "9.0.0", "a"),
        ("app", "1.0.0", "a"),
        ("Web test", "1.0.0", "a"),
    ):
        create(client, wanted, semanticVersion=version, data=document(text), description=text)
    yield client
    end_server(server)


class TestLists:
    def test_versions_come_in_the_order_of_their_arns(self, lister: "ImagebuilderClient") -> None:
        """VER-25, VER-27, SRT-02."""
        listed = lister.list_workflows()["workflowVersionList"]

        assert [tail(entry["arn"]) for entry in listed] == [
            "app/1.0.0",
            "web/1.0.0",
            "web/9.0.0",
            "web/10.0.0",
            "web-test/1.0.0",
        ]
        assert set(listed[0]) == {
            "arn", "name", "version", "description", "type", "owner", "dateCreated",
        }  # fmt: skip

    def test_pages_are_walked_by_the_paginator(self, lister: "ImagebuilderClient") -> None:
        """PAG-01, PAG-08."""
        pages = lister.get_paginator("list_workflows").paginate(PaginationConfig={"PageSize": 2})

        sizes = [len(page["workflowVersionList"]) for page in pages]

        assert sizes == [2, 2, 1]

    def test_by_name_each_name_comes_once(self, lister: "ImagebuilderClient") -> None:
        """VER-26, O-11, FLT-14, ARN-05."""
        listed = lister.list_workflows(byName=True, maxResults=2)
        rest = lister.list_workflows(byName=True, maxResults=2, nextToken=listed["nextToken"])

        entries = listed["workflowVersionList"] + rest["workflowVersionList"]
        assert [(tail(entry["arn"]), entry["version"]) for entry in entries] == [
            ("app/x.x.x", "1.0.0"),
            ("web/x.x.x", "10.0.0"),
            ("web-test/x.x.x", "1.0.0"),
        ]
        with pytest.raises(ClientError) as caught:
            lister.list_workflows(byName=True, filters=[{"name": "version", "values": ["1.0.0"]}])
        assert code_of(caught) == ("InvalidParameterCombinationException", 400)

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            ({"name": ["web"]}, 3),
            ({"name": ["Web"]}, 0),
            ({"name": ["We*"]}, 1),
            ({"name": ["*eb*"]}, 4),
            ({"name": ["w*b"]}, 0),
            ({"name": ["web", "app"]}, 4),
            ({"name": ["web"], "version": ["1.0.0"]}, 1),
            ({"version": ["1.x.x"]}, 3),
            ({"version": ["01.0.0"]}, 3),
            ({"version": ["x.x.x"]}, 5),
            ({"version": ["nonsense"]}, 0),
            ({"type": ["BUILD"]}, 5),
            ({"type": ["TEST"]}, 0),
            ({"description": ["b"]}, 1),
        ],
    )
    def test_filters_choose(
        self, lister: "ImagebuilderClient", filters: dict[str, list[str]], count: int
    ) -> None:
        """FLT-02, FLT-03, FLT-10, FLT-11, NAM-04."""
        wanted: Any = [{"name": key, "values": values} for key, values in filters.items()]

        assert len(lister.list_workflows(filters=wanted)["workflowVersionList"]) == count

    def test_an_unknown_filter_is_refused_by_its_place(self, lister: "ImagebuilderClient") -> None:
        """FLT-04."""
        with pytest.raises(ClientError) as caught:
            lister.list_workflows(filters=[{"name": "platform", "values": ["Linux"]}])

        assert code_of(caught) == ("InvalidParameterValueException", 400)
        assert "'filters[0].name'" in str(caught.value)

    def test_builds_come_newest_first(self, lister: "ImagebuilderClient") -> None:
        """VER-25, VER-30, FLT-10."""
        every = lister.list_workflow_build_versions()["workflowSummaryList"]
        arn = every[-1]["arn"].removesuffix("/1")
        of_one = lister.list_workflow_build_versions(workflowVersionArn=arn)
        of_all = lister.list_workflow_build_versions(
            workflowVersionArn=arn.replace("1.0.0", "x.x.x")
        )

        assert [tail(entry["arn"]) for entry in every] == [
            "web-test/1.0.0/1",
            "app/1.0.0/1",
            "web/9.0.0/1",
            "web/10.0.0/1",
            "web/1.0.0/2",
            "web/1.0.0/1",
        ]
        assert [tail(entry["arn"]) for entry in of_one["workflowSummaryList"]] == [
            "web/1.0.0/2",
            "web/1.0.0/1",
        ]
        assert len(of_all["workflowSummaryList"]) == 4
        assert "tags" not in every[0]

    def test_builds_of_what_is_not_there_are_none(self, lister: "ImagebuilderClient") -> None:
        """VER-28, SRT-04."""
        for account in ("000000000000", "123456789012"):
            arn = f"arn:aws:imagebuilder:us-east-1:{account}:workflow/build/absent/1.0.0"
            listed = lister.list_workflow_build_versions(workflowVersionArn=arn)
            assert listed["workflowSummaryList"] == []

    def test_without_an_owner_ones_own_are_meant(self, lister: "ImagebuilderClient") -> None:
        """OWN-02."""
        own = lister.list_workflows(owner="Self")["workflowVersionList"]

        assert lister.list_workflows()["workflowVersionList"] == own

    def test_what_is_filtered_out_takes_no_room_on_a_page(
        self, lister: "ImagebuilderClient"
    ) -> None:
        """PAG-02."""
        for name in ("app", "web"):
            wanted: Any = [
                {"name": "name", "values": [name]},
                {"name": "version", "values": ["1.0.0"]},
            ]
            page = lister.list_workflows(filters=wanted, maxResults=1)
            assert [entry["name"] for entry in page["workflowVersionList"]] == [name]
            assert "nextToken" not in page

    @pytest.mark.parametrize(
        ("first", "second", "count"), [("we*", "*eb*", 3), ("web", "app", 0), ("web", "web", 3)]
    )
    def test_a_filter_given_twice_must_hold_twice(
        self, lister: "ImagebuilderClient", first: str, second: str, count: int
    ) -> None:
        """FLT-05."""
        wanted: Any = [{"name": "name", "values": [first]}, {"name": "name", "values": [second]}]

        assert len(lister.list_workflows(filters=wanted)["workflowVersionList"]) == count

    @pytest.mark.parametrize(
        "filters",
        [
            [],
            [{"name": "name", "values": ["a"]}] * 11,
            [{"name": "name", "values": []}],
            [{"name": "name", "values": ["a"] * 11}],
            [{"name": "name", "values": [""]}],
            [{"name": "name", "values": ["a" * 1025]}],
            [{"name": "name", "values": ["a;b"]}],
            [{"name": "Name", "values": ["web"]}],
            [{"name": "na-me", "values": ["web"]}],
        ],
    )
    def test_what_is_no_filter_is_refused(self, lister: "ImagebuilderClient", filters: Any) -> None:
        """FLT-01."""
        with pytest.raises(ClientError) as caught:
            lister.list_workflows(filters=filters)

        assert code_of(caught) == ("InvalidParameterValueException", 400)

    @pytest.mark.parametrize("size", [0, -1, 101])
    def test_a_page_has_a_size(self, lister: "ImagebuilderClient", size: int) -> None:
        """PAG-01."""
        with pytest.raises((ClientError, ParamValidationError)):
            lister.list_workflows(maxResults=size)

    @pytest.mark.parametrize(
        ("owner", "outcome"),
        [
            ("Self", 5),
            ("AWSMarketplace", 0),
            ("Shared", "InvalidParameterValueException"),
            ("ThirdParty", "InvalidParameterValueException"),
            ("Nobody", "InvalidParameterValueException"),
        ],
    )
    def test_an_owner_is_asked_for(
        self, lister: "ImagebuilderClient", owner: Any, outcome: int | str
    ) -> None:
        """OWN-02, FLT-20, FLT-21."""
        if isinstance(outcome, int):
            assert len(lister.list_workflows(owner=owner)["workflowVersionList"]) == outcome
            return
        with pytest.raises(ClientError) as caught:
            lister.list_workflows(owner=owner)
        assert code_of(caught)[0] == outcome

    def test_the_managed_workflows_are_amazons(self, lister: "ImagebuilderClient") -> None:
        """OWN-01, OWN-03, IMG-14."""
        listed = lister.list_workflows(owner="Amazon")["workflowVersionList"]

        assert [entry["arn"].partition("us-east-1:aws:workflow/")[2] for entry in listed] == [
            "build/build-container/1.0.1",
            "build/build-image/1.0.3",
            "build/build-image-from-iso/1.0.0",
            "build/build-image-with-update-ssm-agent/1.0.0",
            "build/express-build-container/1.0.0",
            "build/express-build-image/1.0.0",
            "distribution/distribute-container/1.0.0",
            "distribution/distribute-image/1.0.0",
            "test/express-test-image/1.0.0",
            "test/test-container/1.0.0",
            "test/test-image/1.0.3",
        ]
        assert {entry["owner"] for entry in listed} == {"Amazon"}


class TestManaged:
    @pytest.mark.parametrize("region", ["us-east-1", "local-dc-1"])
    def test_a_managed_workflow_is_read_in_every_region(self, server: Server, region: str) -> None:
        """VER-23."""
        answer = server.client(region=region).get_workflow(
            workflowBuildVersionArn=MANAGED.replace("us-east-1", region)
        )

        arn = f"arn:aws:imagebuilder:{region}:aws:workflow/build/build-image/1.0.3/1"
        assert answer["workflow"]["arn"] == arn
        assert answer["workflow"]["owner"] == "Amazon"
        assert "LaunchBuildInstance" in answer["workflow"]["data"]
        assert list(answer["latestVersionReferences"]) == ["latestVersionArn"]

    def test_a_managed_workflow_is_neither_deleted_nor_tagged(
        self, client: "ImagebuilderClient"
    ) -> None:
        """CRT-74, TAG-08."""
        arn = MANAGED.replace("x.x.x", "1.0.3/1")

        with pytest.raises(ClientError) as caught:
            client.delete_workflow(workflowBuildVersionArn=arn)
        assert code_of(caught) == ("ForbiddenException", 403)
        with pytest.raises(ClientError) as caught:
            client.tag_resource(resourceArn=arn, tags={"a": "b"})
        assert code_of(caught) == ("ResourceNotFoundException", 404)


def test_a_deleted_build_is_gone_and_the_second_delete_says_so(
    client: "ImagebuilderClient", name: str
) -> None:
    """CRT-74, IDM-13, VER-08."""
    arn = create(client, name)

    assert client.delete_workflow(workflowBuildVersionArn=arn)["workflowBuildVersionArn"] == arn

    for ask in (client.delete_workflow, client.get_workflow):
        with pytest.raises(ClientError) as caught:
            ask(workflowBuildVersionArn=arn)
        assert code_of(caught) == ("ResourceNotFoundException", 404)
    version = arn.removesuffix("/1")
    listed = client.list_workflow_build_versions(workflowVersionArn=version)
    assert listed["workflowSummaryList"] == []
    assert create(client, name).endswith("/1.0.0/2")


def test_a_delete_takes_a_build_and_nothing_wider(client: "ImagebuilderClient", name: str) -> None:
    """VER-17's table."""
    arn = create(client, name)

    for wider in (arn.removesuffix("/1"), arn.replace("1.0.0/1", "x.x.x")):
        with pytest.raises(ClientError) as caught:
            client.delete_workflow(workflowBuildVersionArn=wider)
        assert code_of(caught) == ("InvalidParameterValueException", 400)


class TestTags:
    def test_tags_are_added_overwritten_removed_and_shown_by_get(
        self, client: "ImagebuilderClient", name: str
    ) -> None:
        """TAG-03, TAG-04, TAG-05, WIRE-03, WIRE-05."""
        arn = create(client, name, tags={"a": "1", "b": "2"})

        client.tag_resource(resourceArn=arn, tags={"b": "3", "with space": "x=/+:@"})
        client.untag_resource(resourceArn=arn, tagKeys=["a", "never there"])

        tags = {"b": "3", "with space": "x=/+:@"}
        assert client.list_tags_for_resource(resourceArn=arn)["tags"] == tags
        assert client.get_workflow(workflowBuildVersionArn=arn)["workflow"]["tags"] == tags

    def test_the_51st_tag_is_refused(self, client: "ImagebuilderClient", name: str) -> None:
        """TAG-02, TAG-04."""
        arn = create(client, name, tags={f"k{number}": "" for number in range(50)})

        client.tag_resource(resourceArn=arn, tags={"k0": "again"})
        with pytest.raises(ClientError) as caught:
            client.tag_resource(resourceArn=arn, tags={"k50": ""})

        assert code_of(caught) == ("InvalidParameterException", 400)

    @pytest.mark.parametrize("arn", ["nonsense", "arn:aws:s3:::bucket", "a/b/c"])
    def test_a_malformed_arn_is_a_bad_parameter(
        self, client: "ImagebuilderClient", arn: str
    ) -> None:
        """TAG-01."""
        for ask in (
            lambda: client.list_tags_for_resource(resourceArn=arn),
            lambda: client.tag_resource(resourceArn=arn, tags={"a": "b"}),
            lambda: client.untag_resource(resourceArn=arn, tagKeys=["a"]),
        ):
            with pytest.raises(ClientError) as caught:
                ask()
            assert code_of(caught) == ("InvalidParameterException", 400)

    def test_a_version_carries_no_tags(self, client: "ImagebuilderClient", name: str) -> None:
        """TAG-03, ARN-05."""
        arn = create(client, name)

        for node in ("/1.0.0", "/x.x.x", ""):
            wider = arn.removesuffix("/1.0.0/1") + node
            with pytest.raises(ClientError) as caught:
                client.list_tags_for_resource(resourceArn=wider)
            assert code_of(caught) == ("ResourceNotFoundException", 404)


def test_an_operation_that_is_not_built_says_so(client: "ImagebuilderClient") -> None:
    with pytest.raises(ClientError) as caught:
        client.list_lifecycle_policies()

    assert code_of(caught) == ("NotImplemented", 501)
    assert "ListLifecyclePolicies" in str(caught.value)


def test_without_signatures_requests_pass_as_the_first_key(serve: StartServer, name: str) -> None:
    """O-29."""
    server = serve("--auth", "none")
    client = boto3.client(
        "imagebuilder",
        region_name="us-east-1",
        endpoint_url=server.url,
        config=Config(signature_version=UNSIGNED),
    )

    assert ":000000000000:" in create(client, name)
