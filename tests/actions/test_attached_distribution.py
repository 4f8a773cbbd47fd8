"""An attached distribution configuration is followed (``workflow-documents.md`` §10.1, IMG-06)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.actions.conftest import document
from tests.actions.distributing import (
    HERE,
    NEVER,
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
from tests.e2e.conftest import BUILD_SECONDS, Bench
from tests.other_services import OtherServices

from imagewright.engine.crash_points import CrashPoint

AWAY = "ap-south-1"
KEY = "arn:aws:kms:us-west-2:000000000000:key/11111111-2222-3333-4444-555555555555"
LICENCE = "arn:aws:license-manager:us-west-2:000000000000:license-configuration:lic-" + "0" * 32
NAME = "web {{ imagebuilder:buildDate }}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, others: OtherServices) -> Iterator[Bench]:
    """Return a server with a registry that is away, for the tests of this module."""
    regions = {AWAY: {"registry": "http://127.0.0.1:9/images"}}
    state = tmp_path_factory.mktemp("attached") / "state"
    with distributing(state, others.url, IMAGEWRIGHT_REGIONS=json.dumps(regions)) as running:
        yield running


def entry(region: str, **more: Any) -> dict[str, Any]:
    """Write what a configuration says of a region."""
    ami = {"name": NAME, **more.pop("ami", {})}
    return {"region": region, "amiDistributionConfiguration": ami, **more}


def test_copies_go_out_though_no_workflow_sends_them(
    bench: Bench, others: OtherServices, name: str
) -> None:
    """IMG-13, IMG-14, IMG-50, IMG-51, DST-07."""
    parameter = f"/imagebuilder/{name}"
    ami = {
        "description": "A web",
        "amiTags": {"Build": "{{imagebuilder:buildVersion}}"},
        "targetAccountIds": [OTHER],
        "launchPermission": {"userGroups": ["all"]},
    }
    given = {"parameterName": parameter, "amiAccountId": OTHER}
    configuration = configured(
        bench, entry(WEST, ami=ami, ssmParameterConfigurations=[given]), entry(HERE)
    )

    arn = followed(bench, configuration)

    image = bench.built(arn)
    found = {(each["region"], each["accountId"]): each for each in image["outputResources"]["amis"]}
    assert set(found) == {(WEST, OWN), (WEST, OTHER), (HERE, OWN)}
    west = found[WEST, OTHER]
    assert west["name"] == f"web {image['dateCreated'].replace(':', '-')}"
    assert west["description"] == "A web"
    assert found[HERE, OWN]["image"] == PARENT
    file = bench.server.state / "regions" / WEST / west["image"] / "image.json"
    assert json.loads(file.read_text())["tags"] == {"Build": "1.0.0/1"}
    ssm = boto3.client(
        "ssm", endpoint_url=others.url, region_name=WEST,
        aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == west["image"]
    [[permission]] = bench.query(
        f"SELECT launch_permission FROM machine_images WHERE id = '{west['image']}'"  # noqa: S608 - our own id
    )
    assert json.loads(permission)["userGroups"] == ["all"]
    assert [each["type"] for each in bench.executions(arn)] == ["TEST"]
    bench.nothing_is_left()


def test_what_follows_the_configuration_is_shown_nowhere(bench: Bench) -> None:
    """IMG-14."""
    arn = followed(bench, configured(bench, entry(WEST)))
    bench.built(arn)
    [[execution]] = bench.query(
        f"SELECT id FROM workflow_executions WHERE image_arn = '{arn}' AND stage = 'DISTRIBUTION'"  # noqa: S608 - our own ARN
    )
    [[step], *_] = bench.query(
        f"SELECT id FROM step_executions WHERE workflow_execution_id = '{execution}'"  # noqa: S608 - our own id
    )

    for operation, given in (
        ("get_workflow_execution", {"workflowExecutionId": execution}),
        ("list_workflow_step_executions", {"workflowExecutionId": execution}),
        ("get_workflow_step_execution", {"stepExecutionId": step}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(bench.client, operation)(**given)
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_an_image_shows_the_configuration_as_it_was(bench: Bench) -> None:
    """IMG-06."""
    configuration = configured(bench, entry(WEST))
    arn = followed(bench, configuration)

    bench.client.update_distribution_configuration(
        distributionConfigurationArn=configuration, distributions=[entry(NORTH)]
    )
    bench.built(arn)
    bench.client.delete_distribution_configuration(distributionConfigurationArn=configuration)

    shown = bench.image(arn)
    embedded = shown["distributionConfiguration"]
    assert (embedded["arn"], embedded["distributions"]) == (configuration, [entry(WEST)])
    assert {region for region, _, _ in amis(shown)} == {HERE, WEST}


def test_an_empty_configuration_distributes_nothing(bench: Bench) -> None:
    """§10.1."""
    arn = followed(bench, configured(bench))

    assert amis(bench.built(arn)) == {(HERE, OWN, PARENT)}
    assert bench.image(arn)["distributionConfiguration"]["distributions"] == []


def test_a_workflow_of_ones_own_may_use_the_configuration(bench: Bench) -> None:
    """§7.9, §7.13, §7.2: what a step does not say, the configuration says."""
    images = {"distributedImages.$": "$.stepOutputs.Copy.distributedImages"}
    own = document(
        {"name": "Copy", "action": "DistributeImage"},
        {"name": "Permit", "action": "ModifyImageAttributes", "inputs": images},
        {"name": "Apply", "action": "ApplyImageConfigurations", "inputs": images},
    )
    ami = {"launchPermission": {"userIds": [OTHER]}}
    arn = bench.start(
        bench.recipe(parent=PARENT),
        workflows=[bench.workflow(own, kind="DISTRIBUTION")],
        distributionConfigurationArn=configured(bench, entry(WEST, ami=ami)),
    )

    image = bench.built(arn)
    steps = bench.steps(arn)
    assert {each["status"] for each in steps.values()} == {"COMPLETED"}
    modified = json.loads(steps["Permit"]["outputs"])["modifiedImages"]
    assert (WEST, OWN, modified[0]["amiId"]) in amis(image)


def test_the_managed_workflow_runs_to_its_end(bench: Bench) -> None:
    managed = "arn:aws:imagebuilder:us-east-1:aws:workflow/distribution/distribute-image/x.x.x"
    arn = bench.start(
        bench.recipe(parent=PARENT),
        workflows=[managed],
        distributionConfigurationArn=configured(bench, entry(WEST), entry(NORTH)),
    )

    image = bench.built(arn)
    assert {region for region, _, _ in amis(image)} == {HERE, WEST, NORTH}
    assert [each["status"] for each in bench.steps(arn).values()] == ["COMPLETED"] * 3


def test_a_region_that_fails_is_named_without_its_workflow(bench: Bench) -> None:
    """IMG-32 to IMG-34."""
    arn = followed(bench, configured(bench, entry(AWAY), entry(WEST)))

    image = bench.finished(arn)
    state = image["state"]
    assert state["reason"].startswith("Not all distribution jobs are completed. 1) ap-south-1, ")
    context = state["failureContext"]
    assert context.keys() == {"imageStatus", "distributionFailure"}
    assert context["imageStatus"] == "DISTRIBUTING"
    [failure] = context["distributionFailure"]["regionFailures"]
    assert (failure["region"], failure["status"]) == (AWAY, "FAILED")
    assert WEST in {region for region, _, _ in amis(image)}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (entry(WEST, ami={"kmsKeyId": KEY}), "us-west-2: copies in the folder"),
        (entry(WEST, licenseConfigurationArns=[LICENCE]), "it has licenseConfigurationArns"),
        (entry(HERE, ami={"name": "a:b {{ imagebuilder:buildDate }}"}), "its name comes to 'a:b "),
        (
            entry(HERE, ami={"name": "{{ imagebuilder:buildDate:YYYY }} web"}),
            "its name has a date with YYYY",
        ),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_refused_before_anything_starts(
    bench: Bench, given: dict[str, Any], problem: str
) -> None:
    configuration = configured(bench, given)

    with pytest.raises(ClientError) as caught:
        followed(bench, configuration)

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert (
        f"The distribution configuration '{configuration}' cannot be followed: " in error["Message"]
    )
    assert problem in error["Message"]


def test_a_configuration_that_is_not_there_is_named(bench: Bench) -> None:
    """ERR-26."""
    missing = "arn:aws:imagebuilder:us-east-1:000000000000:distribution-configuration/missing"

    with pytest.raises(ClientError, match="missing") as caught:
        followed(bench, missing)

    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_what_failed_is_sent_again_by_a_retry(tmp_path: Path) -> None:
    """IMG-64; what runs again is not shown either."""
    state, north = tmp_path / "state", tmp_path / "north"
    north.touch()
    regions = json.dumps({NORTH: {"folder": str(north)}})
    with distributing(state, IMAGEWRIGHT_REGIONS=regions) as bench:
        arn = followed(bench, configured(bench, entry(NORTH), entry(WEST)))
        assert bench.finished(arn)["state"]["status"] == "FAILED"
        before = amis(bench.image(arn))
        north.unlink()

        bench.client.retry_image(imageBuildVersionArn=arn)

        image = bench.built(arn)
        assert [each["type"] for each in bench.executions(arn)] == ["TEST"]
    assert before < amis(image)
    assert {region for region, _, _ in amis(image) - before} == {HERE, NORTH}


@pytest.mark.parametrize("point", [CrashPoint.COPY_ARRIVED, CrashPoint.STAGE_ENDED])
def test_losing_the_server_makes_no_copy_twice(tmp_path: Path, point: CrashPoint) -> None:
    state = tmp_path / "state"
    with distributing(state, IMAGEWRIGHT_CRASH_AT=point.value) as bench:
        arn = followed(bench, configured(bench, entry(WEST), entry(NORTH)))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with distributing(state) as bench:
        image = bench.built(arn)

        assert sorted(region for region, _, _ in amis(image)) == [NORTH, HERE, WEST]
        for region in (WEST, NORTH):
            assert len(list((state / "regions" / region).iterdir())) == 1
        bench.nothing_is_left()


def test_the_images_of_a_pipeline_follow_its_configuration(bench: Bench, name: str) -> None:
    """PIP-01, IMG-06, IMG-50: the configuration is taken as it is when a run begins."""
    skipped = {"name": "Skipped", "action": "WaitForAction", "if": NEVER}
    configuration = configured(bench, entry(NORTH))
    pipeline = bench.client.create_image_pipeline(
        name=name,
        imageRecipeArn=bench.recipe(parent=PARENT),
        infrastructureConfigurationArn=bench.infrastructure(),
        distributionConfigurationArn=configuration,
        workflows=[{"workflowArn": bench.workflow(document(skipped), kind="TEST")}],
        executionRole="builder",
    )["imagePipelineArn"]
    bench.client.update_distribution_configuration(
        distributionConfigurationArn=configuration, distributions=[entry(WEST)]
    )

    run = bench.client.start_image_pipeline_execution(imagePipelineArn=pipeline)

    image = bench.built(run["imageBuildVersionArn"])
    assert {(region, account) for region, account, _ in amis(image)} == {(HERE, OWN), (WEST, OWN)}
    assert image["distributionConfiguration"]["arn"] == configuration
