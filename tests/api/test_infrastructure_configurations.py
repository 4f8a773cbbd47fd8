from typing import Any

import pytest
from tests.api.asking import COMBINATION, EXISTS, VALUE, arn_of, given, refusal

ARN = "infrastructureConfigurationArn"
CONTENT: dict[str, Any] = {
    "description": "What it is for",
    "instanceTypes": ["m5.large", "m5.xlarge"],
    "instanceProfileName": "builder",
    "securityGroupIds": ["sg-1"],
    "subnetId": "subnet-1",
    "logging": {"s3Logs": {"s3BucketName": "no-such-bucket", "s3KeyPrefix": "/"}},
    "keyPair": "mine",
    "terminateInstanceOnFailure": False,
    "terminateInstanceOnCompletion": False,
    "snsTopicArn": "arn:aws:sns:us-east-1:123456789012:topic",
    "resourceTags": {"CostCentre": "7"},
    "instanceMetadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
    "placement": {"availabilityZone": "us-east-1a", "tenancy": "host", "hostId": "h-1"},
    "parentInstance": {"autoScalingGroup": {"name": "warm", "capacityWaitTimeoutSeconds": 0}},
}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"instanceProfileName": "a b"}, VALUE, "instanceProfileName"),
    ({"subnetId": "subnet-1"}, COMBINATION, "subnetId"),
    ({"subnetId": "subnet-1", "securityGroupIds": []}, COMBINATION, "securityGroupIds"),
    ({"resourceTags": {f"key{number}": "" for number in range(31)}}, VALUE, "resourceTags"),
    ({"resourceTags": {"aws:a": "b"}}, VALUE, "resourceTags"),
    *[
        ({"resourceTags": {key: "b"}}, VALUE, "resourceTags")
        for key in ("CreatedBy", "Ec2ImageBuilderArn", "Name", "Tags")
    ],
    ({"instanceMetadataOptions": {"httpTokens": "xrequired"}}, VALUE, "httpTokens"),
    (
        {"instanceMetadataOptions": {"httpPutResponseHopLimit": 65}},
        VALUE,
        "httpPutResponseHopLimit",
    ),
    ({"placement": {"tenancy": "shared"}}, VALUE, "placement.tenancy"),
    ({"placement": {"hostId": "h-1"}}, COMBINATION, "placement.hostId"),
    ({"placement": {"tenancy": "default", "hostId": "h-1"}}, COMBINATION, "placement.hostId"),
    (
        {"placement": {"tenancy": "host", "hostId": "h", "hostResourceGroupArn": "g"}},
        COMBINATION,
        "placement.hostResourceGroupArn",
    ),
    ({"snsTopicArn": "arn:aws:sns:us-east-1:123456789012:a.fifo"}, VALUE, "snsTopicArn"),
    (
        {"parentInstance": {"autoScalingGroup": {"name": "a", "capacityWaitTimeoutSeconds": 3601}}},
        VALUE,
        "capacityWaitTimeoutSeconds",
    ),
]


def make(client: Any, name: str, /, **changes: Any) -> str:
    request = given(name=name, **{"instanceProfileName": "builder", **changes})
    arn: str = client.create_infrastructure_configuration(**request)[ARN]
    return arn


def get(client: Any, arn: str) -> dict[str, Any]:
    answer = client.get_infrastructure_configuration(infrastructureConfigurationArn=arn)
    found: dict[str, Any] = answer["infrastructureConfiguration"]
    return found


def listed(client: Any, **request: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_infrastructure_configurations").paginate(**request)
    return [entry for page in pages for entry in page["infrastructureConfigurationSummaryList"]]


def named(name: str) -> list[dict[str, Any]]:
    return [{"name": "name", "values": [name]}]


def test_what_was_given_is_read_back(client: Any, name: str) -> None:
    """ARN-01, INF-01, INF-05 to INF-09, INF-12."""
    answer = client.create_infrastructure_configuration(
        name=name, tags={"team": "images"}, clientToken="t-" + name[-12:], **CONTENT
    )

    arn = answer[ARN]
    assert arn == arn_of(f"infrastructure-configuration/{name.replace('_', '-')}")
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["requestId"]
    found = get(client, arn)
    assert found.pop("dateCreated")
    assert found == {"arn": arn, "name": name, "tags": {"team": "images"}, **CONTENT}


def test_what_was_not_given_is_absent_but_for_the_defaults(client: Any, name: str) -> None:
    """INF-03, INF-12, WIRE-10."""
    arn = make(client, name)

    found = get(client, arn)

    assert found.pop("dateCreated")
    assert found == {
        "arn": arn,
        "name": name,
        "instanceProfileName": "builder",
        "terminateInstanceOnFailure": True,
        "terminateInstanceOnCompletion": True,
        "tags": {},
    }


@pytest.mark.parametrize(("changes", "code", "member"), BAD, ids=str)
def test_what_cannot_be_is_refused_at_create_and_at_update(
    client: Any, name: str, changes: dict[str, Any], code: str, member: str
) -> None:
    """INF-01, INF-02, INF-04 to INF-06, INF-08, INF-09, O-09, OPX-01."""
    arn = make(client, name)
    request = {"instanceProfileName": "builder", **changes}

    for found, status, message in (
        refusal(client.create_infrastructure_configuration, name=f"{name}-2", **request),
        refusal(
            client.update_infrastructure_configuration,
            infrastructureConfigurationArn=arn,
            **request,
        ),
    ):
        assert (found, status) == (code, 400)
        assert member in message


def test_an_update_replaces_everything_but_name_and_tags(client: Any, name: str) -> None:
    """INF-10, INF-12, NAM-10."""
    arn = make(client, name, tags={"team": "images"}, **CONTENT)
    before = get(client, arn)

    answer = client.update_infrastructure_configuration(
        infrastructureConfigurationArn=arn,
        instanceProfileName="other",
        clientToken="u-" + name[-12:],
    )

    assert answer[ARN] == arn
    assert answer["clientToken"] == "u-" + name[-12:]
    after = get(client, arn)
    assert after.pop("dateUpdated") >= before["dateCreated"]
    assert after == {
        "arn": arn,
        "name": name,
        "instanceProfileName": "other",
        "terminateInstanceOnFailure": True,
        "terminateInstanceOnCompletion": True,
        "dateCreated": before["dateCreated"],
        "tags": {"team": "images"},
    }


def test_configurations_are_listed_in_the_order_of_their_arns(client: Any, name: str) -> None:
    """SRT-02, FLT-03, OPX-02."""
    content = {key: value for key, value in CONTENT.items() if key != "description"}
    for suffix in "cab":
        make(client, f"{name}-{suffix}", **content, description=suffix)

    found = listed(client, filters=named(f"{name}*"), PaginationConfig={"PageSize": 2})

    assert [entry["description"] for entry in found] == ["a", "b", "c"]
    assert found[0].pop("dateCreated")
    assert found[0] == {
        "arn": arn_of(f"infrastructure-configuration/{name.replace('_', '-')}-a"),
        "name": f"{name}-a",
        "description": "a",
        "tags": {},
        **{
            key: CONTENT[key]
            for key in ("resourceTags", "instanceTypes", "instanceProfileName", "placement")
        },
    }


def test_a_dry_run_says_what_would_happen_and_stores_nothing(client: Any, name: str) -> None:
    """CRT-30, CRT-31, CRT-33, CRT-34."""
    create = client.create_infrastructure_configuration
    request = {"name": name, "instanceProfileName": "builder", "dryRun": True}

    code, status, message = refusal(create, **request)

    assert (code, status) == ("DryRunOperationException", 412)
    assert message.startswith("Request would have succeeded")
    assert refusal(create, **request, subnetId="subnet-1")[0] == COMBINATION
    assert listed(client, filters=named(name)) == []
    make(client, name)
    assert refusal(create, **request)[0] == EXISTS
