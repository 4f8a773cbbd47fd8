"""Recipes on images of one's own, and what a build takes from a recipe."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.asking import ABSENT, ACCOUNT, REGION, VALUE, make_component, refusal
from tests.conftest import Server

from imagewright.api.recipe_resolution import ResolvedRecipe, resolve_recipe
from imagewright.arns import Kind
from imagewright.call import Call, Principal
from imagewright.errors import InvalidRequest, ResourceNotFound
from imagewright.store import references
from imagewright.store import resources as store
from imagewright.store.database import Database, open_sqlite
from imagewright.store.resources import Draft, Place, Stored
from imagewright.versions import Version

IMAGES = Place(account=ACCOUNT, region=REGION, kind=Kind.IMAGE)
CALL = Call(
    request_id="r",
    operation="CreateImage",
    principal=Principal(ACCOUNT, "arn:aws:iam::000000000000:root", "AKIA"),
    region=REGION,
    received_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@dataclass
class Store:
    """The store of the shared server, as the engine has it."""

    database: Database

    def add_image(
        self, name: str, version: str = "1.0.0", *, status: str = "AVAILABLE", platform: str
    ) -> Stored:
        draft = Draft(
            path=name.replace("_", "-"),
            version=Version.parse(version),
            version_text=version,
            name=name,
            platform=platform,
            status=status,
            digest=status,
            body={"osVersion": "Debian 12"},
            created_at="2026-01-01T00:00:00.000Z",
        )
        with self.database.write() as connection:
            return store.add_build(connection, IMAGES, draft)

    def resolve(self, arn: str) -> ResolvedRecipe:
        with self.database.read() as connection:
            return resolve_recipe(connection, CALL, arn)


@pytest.fixture
def kept(server: Server) -> Iterator[Store]:
    database = open_sqlite(server.state / "imagewright.db")
    yield Store(database)
    database.close()


def make_recipe(client: Any, name: str, parent: str, *components: dict[str, Any]) -> str:
    chosen = {"components": list(components)} if components else {}
    arn: str = client.create_image_recipe(
        name=name, semanticVersion="1.0.x", parentImage=parent, **chosen
    )["imageRecipeArn"]
    return arn


def make_container_recipe(
    client: Any, name: str, parent: str, *components: dict[str, Any], **more: Any
) -> str:
    chosen = {"components": list(components)} if components else {}
    arn: str = client.create_container_recipe(
        name=name,
        semanticVersion="1.0.x",
        containerType="DOCKER",
        parentImage=parent,
        dockerfileTemplateData="FROM {{{ imagebuilder:parentImage }}}\n"
        "{{{ imagebuilder:environments }}}\n# of nobody's business",
        targetRepository={"service": "ECR", "repositoryName": "web"},
        **chosen,
        **more,
    )["containerRecipeArn"]
    return arn


class TestOnAnImageOfOnesOwn:
    def test_the_platform_is_the_images(self, client: Any, kept: Store, name: str) -> None:
        """RCP-03, RCP-13."""
        image = str(kept.add_image(name, platform="Windows").arn)

        for parent in (image, image.removesuffix("/1"), image.replace("1.0.0/1", "x.x.x")):
            arn = make_recipe(client, name, parent)
            found = client.get_image_recipe(imageRecipeArn=arn)["imageRecipe"]
            assert (found["platform"], found["workingDirectory"]) == ("Windows", "C:/")
            assert found["parentImage"] == parent

    @pytest.mark.parametrize(
        ("supported", "fits"),
        [
            (["Debian"], True),
            (["Ubuntu", "Debian 12"], True),
            (["Debian 1", "Ubuntu"], True),
            (["Debian 12.1"], False),
            (["Ubuntu", "debian"], False),
            (None, True),
        ],
        ids=str,
    )
    def test_a_component_must_support_the_images_system(
        self, client: Any, kept: Store, name: str, supported: list[str] | None, fits: bool
    ) -> None:
        """RCP-10."""
        image = str(kept.add_image(name, platform="Linux").arn)
        component = make_component(client, name, supportedOsVersions=supported)
        request = {
            "name": name,
            "semanticVersion": "1.0.0",
            "parentImage": image,
            "components": [{"componentArn": component}],
        }

        if fits:
            assert client.create_image_recipe(**request)
            return
        code, status, message = refusal(client.create_image_recipe, **request)
        assert (code, status) == (VALUE, 400)
        assert "'components[0].componentArn'" in message
        assert "Debian 12" in message

    def test_only_an_available_build_is_meant_by_a_version(
        self, client: Any, kept: Store, name: str
    ) -> None:
        """VER-18."""
        failed = str(kept.add_image(name, status="FAILED", platform="Linux").arn)
        request = {"name": name, "semanticVersion": "1.0.0"}

        for reference in (failed.removesuffix("/1"), failed.replace("1.0.0/1", "x.x.x")):
            assert refusal(client.create_image_recipe, **request, parentImage=reference)[:2] == (
                ABSENT,
                404,
            )
        assert make_recipe(client, name, failed)

    def test_only_a_parent_named_exactly_is_held(self, client: Any, kept: Store, name: str) -> None:
        """IMG-62."""
        image = kept.add_image(name, platform="Linux")
        make_recipe(client, f"{name} a", str(image.arn).removesuffix("/1"))
        holder = make_recipe(client, f"{name} b", str(image.arn))

        with kept.database.read() as connection:
            assert references.referrers(connection, IMAGES, image) == [holder]

    def test_a_container_recipe_stands_on_one_as_well(
        self, client: Any, kept: Store, name: str
    ) -> None:
        """CTR-04, RCP-03, RCP-10, IMG-62."""
        image = kept.add_image(name, platform="Windows")
        component = make_component(client, name, supportedOsVersions=["Ubuntu"])

        holder = make_container_recipe(client, name, str(image.arn))
        make_container_recipe(client, name, str(image.arn).removesuffix("/1"))

        found = client.get_container_recipe(containerRecipeArn=holder)["containerRecipe"]
        assert found["platform"] == "Windows"
        with kept.database.read() as connection:
            assert references.referrers(connection, IMAGES, image) == [holder]
        linux = str(kept.add_image(f"{name}-l", platform="Linux").arn)
        with pytest.raises(ClientError, match="the parent image is Debian 12"):
            make_container_recipe(client, name, linux, {"componentArn": component})


class TestWhatAPipelineUses:
    """Pipelines write down what they use, as recipes do."""

    PIPELINE = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image-pipeline/nightly"

    def held(self, kept: Store, arn: str) -> None:
        with kept.database.write() as connection:
            references.erase(connection, self.PIPELINE)
            references.record(connection, self.PIPELINE, [arn])

    def released(self, kept: Store) -> None:
        with kept.database.write() as connection:
            references.erase(connection, self.PIPELINE)

    def test_a_recipe_stays_while_it_is_used(self, client: Any, kept: Store, name: str) -> None:
        """RCP-18, CRT-72."""
        arn = make_recipe(client, name, "ami-0123456789abcdef0")

        self.held(kept, arn)
        code, status, message = refusal(client.delete_image_recipe, imageRecipeArn=arn)
        assert (code, status) == ("ResourceDependencyException", 400)
        assert message.startswith(
            f"Resource dependency error: The resource ARN '{arn}' has other resources "
        )

        self.released(kept)
        assert client.delete_image_recipe(imageRecipeArn=arn)

    def test_a_configuration_stays_while_it_is_used(
        self, client: Any, kept: Store, name: str
    ) -> None:
        """INF-11, CRT-72."""
        arn = client.create_infrastructure_configuration(name=name, instanceProfileName="builder")[
            "infrastructureConfigurationArn"
        ]
        request = {"infrastructureConfigurationArn": arn}

        self.held(kept, arn)
        code, status, message = refusal(client.delete_infrastructure_configuration, **request)
        assert (code, status) == ("ResourceDependencyException", 400)
        assert arn in message

        self.released(kept)
        assert client.delete_infrastructure_configuration(**request)


class TestWhatABuildTakes:
    def test_every_reference_is_made_concrete(self, client: Any, kept: Store, name: str) -> None:
        """VER-20, IMG-06, RCP-05, RCP-11."""
        kept.add_image(name, platform="Linux")
        image = kept.add_image(name, "1.2.0", platform="Linux")
        first = make_component(client, f"{name} a")
        test = make_component(client, f"{name} b", semanticVersion="2.0.0")
        arn = make_recipe(
            client,
            name,
            str(image.arn).replace("1.2.0/1", "x.x.x"),
            {"componentArn": test.replace("2.0.0/1", "x.x.x")},
            {"componentArn": first.removesuffix("/1")},
        )
        second = make_component(client, f"{name} a", description="a newer build")

        resolved = kept.resolve(arn.replace("1.0.0", "x.x.x"))

        assert str(resolved.stored.arn) == arn
        assert (resolved.platform, resolved.parent.os_version) == ("Linux", "Debian 12")
        assert [str(component.build.arn) for component in resolved.components] == [test, second]
        assert resolved.shown["arn"] == arn
        assert resolved.shown["parentImage"] == str(image.arn)
        assert [entry["componentArn"] for entry in resolved.shown["components"]] == [test, second]

    def test_a_container_recipe_is_resolved_alike_but_for_its_template(
        self, client: Any, kept: Store, name: str
    ) -> None:
        """VER-20, CTR-06, CRT-07: what is sealed is not shown along with an image."""
        image = kept.add_image(name, platform="Linux")
        component = make_component(client, name)
        arn = make_container_recipe(
            client,
            name,
            str(image.arn).replace("1.0.0/1", "x.x.x"),
            {"componentArn": component.replace("1.0.0/1", "x.x.x")},
            kmsKeyId="arn:aws:kms:us-east-1:123456789012:alias/sealed",
        )

        resolved = kept.resolve(arn.replace("1.0.0", "x.x.x"))

        assert resolved.is_for_containers
        assert resolved.platform == "Linux"
        assert resolved.shown["arn"] == arn
        assert resolved.shown["parentImage"] == str(image.arn)
        assert [entry["componentArn"] for entry in resolved.shown["components"]] == [component]
        assert "nobody" not in str(resolved.shown)

    def test_values_and_sealed_documents_come_along(
        self, client: Any, kept: Store, name: str
    ) -> None:
        """IMG-06, RCP-12, CRT-07."""
        key = "arn:aws:kms:us-east-1:123456789012:alias/sealed"
        document = (
            "schemaVersion: 1.0\n"
            "parameters: [{Channel: {type: string}}]\n"
            "phases: [{name: test, steps: [{name: Say, action: UpdateOS}]}]\n"
        )
        component = make_component(client, name, data=document, kmsKeyId=key)
        arn = make_recipe(
            client,
            name,
            "ami-0123456789abcdef0",
            {
                "componentArn": component,
                "parameters": [{"name": "Channel", "value": ["beta"]}],
            },
        )

        (resolved,) = kept.resolve(arn).components

        assert resolved.given == {"Channel": "beta"}
        assert resolved.build.type == "TEST"
        assert resolved.build.sealed_key is not None
        assert resolved.build.sealed_key["id"] == key
        assert resolved.build.document is not None

    def test_a_recipe_without_components_has_none(
        self, client: Any, kept: Store, name: str
    ) -> None:
        """RCP-04."""
        arn = make_recipe(client, name, "ami-0123456789abcdef0")

        resolved = kept.resolve(arn)

        assert resolved.components == ()
        assert resolved.shown == client.get_image_recipe(imageRecipeArn=arn)["imageRecipe"]

    def test_what_is_gone_is_named(self, client: Any, kept: Store, name: str) -> None:
        """ERR-26, VER-17."""
        image = kept.add_image(name, platform="Linux")
        reference = str(image.arn).removesuffix("/1")
        arn = make_recipe(client, name, reference)
        with kept.database.write() as connection:
            store.remove(connection, IMAGES, image)

        with pytest.raises(ResourceNotFound, match=reference):
            kept.resolve(arn)
        with pytest.raises(ResourceNotFound, match=r"image-recipe/no-such"):
            kept.resolve(arn.replace(name.replace("_", "-"), "no-such"))

    def test_a_disabled_parent_is_refused(self, client: Any, kept: Store, name: str) -> None:
        """O-28."""
        image = str(kept.add_image(name, status="DISABLED", platform="Linux").arn)
        arn = make_recipe(client, name, image)

        with pytest.raises(InvalidRequest, match="is disabled"):
            kept.resolve(arn)
