"""Each kind of resource as Terraform handles it: create, read, re-tag, delete, with no drift."""

from typing import Any, NamedTuple

import pytest
from tests.api.asking import ABSENT, REGION, component_document, refusal


class Kind(NamedTuple):
    """What differs between the kinds: names of operations, members and the request's content."""

    operation: str
    member: str
    arn: str
    content: dict[str, Any]


WAIT = "schemaVersion: 1.0\nsteps:\n  - name: Wait\n    action: WaitForAction\n"
KINDS = [
    Kind(
        "component",
        "component",
        "componentBuildVersionArn",
        {"semanticVersion": "1.0.0", "platform": "Linux", "data": component_document()},
    ),
    Kind(
        "workflow",
        "workflow",
        "workflowBuildVersionArn",
        {"semanticVersion": "1.0.0", "type": "TEST", "data": WAIT},
    ),
    Kind(
        "image_recipe",
        "imageRecipe",
        "imageRecipeArn",
        {
            "semanticVersion": "1.0.0",
            "parentImage": f"arn:aws:imagebuilder:{REGION}:aws:image/debian-12-x86/x.x.x",
        },
    ),
    Kind(
        "container_recipe",
        "containerRecipe",
        "containerRecipeArn",
        {
            "semanticVersion": "1.0.0",
            "containerType": "DOCKER",
            "parentImage": "debian:12",
            "dockerfileTemplateData": "FROM {{{ imagebuilder:parentImage }}}\nUSER nobody\n",
            "targetRepository": {"service": "ECR", "repositoryName": "team/web"},
            "workingDirectory": "/srv",
        },
    ),
    Kind(
        "infrastructure_configuration",
        "infrastructureConfiguration",
        "infrastructureConfigurationArn",
        {
            "instanceProfileName": "builder",
            "terminateInstanceOnFailure": False,
            "logging": {"s3Logs": {"s3BucketName": "logs", "s3KeyPrefix": "/"}},
        },
    ),
    Kind(
        "distribution_configuration",
        "distributionConfiguration",
        "distributionConfigurationArn",
        {
            "distributions": [
                {
                    "region": REGION,
                    "amiDistributionConfiguration": {
                        "name": "web {{ imagebuilder:buildDate }}",
                        "launchPermission": {"userIds": ["111122223333"]},
                    },
                }
            ]
        },
    ),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.operation)
def test_a_resource_round_trips_without_drift(client: Any, name: str, kind: Kind) -> None:
    """ASK-01, CLI-01, CLI-02, TAG-05, VER-24, INF-07, IDM-13."""
    create, read, delete = (
        getattr(client, f"{verb}_{kind.operation}") for verb in ("create", "get", "delete")
    )
    content = {**kind.content, "name": name, "description": "Of Terraform", "tags": {"a": "1"}}

    created = create(**content)
    arn = created[kind.arn]
    first = read(**{kind.arn: arn})
    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    client.tag_resource(resourceArn=arn, tags={"b": "2"})
    second = read(**{kind.arn: arn})
    delete(**{kind.arn: arn})

    shown = {"version" if key == "semanticVersion" else key: each for key, each in content.items()}
    assert shown.items() <= first[kind.member].items()
    assert first[kind.member]["arn"] == arn
    assert first.get("latestVersionReferences") == created.get("latestVersionReferences")
    assert second[kind.member] == {**first[kind.member], "tags": {"b": "2"}}
    assert refusal(read, **{kind.arn: arn})[0] == ABSENT
    assert refusal(delete, **{kind.arn: arn})[0] == ABSENT
