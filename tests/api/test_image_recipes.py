from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.api.asking import (
    ABSENT,
    COMBINATION,
    EXISTS,
    REGION,
    VALUE,
    arn_of,
    component_document,
    given,
    latest_of,
    make_component,
    refusal,
)
from tests.conftest import Server, StartServer

DEBIAN = f"arn:aws:imagebuilder:{REGION}:aws:image/debian-12-x86/x.x.x"
WINDOWS = f"arn:aws:imagebuilder:{REGION}:aws:image/windows-server-2022-english-core-x86/x.x.x"
AMI = "ami-0123456789abcdef0"
ALLOWED = """\
parameters:
  - Channel: {type: string, default: stable, allowedValues: [stable, beta]}
  - License: {type: string}
"""


def recipe_request(name: str, /, **changes: Any) -> dict[str, Any]:
    request = {"name": name, "semanticVersion": "1.0.0", "parentImage": DEBIAN}
    return given(**{**request, **changes})


def make_recipe(client: Any, name: str, /, **changes: Any) -> str:
    arn: str = client.create_image_recipe(**recipe_request(name, **changes))["imageRecipeArn"]
    return arn


def recipe(client: Any, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_image_recipe(imageRecipeArn=arn)["imageRecipe"]
    return found


def listed(client: Any, *filters: tuple[str, str], **request: Any) -> list[dict[str, Any]]:
    asked = [{"name": name, "values": [value]} for name, value in filters]
    pages = client.get_paginator("list_image_recipes").paginate(filters=asked, **request)
    return [entry for page in pages for entry in page["imageRecipeSummaryList"]]


@pytest.fixture
def refused(client: Any, name: str) -> Callable[..., tuple[str, int, str]]:
    """Ask for a recipe that cannot be."""
    return lambda **changes: refusal(client.create_image_recipe, **recipe_request(name, **changes))


def test_the_answer_names_the_recipe_and_what_it_is_the_latest_of(client: Any, name: str) -> None:
    """VER-01, VER-21, IDM-11."""
    answer = client.create_image_recipe(**recipe_request(name, clientToken="t-" + name[-12:]))

    base = arn_of(f"image-recipe/{name.replace('_', '-')}")
    assert answer["imageRecipeArn"] == f"{base}/1.0.0"
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["requestId"]
    assert answer["latestVersionReferences"] == latest_of(base)


def test_what_was_given_is_read_back(client: Any, name: str) -> None:
    """RCP-05, RCP-11, RCP-14 to RCP-17, VER-20."""
    document = component_document(parameters=ALLOWED)
    one = make_component(client, f"{name} 1", data=document)
    two = make_component(client, f"{name} 2", data=component_document(phases=("test",)))
    content = {
        "parentImage": DEBIAN,
        "components": [
            {"componentArn": two.removesuffix("1.0.0/1") + "x.x.x"},
            {
                "componentArn": one.removesuffix("/1"),
                "parameters": [
                    {"name": "License", "value": [""]},
                    {"name": "Channel", "value": ["beta"]},
                ],
            },
        ],
        "description": "What it is for",
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {"volumeSize": 8, "volumeType": "gp3", "throughput": 125},
            },
            {"deviceName": "/dev/xvdb", "noDevice": ""},
        ],
        "workingDirectory": "/var/tmp",
        "additionalInstanceConfiguration": {
            "systemsManagerAgent": {"uninstallAfterBuild": False},
            "userDataOverride": "ZWNobw==",
        },
        "amiTags": {"a": "b"},
        "amiWatermarks": ["golden", "Golden"],
        "tags": {"team": "images"},
    }

    arn = make_recipe(client, name, **content)

    found = recipe(client, arn)
    assert found.pop("dateCreated")
    assert found == {
        "arn": arn,
        "name": name,
        "version": "1.0.0",
        "platform": "Linux",
        "owner": "000000000000",
        **content,
    }


def test_what_was_not_given_is_absent_but_for_the_working_directory(client: Any, name: str) -> None:
    """RCP-04, RCP-13, WIRE-10."""
    found = recipe(client, make_recipe(client, name))

    assert found["workingDirectory"] == "/tmp"
    assert found["tags"] == {}
    assert found.keys() == {
        "arn", "name", "version", "platform", "owner", "parentImage", "dateCreated", "tags",
        "workingDirectory",
    }  # fmt: skip


class TestVersions:
    def test_a_version_can_be_taken_once(
        self, client: Any, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """VER-06, NAM-05, O-04, RCP-01."""
        arn = make_recipe(client, name)

        exists = (EXISTS, 400, f"The following resource 'ImageRecipe' already exists: '{arn}'.")
        assert refused() == exists
        assert refused(parentImage=AMI, semanticVersion="01.0.0", name=name.upper()) == exists

    def test_an_x_is_the_next_number(self, client: Any, name: str) -> None:
        """VER-10, VER-11, VER-13, O-01, O-02."""

        def made(version: str) -> str:
            return make_recipe(client, name, semanticVersion=version).rpartition("/")[2]

        assert [made("1.0.x") for _ in range(3)] == ["1.0.0", "1.0.1", "1.0.2"]
        assert made("1.0.7") == "1.0.7"
        assert made("1.0.x") == "1.0.8"
        assert made("2.x.0") == "2.0.0"
        assert made("2.x.0") == "2.1.0"
        assert made("x.0.2") == "2.0.2"
        assert made("3.05.x") == "3.05.0"
        assert made("3.5.x") == "3.5.1"

    def test_the_answer_to_an_x_is_concrete(self, client: Any, name: str) -> None:
        """VER-11, IDM-02."""
        request = recipe_request(name, semanticVersion="1.0.x", clientToken="t-" + name[-12:])

        first = client.create_image_recipe(**request)
        again = client.create_image_recipe(**request)

        assert first["imageRecipeArn"].endswith("/1.0.0")
        assert first["latestVersionReferences"]["latestPatchVersionArn"].endswith("/1.0.0")
        assert again["imageRecipeArn"] == first["imageRecipeArn"]
        assert recipe(client, first["imageRecipeArn"])["version"] == "1.0.0"

    @pytest.mark.parametrize(
        ("version", "code"),
        [
            ("1.x.x", "InvalidVersionNumberException"),
            ("x.x.x", "InvalidVersionNumberException"),
            ("1.0.1073741824", "InvalidVersionNumberException"),
            ("1073741824.x.0", "InvalidVersionNumberException"),
            ("1.0", VALUE),
            ("1.0.X", VALUE),
            ("1.0.xx", VALUE),
        ],
    )
    def test_a_version_that_cannot_be_is_refused(
        self, refused: Callable[..., tuple[str, int, str]], version: str, code: str
    ) -> None:
        """VER-02, VER-03, VER-10, O-02, O-27, OPX-01."""
        found, status, message = refused(semanticVersion=version)

        assert (found, status) == (code, 400)
        assert "'semanticVersion'" in message

    def test_there_is_no_number_after_the_last(
        self, client: Any, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """VER-03, VER-11."""
        make_recipe(client, name, semanticVersion="1.0.1073741823")

        assert refused(semanticVersion="1.0.x")[:2] == ("InvalidVersionNumberException", 400)

    def test_twenty_at_once_get_twenty_numbers(self, client: Any, name: str) -> None:
        """VER-13."""
        with ThreadPoolExecutor(20) as threads:
            arns = list(
                threads.map(lambda _: make_recipe(client, name, semanticVersion="1.0.x"), range(60))
            )

        assert {arn.rpartition("/")[2] for arn in arns} == {f"1.0.{n}" for n in range(60)}


class TestParents:
    @pytest.mark.parametrize(
        ("parent", "platform", "directory"),
        [
            (AMI, "Linux", "/tmp"),
            ("ami-12345678", "Linux", "/tmp"),
            (DEBIAN, "Linux", "/tmp"),
            (DEBIAN.replace("x.x.x", "1.2.x"), "Linux", "/tmp"),
            (DEBIAN.replace("x.x.x", "2026.1.2/1"), "Linux", "/tmp"),
            (WINDOWS, "Windows", "C:/"),
            (DEBIAN.replace("debian-12", "macos-sonoma-14-arm64"), "macOS", "/tmp"),
            (DEBIAN.replace("aws:image/", "aws-marketplace:image/"), "Linux", "/tmp"),
            ("ssm:/aws/service/ami-amazon-linux-latest/al2023", "Linux", "/tmp"),
            ("ssm:/aws/service/ami-windows-latest/Windows_Server-2022", "Windows", "C:/"),
            ("ssm:arn:aws:ssm:us-east-1:123456789012:parameter/a/b:3", "Linux", "/tmp"),
            ("prod-abcdefghijklm", "Linux", "/tmp"),
            ("2f1ec3e4-1234-4abc-9def-0123456789ab", "Linux", "/tmp"),
        ],
    )
    def test_every_form_of_a_parent_is_accepted_and_gives_the_platform(
        self, client: Any, name: str, parent: str, platform: str, directory: str
    ) -> None:
        """RCP-02, RCP-03, RCP-13, VER-20, O-31."""
        found = recipe(client, make_recipe(client, name, parentImage=parent))

        assert (found["parentImage"], found["platform"], found["workingDirectory"]) == (
            parent,
            platform,
            directory,
        )

    @pytest.mark.parametrize(
        "parent",
        [
            "arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0",
            "ami-xyz",
            "ami-0123456789abcdef0\n",
            "debian:12",
            "ssm:",
            "ssm:a b",
            "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x",
            "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86",
            DEBIAN.replace("x.x.x", "1.x.x/2"),
            DEBIAN.replace("x.x.x", "x.2.x"),
            "x" * 1025,
        ],
    )
    def test_what_is_no_parent_is_refused(
        self, refused: Callable[..., tuple[str, int, str]], parent: str
    ) -> None:
        """RCP-02, VER-14, VER-16."""
        code, status, message = refused(parentImage=parent)

        assert (code, status) == (VALUE, 400)
        assert message.startswith("The value supplied for parameter 'parentImage' is not valid.")

    @pytest.mark.parametrize(
        "parent",
        [
            arn_of("image/no-such/x.x.x"),
            arn_of("image/no-such/1.0.0/1"),
            arn_of("image/no-such/1.0.0", account="111122223333"),
            DEBIAN.replace(REGION, "eu-west-1"),
        ],
    )
    def test_an_image_that_the_caller_does_not_see_is_absent(
        self, refused: Callable[..., tuple[str, int, str]], parent: str
    ) -> None:
        """ERR-26, RCP-02."""
        assert refused(parentImage=parent)[:2] == (ABSENT, 404)

    def test_where_the_parent_does_not_tell_the_platform_the_components_do(
        self, client: Any, name: str
    ) -> None:
        """RCP-03."""
        windows = make_component(
            client,
            name,
            platform="Windows",
            data=component_document().replace("ExecuteBash", "ExecutePowerShell"),
        )

        arn = make_recipe(client, name, parentImage=AMI, components=[{"componentArn": windows}])

        assert recipe(client, arn)["platform"] == "Windows"


class TestComponents:
    def test_a_component_stands_in_a_recipe_once(
        self, client: Any, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """RCP-06."""
        one = make_component(client, name)
        two = make_component(client, name, semanticVersion="2.0.0")

        code, status, message = refused(components=[{"componentArn": one}, {"componentArn": two}])

        assert (code, status) == (VALUE, 400)
        assert "'components[1].componentArn'" in message

    def test_a_component_for_another_platform_is_refused(
        self, client: Any, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """RCP-06."""
        linux = make_component(client, f"{name} a")
        macos = make_component(client, f"{name} b", platform="macOS")

        for parent in (DEBIAN, AMI):
            code, status, message = refused(
                parentImage=parent,
                components=[{"componentArn": linux}, {"componentArn": macos}],
            )
            assert (code, status) == (VALUE, 400)
            assert "'components[1].componentArn'" in message

    @pytest.mark.parametrize("reference", ["1.0.1/1", "2.0.0", "2.x.x"])
    def test_a_component_that_is_not_there_is_absent(
        self,
        client: Any,
        refused: Callable[..., tuple[str, int, str]],
        name: str,
        reference: str,
    ) -> None:
        """ERR-26, OPX-01."""
        arn = make_component(client, name).removesuffix("1.0.0/1") + reference

        code, status, message = refused(components=[{"componentArn": arn}])

        assert (code, status) == (ABSENT, 404)
        assert arn in message

    def test_a_number_after_an_x_is_refused(
        self, refused: Callable[..., tuple[str, int, str]]
    ) -> None:
        """VER-14."""
        code, _, message = refused(components=[{"componentArn": arn_of("component/web/1.x.8")}])

        assert code == VALUE
        assert "'components[0].componentArn'" in message

    def test_as_many_components_as_the_quota_says(
        self, serve: StartServer, client: Any, name: str
    ) -> None:
        """RCP-04, QUO-01, QUO-02."""
        client = serve(environment={"IMAGEWRIGHT_QUOTAS_COMPONENTS_PER_RECIPE": "1"}).client()
        arns = [make_component(client, f"{name} {number}") for number in range(2)]
        components = [{"componentArn": arn} for arn in arns]

        make_recipe(client, name, components=components[:1])
        request = recipe_request(name, semanticVersion="2.0.0", components=components)
        assert refusal(client.create_image_recipe, **request)[:2] == (
            "ServiceQuotaExceededException",
            402,
        )

    @pytest.mark.parametrize(
        ("parameters", "code", "path", "detail"),
        [
            (
                {"Colour": ["red"], "Size": ["1"], "License": ["x"]},
                COMBINATION,
                "components[0].parameters",
                "The following parameters are not defined in the provided component: Colour, Size",
            ),
            ({}, COMBINATION, "components[0].parameters", "License"),
            ({"Channel": ["beta"]}, COMBINATION, "components[0].parameters", "License"),
            (
                {"License": ["x"], "Channel": ["alpha"]},
                VALUE,
                "components[0].parameters",
                "stable, beta",
            ),
            ({"License": []}, VALUE, "components[0].parameters[0].value", "exactly one"),
            ({"License": ["a", "b"]}, VALUE, "components[0].parameters[0].value", "exactly one"),
        ],
        ids=["undefined", "none", "missing", "not allowed", "empty", "two"],
    )
    def test_parameters_must_fit_the_component(
        self,
        client: Any,
        refused: Callable[..., tuple[str, int, str]],
        name: str,
        parameters: dict[str, list[str]],
        code: str,
        path: str,
        detail: str,
    ) -> None:
        """RCP-12, ERR-22, O-25 of component-documents.md."""
        key = "arn:aws:kms:us-east-1:123456789012:alias/sealed"
        document = component_document(parameters=ALLOWED)
        arn = make_component(client, name, data=document, kmsKeyId=key)
        values = [{"name": key, "value": value} for key, value in parameters.items()]

        found, status, message = refused(
            components=[given(componentArn=arn, parameters=values or None)]
        )

        assert (found, status) == (code, 400)
        assert message.startswith(f"The value supplied for parameter '{path}' is not valid.")
        assert detail in message

    def test_a_parameter_given_twice_is_refused(
        self, client: Any, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        document = component_document(parameters=ALLOWED)
        arn = make_component(client, name, data=document)
        twice = [{"name": "License", "value": [value]} for value in ("a", "b")]

        code, _, message = refused(components=[{"componentArn": arn, "parameters": twice}])

        assert code == VALUE
        assert "'components[0].parameters[1].name'" in message


@pytest.mark.parametrize(
    ("changes", "code", "member"),
    [
        ({"name": "a b "}, VALUE, "name"),
        ({"amiWatermarks": ["abc", "abc"]}, VALUE, "amiWatermarks"),
        ({"blockDeviceMappings": [{"ebs": {"volumeType": "io2"}}]}, COMBINATION, "iops"),
        (
            {"blockDeviceMappings": [{"ebs": {"volumeType": "gp2", "throughput": 125}}]},
            COMBINATION,
            "throughput",
        ),
        ({"blockDeviceMappings": [{"ebs": {"volumeSize": 16_001}}]}, VALUE, "volumeSize"),
        ({"additionalInstanceConfiguration": {"userDataOverride": "a"}}, VALUE, "userDataOverride"),
        (
            {
                "parentImage": WINDOWS,
                "additionalInstanceConfiguration": {
                    "systemsManagerAgent": {"uninstallAfterBuild": True}
                },
            },
            COMBINATION,
            "additionalInstanceConfiguration.systemsManagerAgent",
        ),
    ],
    ids=["name", "watermarks", "iops", "throughput", "size", "user data", "agent"],
)
def test_a_bad_value_is_refused_by_name(
    refused: Callable[..., tuple[str, int, str]], changes: dict[str, Any], code: str, member: str
) -> None:
    """RCP-14, RCP-15, RCP-16, OPX-01."""
    found, status, message = refused(**changes)

    assert (found, status) == (code, 400)
    assert f"{member}'" in message


def test_a_dry_run_says_what_would_happen_and_stores_nothing(
    client: Any, refused: Callable[..., tuple[str, int, str]], name: str
) -> None:
    """RCP-19, CRT-30 to CRT-34."""
    would = ("DryRunOperationException", 412)
    assert refused(dryRun=True)[:2] == would
    assert refused(dryRun=True, semanticVersion="1.0.x")[:2] == would
    assert listed(client, ("name", name)) == []
    missing = [{"componentArn": arn_of("component/no-such/x.x.x")}]
    assert refused(dryRun=True, components=missing)[:2] == (ABSENT, 404)
    assert refused(dryRun=True, parentImage="no such")[:2] == (VALUE, 400)

    make_recipe(client, name)
    assert refused(dryRun=True)[:2] == (EXISTS, 400)


def test_a_quota_counts_recipes(serve: StartServer, name: str) -> None:
    """QUO-01, CRT-33."""
    client: Any = serve(environment={"IMAGEWRIGHT_QUOTAS_IMAGE_RECIPES": "1"}).client()
    make_recipe(client, name)

    for version in ("2.0.0", "1.0.x"):
        request = recipe_request(name, semanticVersion=version)
        for dry in (True, False):
            assert refusal(client.create_image_recipe, **request, dryRun=dry)[:2] == (
                "ServiceQuotaExceededException",
                402,
            )


class TestGetting:
    def test_a_reference_means_the_highest_version(self, client: Any, name: str) -> None:
        """VER-15, VER-19."""
        base = make_recipe(client, name, semanticVersion="1.7.8").removesuffix("1.7.8")
        for version in ("1.10.0", "2.2.4", "01.02.03"):
            make_recipe(client, name, semanticVersion=version)

        found = {
            reference: recipe(client, base + reference)["arn"].rpartition("/")[2]
            for reference in ("x.x.x", "1.x.x", "1.7.x", "1.7.8", "1.2.3")
        }

        assert found == {
            "x.x.x": "2.2.4",
            "1.x.x": "1.10.0",
            "1.7.x": "1.7.8",
            "1.7.8": "1.7.8",
            "1.2.3": "01.02.03",
        }

    def test_what_is_not_there_is_not_found(self, client: Any, server: Server, name: str) -> None:
        """VER-17, ERR-26, OPX-01."""
        arn = make_recipe(client, name)
        stranger: Any = server.client("111122223333")

        for absent in (arn.replace("1.0.0", "1.0.1"), arn.replace("1.0.0", "2.x.x")):
            assert refusal(client.get_image_recipe, imageRecipeArn=absent)[:2] == (ABSENT, 404)
        assert refusal(stranger.get_image_recipe, imageRecipeArn=arn)[:2] == (ABSENT, 404)

    @pytest.mark.parametrize("reference", ["x.2.x", "1.0.0/1", "1.0"])
    def test_a_reference_that_cannot_be_is_refused(self, client: Any, reference: str) -> None:
        """VER-14, OPX-01."""
        arn = arn_of(f"image-recipe/web/{reference}")

        assert refusal(client.get_image_recipe, imageRecipeArn=arn)[:2] == (VALUE, 400)


class TestListing:
    def test_recipes_are_listed_in_the_order_of_their_arns(self, client: Any, name: str) -> None:
        """SRT-02, OPX-02."""
        for version in ("10.0.0", "9.0.0"):
            make_recipe(client, name, semanticVersion=version, tags={"a": "b"})

        found = listed(client, ("name", name), PaginationConfig={"PageSize": 1})

        assert [entry["arn"].rpartition("/")[2] for entry in found] == ["9.0.0", "10.0.0"]
        assert found[0].pop("dateCreated")
        assert found[0] == {
            "arn": arn_of(f"image-recipe/{name.replace('_', '-')}/9.0.0"),
            "name": name,
            "platform": "Linux",
            "owner": "000000000000",
            "parentImage": DEBIAN,
            "tags": {"a": "b"},
        }

    @pytest.mark.parametrize(
        ("filter_name", "value", "hit"),
        [
            ("parentImage", DEBIAN, True),
            ("parentImage", AMI, False),
            ("platform", "Linux", True),
            ("platform", "Windows", False),
        ],
    )
    def test_a_filter_compares_with_what_is_stored(
        self, client: Any, name: str, filter_name: str, value: str, hit: bool
    ) -> None:
        """FLT-10."""
        make_recipe(client, name)

        assert bool(listed(client, ("name", name), (filter_name, value))) is hit

    @pytest.mark.parametrize("owner", ["Shared", "Amazon", "ThirdParty", "AWSMarketplace"])
    def test_nobody_else_has_recipes_here(self, client: Any, owner: str) -> None:
        """FLT-20."""
        assert client.list_image_recipes(owner=owner)["imageRecipeSummaryList"] == []

    def test_an_unknown_filter_is_refused(self, client: Any) -> None:
        """FLT-04, OPX-01."""
        code, status, message = refusal(
            client.list_image_recipes, filters=[{"name": "version", "values": ["1.0.0"]}]
        )

        assert (code, status) == (VALUE, 400)
        assert "'filters[0].name'" in message


class TestDeleting:
    def test_a_deleted_recipe_is_gone_and_its_version_free(self, client: Any, name: str) -> None:
        """RCP-18, IDM-13, OPX-01."""
        arn = make_recipe(client, name)

        assert client.delete_image_recipe(imageRecipeArn=arn)["imageRecipeArn"] == arn

        for operation in (client.get_image_recipe, client.delete_image_recipe):
            assert refusal(operation, imageRecipeArn=arn)[:2] == (ABSENT, 404)
        assert make_recipe(client, name) == arn

    def test_only_one_version_can_be_deleted(self, client: Any, name: str) -> None:
        """The table of section 2.3, OPX-01."""
        arn = make_recipe(client, name).replace("1.0.0", "1.0.x")

        code, status, message = refusal(client.delete_image_recipe, imageRecipeArn=arn)

        assert (code, status) == (VALUE, 400)
        assert "'imageRecipeArn'" in message


def test_the_tags_of_a_recipe_change_and_nothing_else(client: Any, name: str) -> None:
    """RCP-01, TAG-03 to TAG-05."""
    arn = make_recipe(client, name, tags={"a": "1"})

    client.tag_resource(resourceArn=arn, tags={"b": "2"})
    client.untag_resource(resourceArn=arn, tagKeys=["a"])

    assert recipe(client, arn)["tags"] == {"b": "2"}
