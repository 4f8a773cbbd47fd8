"""DistributeImage: an image that exists goes through distribution only (``§7.7``)."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.actions.distributing import (
    HERE,
    NORTH,
    OTHER,
    OWN,
    PARENT,
    WEST,
    amis,
    configured,
    distributing,
    followed,
)
from tests.e2e.conftest import Bench
from tests.other_services import OtherServices

ROLE = "distributor"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, others: OtherServices) -> Iterator[Bench]:
    """Return a server on which images can be distributed."""
    with distributing(tmp_path_factory.mktemp("again") / "state", others.url) as running:
        yield running


@pytest.fixture(scope="module")
def source(bench: Bench) -> Any:
    """Return an image with a copy in the west."""
    return bench.built(followed(bench, configured(bench, {"region": WEST})))


@pytest.fixture(scope="module")
def configuration(bench: Bench) -> str:
    """Return a configuration of one more region."""
    tags = {"amiTags": {"Again": "{{imagebuilder:buildVersion}}"}}
    return configured(bench, {"region": NORTH, "amiDistributionConfiguration": tags})


def again(bench: Bench, image: str, configuration: str, **more: Any) -> str:
    """Distribute an image and return the ARN of the new one."""
    made = bench.client.distribute_image(
        sourceImage=image,
        distributionConfigurationArn=configuration,
        executionRole=ROLE,
        **more,
    )
    return str(made["imageBuildVersionArn"])


def test_an_image_is_distributed_as_a_new_image(
    bench: Bench, source: Any, configuration: str
) -> None:
    """IMG-70 to IMG-72."""
    arn = again(bench, source["arn"], configuration, tags={"Why": "again"})

    image = bench.built(arn)
    assert arn == f"{source['arn'].rpartition('/')[0]}/2"
    assert (image["name"], image["version"], image["tags"]) == (
        source["name"], "1.0.0/2", {"Why": "again"},
    )  # fmt: skip
    assert {(region, account) for region, account, _ in amis(image)} == {(HERE, OWN), (NORTH, OWN)}
    assert (image["executionRole"], image["buildType"]) == (ROLE, "USER_INITIATED")
    assert image["distributionConfiguration"]["arn"] == configuration
    assert "imageRecipe" not in image
    assert bench.executions(arn) == []


def test_an_image_that_was_only_distributed_is_a_parent(bench: Bench, source: Any) -> None:
    copy = next(each for each in source["outputResources"]["amis"] if each["region"] == WEST)
    west = Bench(bench.server, bench.server.client(OWN, WEST))
    arn = again(west, copy["image"], configured(west, {"region": NORTH}))
    west.built(arn)

    image = west.built(followed(west, configured(west), parent=arn))

    assert image["imageRecipe"]["parentImage"] == arn


def test_a_version_means_its_newest_available_build(
    bench: Bench, source: Any, configuration: str
) -> None:
    version = source["arn"].rpartition("/")[0]

    assert bench.built(again(bench, version, configuration))["name"] == source["name"]


def test_a_copy_is_named_by_its_id_in_its_region(bench: Bench, source: Any) -> None:
    """NAM-09."""
    west = Bench(bench.server, bench.server.client(OWN, WEST))
    there = configured(west, {"region": NORTH})
    copy = next(each for each in source["outputResources"]["amis"] if each["region"] == WEST)

    image = west.built(again(west, copy["image"], there))

    assert image["name"] == copy["name"].replace(".", "-")
    assert image["version"].startswith("1.0.0/")
    assert {region for region, _, _ in amis(image)} == {WEST, NORTH}


def test_a_parameter_may_name_the_image(
    bench: Bench, others: OtherServices, source: Any, configuration: str, name: str
) -> None:
    others.client("ssm").put_parameter(Name=f"/{name}", Value=PARENT, Type="String")
    others.client("ssm").put_parameter(Name=f"/{name}/no", Value="no image", Type="String")

    image = bench.built(again(bench, f"ssm:/{name}", configuration))

    assert (HERE, OWN, PARENT) in amis(image)
    with pytest.raises(ClientError, match="holds no id of an AMI"):
        again(bench, f"ssm:/{name}/no", configuration)
    with pytest.raises(ClientError, match="ParameterNotFound"):
        again(bench, f"ssm:/{name}/missing", configuration)


def test_an_empty_configuration_distributes_nothing(bench: Bench, source: Any) -> None:
    image = bench.built(again(bench, source["arn"], configured(bench)))

    assert amis(image) == {(HERE, OWN, PARENT)}


def test_the_same_token_distributes_once(bench: Bench, source: Any, configuration: str) -> None:
    """IDM-02."""
    first = again(bench, source["arn"], configuration, clientToken="once")

    assert again(bench, source["arn"], configuration, clientToken="once") == first
    bench.built(first)


def test_nothing_of_others_is_distributed(bench: Bench, source: Any) -> None:
    """IMG-70, ERR-26."""
    other = Bench(bench.server, bench.server.client(OTHER))
    theirs = configured(other, {"region": NORTH})
    copy = next(
        each["image"] for each in source["outputResources"]["amis"] if each["region"] == WEST
    )
    west = Bench(bench.server, bench.server.client(OTHER, WEST))

    with pytest.raises(ClientError) as caught:
        again(other, source["arn"], theirs)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError, match="nothing here stands for") as caught:
        again(west, copy, configured(west, {"region": NORTH}))
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


@pytest.mark.parametrize(
    ("image", "code", "problem"),
    [
        ("ami-1", "InvalidParameterValueException", "It must be an AMI id"),
        ("debian-12", "InvalidParameterValueException", "'sourceImage' is not valid"),
        ("ami-00000000", "InvalidRequestException", "nothing here stands for"),
        (
            "arn:aws:imagebuilder:us-east-1:000000000000:image/missing/1.0.0/1",
            "ResourceNotFoundException",
            "image/missing/1.0.0/1",
        ),
    ],
)
def test_what_is_no_image_here_is_refused(
    bench: Bench, configuration: str, image: str, code: str, problem: str
) -> None:
    with pytest.raises(ClientError, match=problem) as caught:
        again(bench, image, configuration)

    assert caught.value.response["Error"]["Code"] == code


def test_an_image_that_is_not_available_is_refused(bench: Bench, configuration: str) -> None:
    waiting = '{"schemaVersion": "1.0", "steps": [{"name": "Wait", "action": "WaitForAction"}]}'
    arn = bench.start(bench.recipe(parent=PARENT), workflows=[bench.workflow(waiting, kind="TEST")])

    with pytest.raises(ClientError, match="only one that is AVAILABLE") as caught:
        again(bench, arn, configuration)

    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"
    bench.client.cancel_image_creation(imageBuildVersionArn=arn)


def test_a_configuration_that_cannot_be_followed_is_refused(bench: Bench, source: Any) -> None:
    export = {"roleName": "r", "diskImageFormat": "RAW", "s3Bucket": "b"}
    exporting = configured(bench, {"region": NORTH, "s3ExportConfiguration": export})

    with pytest.raises(ClientError, match="has no disk to export"):
        again(bench, source["arn"], exporting)
