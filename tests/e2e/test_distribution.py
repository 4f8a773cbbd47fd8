"""A real build that is distributed, and a build on what arrived."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from tests.actions.distributing import OWN, WEST, amis, configured
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_crashes import component

TAGS = {"Recipe": "yes"}


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    """Return a server that knows where parameters would be."""
    with lab.bench(IMAGEWRIGHT_AWS_SSM_ENDPOINT="http://127.0.0.1:9") as running:
        yield running


def count(bench: Bench) -> str:
    """Register a component that demands what the image's own component left."""
    return bench.component(component().replace("echo once >> /effects", "cat /effects"))


def test_an_image_is_built_on_in_another_region(bench: Bench) -> None:
    """§7.6, §10.1, IMG-51, TAG-07: named as its region's entry says, with tags of its own."""
    configuration = configured(
        bench,
        {
            "region": "us-east-1",
            "amiDistributionConfiguration": {
                "name": "own {{ imagebuilder:buildDate:yyyy }} {{ imagebuilder:buildDate }}",
                "amiTags": {"Entry": "{{ imagebuilder:buildVersion }}"},
            },
        },
        {"region": WEST, "amiDistributionConfiguration": {}},
    )
    recipe = bench.recipe(bench.component(component()), amiTags=TAGS)

    arn = bench.start(recipe, distributionConfigurationArn=configuration)

    image = bench.built(arn)
    own, copy = image["outputResources"]["amis"]
    stamp = image["dateCreated"].replace(":", "-")
    assert own["name"] == copy["name"] == f"own {stamp[:4]} {stamp}"
    [[tags]] = bench.query(f"SELECT tags FROM machine_images WHERE id = '{own['image']}'")  # noqa: S608 - our own id
    for each in ('"Recipe": "yes"', '"Entry": "1.0.0/1"', f'"Ec2ImageBuilderArn": "{arn}"'):
        assert each in tags
    assert [each["type"] for each in bench.executions(arn)] == ["BUILD", "TEST"]

    west = Bench(bench.server, bench.server.client(OWN, WEST))
    child = west.built(west.start(west.recipe(count(west), parent=copy["image"])))
    assert {region for region, _, _ in amis(child)} == {WEST}
    bench.nothing_is_left()


def test_a_parameter_that_needs_a_role_fails_the_integration(bench: Bench) -> None:
    """DST-07, IMG-32, IMG-65: without the role; the image is there."""
    entry = {
        "region": "us-east-1",
        "ssmParameterConfigurations": [{"parameterName": "/elsewhere/ami"}],
    }

    arn = bench.start(bench.recipe(), distributionConfigurationArn=configured(bench, entry))

    image = bench.finished(arn)
    state = image["state"]
    assert state["status"] == "FAILED"
    assert f"status = 'Failed' for ARN '{arn}'" in state["reason"]
    assert "without an execution role, only those under /imagebuilder/ can" in state["reason"]
    context = state["failureContext"]
    assert context["imageStatus"] == "INTEGRATING"
    [failure] = context["distributionFailure"]["regionFailures"]
    assert failure["imageConfigurationStep"] == "PUT_SSM_PARAMETERS"
    assert len(image["outputResources"]["amis"]) == 1
    with pytest.raises(ClientError, match="cannot be retried"):
        bench.client.retry_image(imageBuildVersionArn=arn)
