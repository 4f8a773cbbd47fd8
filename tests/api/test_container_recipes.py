"""Container recipes as they are kept: made, read, listed, deleted. Nothing is built."""

import sqlite3
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
from tests.other_services import OtherServices

DEBIAN = f"arn:aws:imagebuilder:{REGION}:aws:image/debian-12-x86/x.x.x"
WINDOWS = f"arn:aws:imagebuilder:{REGION}:aws:image/windows-server-2022-english-core-x86/x.x.x"
MACOS = DEBIAN.replace("debian-12-x86", "macos-sonoma-14-arm64")
TEMPLATE = """\
FROM {{{ imagebuilder:parentImage }}}
{{{ imagebuilder:environments }}}
{{{ imagebuilder:components }}}
"""
KEY = "arn:aws:kms:us-east-1:123456789012:alias/templates"
DIGEST = "sha256:" + "0" * 64


def recipe_request(name: str, /, **changes: Any) -> dict[str, Any]:
    request = {
        "name": name,
        "semanticVersion": "1.0.0",
        "containerType": "DOCKER",
        "parentImage": "amazonlinux:latest",
        "dockerfileTemplateData": TEMPLATE,
        "targetRepository": {"service": "ECR", "repositoryName": "team-a/web"},
    }
    return given(**{**request, **changes})


def make_container_recipe(client: Any, name: str, /, **changes: Any) -> str:
    answer = client.create_container_recipe(**recipe_request(name, **changes))
    arn: str = answer["containerRecipeArn"]
    return arn


def recipe(client: Any, arn: str) -> dict[str, Any]:
    answer = client.get_container_recipe(containerRecipeArn=arn)
    found: dict[str, Any] = answer["containerRecipe"]
    return found


def listed(client: Any, *filters: tuple[str, str], **request: Any) -> list[dict[str, Any]]:
    asked = [{"name": name, "values": [value]} for name, value in filters]
    pages = client.get_paginator("list_container_recipes").paginate(filters=asked, **request)
    return [entry for page in pages for entry in page["containerRecipeSummaryList"]]


Refused = Callable[..., tuple[str, int, str]]


@pytest.fixture
def refused(client: Any, name: str) -> Refused:
    """Ask for a recipe that cannot be."""
    return lambda **changes: refusal(
        client.create_container_recipe, **recipe_request(name, **changes)
    )


def test_the_answer_names_the_recipe_and_what_it_is_the_latest_of(client: Any, name: str) -> None:
    """VER-01, VER-21, IDM-02, IDM-11."""
    request = recipe_request(name, semanticVersion="1.0.x", clientToken="t-" + name[-12:])
    client.create_container_recipe(**recipe_request(name, semanticVersion="0.9.0"))

    answer = client.create_container_recipe(**request)

    base = arn_of(f"container-recipe/{name.replace('_', '-')}")
    assert answer["containerRecipeArn"] == f"{base}/1.0.0"
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["requestId"]
    assert answer["latestVersionReferences"] == latest_of(base)
    assert client.create_container_recipe(**request)["containerRecipeArn"] == f"{base}/1.0.0"
    changed = {**request, "workingDirectory": "/srv"}
    assert refusal(client.create_container_recipe, **changed)[0] == (
        "IdempotentParameterMismatchException"
    )


def test_what_was_given_is_read_back(client: Any, name: str) -> None:
    """CTR-01 to CTR-06, RCP-05, RCP-11, VER-20."""
    component = make_component(client, name)
    content = {
        "containerType": "DOCKER",
        "parentImage": DEBIAN,
        "components": [{"componentArn": component.removesuffix("1.0.0/1") + "x.x.x"}],
        "description": "What it is for",
        "instanceConfiguration": {
            "image": "ssm:/images/host",
            "blockDeviceMappings": [
                {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 8, "volumeType": "gp3"}}
            ],
        },
        "dockerfileTemplateData": TEMPLATE + "# ü\r\n",
        "workingDirectory": "/build",
        "targetRepository": {"service": "ECR", "repositoryName": "web"},
        "kmsKeyId": KEY,
        "tags": {"team": "images"},
    }

    arn = make_container_recipe(client, name, **content)

    answer = client.get_container_recipe(containerRecipeArn=arn)
    assert answer["latestVersionReferences"] == latest_of(arn.removesuffix("/1.0.0"))
    found = answer["containerRecipe"]
    assert found.pop("dateCreated")
    assert found == {
        "arn": arn,
        "name": name,
        "version": "1.0.0",
        "platform": "Linux",
        "owner": "000000000000",
        "encrypted": True,
        **content,
    }


def test_what_was_not_given_is_absent(client: Any, name: str) -> None:
    """RCP-04, WIRE-10; the sample of the CLI has no working directory either."""
    found = recipe(client, make_container_recipe(client, name))

    assert found["tags"] == {}
    assert found.keys() == {
        "arn", "name", "version", "platform", "owner", "containerType", "parentImage", "encrypted",
        "dockerfileTemplateData", "targetRepository", "dateCreated", "tags",
    }  # fmt: skip


class TestVersions:
    def test_a_version_can_be_taken_once(self, client: Any, refused: Refused, name: str) -> None:
        """VER-06, NAM-05; image recipes count for themselves."""
        client.create_image_recipe(name=name, semanticVersion="1.0.0", parentImage=DEBIAN)
        arn = make_container_recipe(client, name)

        exists = (EXISTS, 400, f"The following resource 'ContainerRecipe' already exists: '{arn}'.")
        assert refused() == exists
        assert refused(semanticVersion="01.0.0", name=name.upper()) == exists

    def test_an_x_is_the_next_number(self, client: Any, name: str) -> None:
        """VER-10, VER-11, VER-13."""

        def made(version: str) -> str:
            arn = make_container_recipe(client, name, semanticVersion=version)
            return arn.rpartition("/")[2]

        assert [made(each) for each in ("1.0.x", "1.0.7", "1.0.x", "1.x.0", "x.0.0")] == [
            "1.0.0", "1.0.7", "1.0.8", "1.1.0", "2.0.0",
        ]  # fmt: skip
        with ThreadPoolExecutor(5) as threads:
            assert set(threads.map(made, ["3.0.x"] * 10)) == {f"3.0.{n}" for n in range(10)}

    def test_a_version_that_cannot_be_is_refused(self, refused: Refused) -> None:
        """VER-03, VER-10, O-02."""
        for version, code in (("1.x.x", "InvalidVersionNumberException"), ("1.0", VALUE)):
            found, status, message = refused(semanticVersion=version)
            assert (found, status) == (code, 400)
            assert "'semanticVersion'" in message


class TestParents:
    @pytest.mark.parametrize(
        ("changes", "platform"),
        [
            ({"parentImage": "debian"}, "Linux"),
            ({"parentImage": "localhost:5000/team/web_1:1.0-a"}, "Linux"),
            ({"parentImage": f"registry.example.com/a/b--c@{DIGEST}"}, "Linux"),
            ({"parentImage": "mcr.microsoft.com/windows/servercore:ltsc2022"}, "Windows"),
            ({"parentImage": DEBIAN}, "Linux"),
            ({"parentImage": WINDOWS}, "Windows"),
            (
                {"parentImage": "public.ecr.aws/lts/ubuntu:22.04", "platformOverride": "Linux"},
                "Linux",
            ),
            (
                {
                    "parentImage": "a/b:c",
                    "platformOverride": "Windows",
                    "imageOsVersionOverride": "Microsoft Windows Server 2022",
                },
                "Windows",
            ),
        ],
    )
    def test_a_parent_is_an_image_or_in_a_registry_and_gives_the_platform(
        self, client: Any, name: str, changes: dict[str, Any], platform: str
    ) -> None:
        """CTR-04, RCP-03."""
        found = recipe(client, make_container_recipe(client, name, **changes))

        assert (found["parentImage"], found["platform"]) == (changes["parentImage"], platform)

    @pytest.mark.parametrize(
        "parent",
        [
            "ami-0123456789abcdef0",
            "ssm:/images/host",
            "ssm:host",
            "Debian:12",
            "https://registry.example.com/web",
            "debian:",
            "debian:12\n",
            "a//b",
            "debian@sha256:0",
            "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86",
            DEBIAN.replace("x.x.x", "x.2.x"),
        ],
    )
    def test_what_is_no_parent_is_refused(self, refused: Refused, parent: str) -> None:
        """CTR-04, VER-14."""
        code, status, message = refused(parentImage=parent)

        assert (code, status) == (VALUE, 400)
        assert message.startswith("The value supplied for parameter 'parentImage' is not valid.")

    def test_an_image_that_the_caller_does_not_see_is_absent(self, refused: Refused) -> None:
        """ERR-26."""
        assert refused(parentImage=arn_of("image/no-such/1.0.0/1"))[:2] == (ABSENT, 404)

    @pytest.mark.parametrize(
        ("changes", "member", "text"),
        [
            (
                {"parentImage": "public.ecr.aws/lts/ubuntu"},
                "parentImage",
                "You must specify a platform override when using ECR Public Repositories as your "
                "parent image.",
            ),
            (
                {"parentImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1"},
                "parentImage",
                "You must specify a platform override when using ECR Repositories as your parent "
                "image.",
            ),
            (
                {"parentImage": "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web"},
                "parentImage",
                "You must specify a platform override when using ECR Repositories",
            ),
            (
                {"platformOverride": "Windows"},
                "parentImage",
                "You must specify an image OsVersion override when using ECR Repositories as your "
                "parent image for Windows Platform.",
            ),
            (
                {"parentImage": DEBIAN, "platformOverride": "Linux"},
                "platformOverride",
                "You cannot specify a platform override when using an Image Builder Image as your "
                "parent.",
            ),
            (
                {"parentImage": DEBIAN, "imageOsVersionOverride": "Debian 12"},
                "imageOsVersionOverride",
                "You cannot specify an image OsVersion override",
            ),
            (
                {"platformOverride": "macOS"},
                "platformOverride",
                "Container recipes don't currently support the macOS platform.",
            ),
            (
                {"parentImage": MACOS},
                "parentImage",
                "Container recipes don't currently support the macOS platform.",
            ),
        ],
    )
    def test_what_is_said_of_a_parent_must_be_needed_and_enough(
        self, refused: Refused, changes: dict[str, Any], member: str, text: str
    ) -> None:
        """CTR-01, CTR-04, in the words of the service's user guide."""
        code, status, message = refused(**changes)

        assert (code, status) == (VALUE, 400)
        frame = f"The value supplied for parameter '{member}' is not valid. "
        assert message.startswith(frame + text)


class TestTemplates:
    def test_exactly_one_member_carries_it(self, refused: Refused) -> None:
        """CTR-02."""
        for changes, what in (
            ({"dockerfileTemplateData": None}, "neither was"),
            ({"dockerfileTemplateUri": "s3://templates/web"}, "both were"),
        ):
            code, status, message = refused(**changes)
            assert (code, status) == (COMBINATION, 400)
            assert "'dockerfileTemplateData' and 'dockerfileTemplateUri'" in message
            assert what in message

    def test_it_has_a_size_and_no_nul(self, server: Server, name: str) -> None:
        """CTR-02: characters, not bytes."""
        client: Any = server.client(parameter_validation=False)  # the server is to check
        text = TEMPLATE + "ü" * (16_000 - len(TEMPLATE))
        arn = make_container_recipe(client, name, dockerfileTemplateData=text)
        assert recipe(client, arn)["dockerfileTemplateData"] == text

        for wrong in (text + "u", "", TEMPLATE + "\0"):
            request = recipe_request(name, dockerfileTemplateData=wrong, semanticVersion="2.0.0")
            code, status, message = refusal(client.create_container_recipe, **request)
            assert (code, status) == (VALUE, 400)
            assert "'dockerfileTemplateData'" in message

    def test_its_variables_are_checked_with_the_recipes_components(
        self, client: Any, refused: Refused, name: str
    ) -> None:
        """CTR-03."""
        components = [{"componentArn": make_component(client, name)}]
        without = TEMPLATE.replace("{{{ imagebuilder:environments }}}", "")

        code, status, message = refused(dockerfileTemplateData=without, components=components)
        assert (code, status) == (VALUE, 400)
        assert "must contain {{{ imagebuilder:environments }}}" in message
        assert "'dockerfileTemplateData'" in refused(dockerfileTemplateData="FROM a")[2]
        make_container_recipe(client, name, dockerfileTemplateData=without)

    def test_from_s3_it_is_read_once(
        self, serve: StartServer, others: OtherServices, name: str
    ) -> None:
        """CTR-02, CRT-04, CRT-05."""
        client: Any = serve(environment={"IMAGEWRIGHT_AWS_S3_ENDPOINT": others.url}).client()
        text = TEMPLATE + "#" * 20_000
        uri = others.put("templates", "web/Dockerfile", text.encode())
        request = {"dockerfileTemplateData": None, "dockerfileTemplateUri": uri}
        arn = make_container_recipe(client, name, **request)
        others.put("templates", "web/Dockerfile", b"FROM debian")

        found = recipe(client, arn)

        assert found["dockerfileTemplateData"] == text
        assert "dockerfileTemplateUri" not in found
        for wrong, detail in (
            (uri, "must contain {{{ imagebuilder:parentImage }}}"),
            ("s3://templates/absent", "NoSuchKey"),
            ("https://templates/web", "s3://bucket/key"),
        ):
            asked = recipe_request(
                name,
                semanticVersion="2.0.0",
                dockerfileTemplateData=None,
                dockerfileTemplateUri=wrong,
            )
            code, status, message = refusal(client.create_container_recipe, **asked)
            assert (code, status) == (VALUE, 400)
            assert "'dockerfileTemplateUri'" in message
            assert detail in message

    def test_under_a_key_it_is_nowhere_in_clear(self, serve: StartServer, name: str) -> None:
        """CTR-06, CRT-07."""
        server = serve()
        client: Any = server.client()
        text = TEMPLATE + "# NobodyIsToReadThis"
        arn = make_container_recipe(client, name, dockerfileTemplateData=text, kmsKeyId=KEY)

        with sqlite3.connect(server.state / "imagewright.db") as connection:
            rows = "\n".join(connection.iterdump()).encode()
        kept = rows + b"".join(path.read_bytes() for path in server.state.glob("imagewright.db*"))

        assert recipe(client, arn)["dockerfileTemplateData"] == text
        assert name.encode() in kept
        for hidden in (b"NobodyIsToReadThis", b"NobodyIsToReadThis".hex().upper().encode()):
            assert hidden not in kept

    def test_a_key_that_cannot_be_is_refused(self, refused: Refused) -> None:
        """CRT-07."""
        code, status, message = refused(kmsKeyId="no key")

        assert (code, status) == (VALUE, 400)
        assert "'kmsKeyId'" in message


@pytest.mark.parametrize(
    ("changes", "code", "member"),
    [
        ({"containerType": "PODMAN"}, VALUE, "containerType"),
        ({"name": "a b "}, VALUE, "name"),
        ({"instanceConfiguration": {"image": DEBIAN}}, VALUE, "instanceConfiguration.image"),
        (
            {
                "instanceConfiguration": {
                    "blockDeviceMappings": [{"noDevice": ""}, {"ebs": {"volumeType": "io2"}}]
                }
            },
            COMBINATION,
            "instanceConfiguration.blockDeviceMappings[1].ebs.iops",
        ),
        *[
            (
                {"targetRepository": {"service": "ECR", "repositoryName": repository}},
                VALUE,
                "targetRepository.repositoryName",
            )
            for repository in (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/web",
                "public.ecr.aws/team/web",
                "localhost:5000/web",
                "web:latest",
                "Web",
                "/web",
                "web\n",
                "w",
                "w" * 257,
            )
        ],
        (
            {
                "components": [
                    {"componentArn": arn_of("component/a/x.x.x", account="aws-marketplace")}
                ]
            },
            VALUE,
            "components[0].componentArn",
        ),
    ],
)
def test_a_bad_value_is_refused_by_name(
    server: Server, name: str, changes: dict[str, Any], code: str, member: str
) -> None:
    """CTR-01, CTR-05, RCP-14, OPX-01."""
    client: Any = server.client(parameter_validation=False)  # the server is to check

    found, status, message = refusal(
        client.create_container_recipe, **recipe_request(name, **changes)
    )

    assert (found, status) == (code, 400)
    assert f"'{member}'" in message


class TestComponents:
    def test_components_must_fit(self, client: Any, refused: Refused, name: str) -> None:
        """RCP-06, RCP-12, ERR-26."""
        one = make_component(client, name)
        two = make_component(client, name, semanticVersion="2.0.0")
        macos = make_component(client, f"{name} m", platform="macOS")
        needy = make_component(
            client,
            f"{name} n",
            data=component_document(parameters="parameters:\n  - Licence: {type: string}\n"),
        )

        for arns, code, detail in (
            ([one, two], VALUE, "'components[1].componentArn'"),
            ([one, macos], VALUE, "'components[1].componentArn'"),
            ([needy], COMBINATION, "Licence"),
            ([one.replace("1.0.0/1", "3.0.0")], ABSENT, "3.0.0"),
        ):
            found, _, message = refused(components=[{"componentArn": arn} for arn in arns])
            assert found == code
            assert detail in message

    def test_the_version_of_the_system_must_be_supported(
        self, client: Any, refused: Refused, name: str
    ) -> None:
        """RCP-10, CTR-04."""
        arn = make_component(client, name, supportedOsVersions=["Debian 12"])
        request = {"components": [{"componentArn": arn}]}

        code, _, message = refused(imageOsVersionOverride="Debian 13", **request)
        assert code == VALUE
        assert "supports Debian 12" in message
        make_container_recipe(client, name, imageOsVersionOverride="Debian 12.5", **request)

    def test_a_component_that_a_recipe_names_cannot_be_deleted(
        self, client: Any, name: str
    ) -> None:
        """CRT-70, CRT-72."""
        component = make_component(client, name)
        arn = make_container_recipe(client, name, components=[{"componentArn": component}])

        code, status, message = refusal(client.delete_component, componentBuildVersionArn=component)
        assert (code, status) == ("ResourceDependencyException", 400)
        assert arn in message
        client.delete_container_recipe(containerRecipeArn=arn)
        client.delete_component(componentBuildVersionArn=component)

    def test_as_many_as_the_quota_says(self, serve: StartServer, name: str) -> None:
        """QUO-01, QUO-02, CRT-33."""
        environment = {
            "IMAGEWRIGHT_QUOTAS_COMPONENTS_PER_RECIPE": "1",
            "IMAGEWRIGHT_QUOTAS_CONTAINER_RECIPES": "1",
        }
        client: Any = serve(environment=environment).client()
        arns = [make_component(client, f"{name} {number}") for number in range(2)]
        components = [{"componentArn": arn} for arn in arns]
        quota = ("ServiceQuotaExceededException", 402)

        create = client.create_container_recipe
        assert refusal(create, **recipe_request(name, components=components))[:2] == quota
        make_container_recipe(client, name, components=components[:1])
        for version in ("2.0.0", "1.0.x"):
            for dry in (True, False):
                request = recipe_request(name, semanticVersion=version, dryRun=dry)
                assert refusal(create, **request)[:2] == quota


def test_a_dry_run_says_what_would_happen_and_stores_nothing(
    client: Any, refused: Refused, name: str
) -> None:
    """RCP-19, CRT-30 to CRT-33."""
    would = ("DryRunOperationException", 412)
    assert refused(dryRun=True)[:2] == would
    assert refused(dryRun=True, semanticVersion="1.0.x")[:2] == would
    assert refused(dryRun=True, dockerfileTemplateData="FROM a")[:2] == (VALUE, 400)
    assert listed(client, ("name", name)) == []

    make_container_recipe(client, name)
    assert refused(dryRun=True)[:2] == (EXISTS, 400)


class TestReading:
    def test_a_reference_means_the_highest_version(self, client: Any, name: str) -> None:
        """VER-15, VER-19."""
        base = make_container_recipe(client, name, semanticVersion="1.9.0").removesuffix("1.9.0")
        make_container_recipe(client, name, semanticVersion="1.10.0")

        found = [recipe(client, base + each)["version"] for each in ("x.x.x", "1.x.x", "1.9.x")]

        assert found == ["1.10.0", "1.10.0", "1.9.0"]

    def test_what_is_not_there_is_not_found(self, client: Any, server: Server, name: str) -> None:
        """VER-17, ERR-26; nor is what a stranger has, or an image recipe of the name."""
        arn = make_container_recipe(client, name)
        stranger: Any = server.client("111122223333")

        for asked_by, absent in ((client, arn.replace("1.0.0", "2.x.x")), (stranger, arn)):
            for verb in ("get", "delete"):
                operation = getattr(asked_by, f"{verb}_container_recipe")
                exact = absent.replace("2.x.x", "2.0.0") if verb == "delete" else absent
                assert refusal(operation, containerRecipeArn=exact)[:2] == (ABSENT, 404)
        image_recipe = arn.replace("container-recipe", "image-recipe")
        assert refusal(client.get_image_recipe, imageRecipeArn=image_recipe)[:2] == (ABSENT, 404)
        assert refusal(client.get_container_recipe, containerRecipeArn=image_recipe)[:2] == (
            VALUE,
            400,
        )

    def test_recipes_are_listed_in_the_order_of_their_arns(self, client: Any, name: str) -> None:
        """SRT-02, PAG-03, OPX-02."""
        for version in ("10.0.0", "9.0.0"):
            host = {"image": "ami-0123456789abcdef0"}
            make_container_recipe(
                client, name, semanticVersion=version, instanceConfiguration=host, tags={"a": "b"}
            )

        found = listed(client, ("name", name), PaginationConfig={"PageSize": 1})

        assert [entry["arn"].rpartition("/")[2] for entry in found] == ["9.0.0", "10.0.0"]
        assert found[0].pop("dateCreated")
        assert found[0] == {
            "arn": arn_of(f"container-recipe/{name.replace('_', '-')}/9.0.0"),
            "name": name,
            "containerType": "DOCKER",
            "platform": "Linux",
            "owner": "000000000000",
            "parentImage": "amazonlinux:latest",
            "instanceImage": "ami-0123456789abcdef0",
            "tags": {"a": "b"},
        }
        page = client.list_container_recipes(maxResults=1)
        assert len(page["nextToken"]) <= 1024

    @pytest.mark.parametrize(
        ("filter_name", "value", "hit"),
        [
            ("containerType", "DOCKER", True),
            ("containerType", "docker", False),
            ("parentImage", "amazonlinux:latest", True),
            ("parentImage", "amazonlinux", False),
            ("platform", "Linux", True),
            ("platform", "Windows", False),
        ],
    )
    def test_a_filter_compares_with_what_is_stored(
        self, client: Any, name: str, filter_name: str, value: str, hit: bool
    ) -> None:
        """FLT-10."""
        make_container_recipe(client, name)

        assert bool(listed(client, ("name", name), (filter_name, value))) is hit

    def test_nobody_else_has_recipes_here_and_other_filters_are_refused(self, client: Any) -> None:
        """FLT-04, FLT-20."""
        for owner in ("Shared", "Amazon", "ThirdParty"):
            assert client.list_container_recipes(owner=owner)["containerRecipeSummaryList"] == []
        unknown = [{"name": "version", "values": ["1.0.0"]}]
        assert refusal(client.list_container_recipes, filters=unknown)[:2] == (VALUE, 400)


def test_a_deleted_recipe_is_gone_and_its_version_free(client: Any, name: str) -> None:
    """CTR-07, RCP-18, IDM-13, and the table of section 2.3."""
    arn = make_container_recipe(client, name)
    wild = refusal(client.delete_container_recipe, containerRecipeArn=arn.replace("1.0.0", "1.0.x"))
    assert wild[:2] == (VALUE, 400)

    assert client.delete_container_recipe(containerRecipeArn=arn)["containerRecipeArn"] == arn

    for operation in (client.get_container_recipe, client.delete_container_recipe):
        assert refusal(operation, containerRecipeArn=arn)[:2] == (ABSENT, 404)
    assert make_container_recipe(client, name) == arn


class TestBuilding:
    """What refers to a container recipe; what is built of one is in ``tests/e2e``."""

    @pytest.fixture
    def parts(self, client: Any, name: str) -> dict[str, Any]:
        infrastructure = client.create_infrastructure_configuration(
            name=name, instanceProfileName="builder"
        )
        return {
            "containerRecipeArn": make_container_recipe(client, name),
            "infrastructureConfigurationArn": infrastructure["infrastructureConfigurationArn"],
        }

    def test_a_template_that_cannot_be_built_is_refused_before_anything_starts(
        self, client: Any, name: str, parts: dict[str, Any]
    ) -> None:
        """IMG-06; by hand and by a pipeline."""
        broken = make_container_recipe(
            client,
            f"{name}-broken",
            dockerfileTemplateData="FROM {{{ imagebuilder:parentImage }}}\nRNU true\nUSER a b\n",
        )
        parts["containerRecipeArn"] = broken
        pipeline = client.create_image_pipeline(name=name, **parts)["imagePipelineArn"]

        for operation, request in (
            (client.create_image, parts),
            (client.start_image_pipeline_execution, {"imagePipelineArn": pipeline}),
        ):
            code, status, message = refusal(operation, **request)
            assert (code, status) == ("InvalidRequestException", 400)
            first, second = message.splitlines()
            assert f"'{broken}' cannot be built. There is no instruction `RNU`" in first
            assert first.endswith("(line 2, column 1)")
            assert second.endswith("(line 3, column 6)")
        images = client.list_image_pipeline_images(imagePipelineArn=pipeline)
        assert images["imageSummaryList"] == []
        assert (
            client.list_images(filters=[{"name": "name", "values": [name]}])["imageVersionList"]
            == []
        )

    def test_a_recipe_that_is_not_there_is_absent(
        self, client: Any, name: str, parts: dict[str, Any]
    ) -> None:
        """ERR-26, PIP-07."""
        missing = {**parts, "containerRecipeArn": arn_of("container-recipe/no-such/x.x.x")}

        assert refusal(client.create_image, **missing)[:2] == (ABSENT, 404)
        assert refusal(client.create_image_pipeline, name=name, **missing)[:2] == (ABSENT, 404)
