from typing import Any

import pytest
from tests.api.asking import ABSENT, COMBINATION, EXISTS, VALUE, arn_of, given, refusal
from tests.conftest import Server, StartServer

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


def test_a_name_can_be_taken_once(client: Any, name: str) -> None:
    """NAM-05, NAM-06, VER-06."""
    arn = make(client, name)

    assert refusal(
        client.create_infrastructure_configuration, name=name.upper(), instanceProfileName="other"
    ) == (
        EXISTS,
        400,
        f"The following resource 'InfrastructureConfiguration' already exists: '{arn}'.",
    )


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


def test_an_update_runs_once_per_token(client: Any, name: str) -> None:
    """IDM-01 to IDM-03."""
    arn = make(client, name)
    request = {
        "infrastructureConfigurationArn": arn,
        "instanceProfileName": "two",
        "clientToken": "u-" + name[-12:],
    }
    client.update_infrastructure_configuration(**request)
    client.update_infrastructure_configuration(
        infrastructureConfigurationArn=arn, instanceProfileName="three"
    )

    client.update_infrastructure_configuration(**request)

    assert get(client, arn)["instanceProfileName"] == "three"
    assert refusal(
        client.update_infrastructure_configuration, **{**request, "instanceProfileName": "four"}
    )[:2] == ("IdempotentParameterMismatchException", 400)


def test_what_is_not_there_is_not_found(client: Any, server: Server, name: str) -> None:
    """ERR-26, IDM-13, OPX-01."""
    arn = make(client, name)
    stranger: Any = server.client("111122223333")
    absent = {"infrastructureConfigurationArn": arn_of("infrastructure-configuration/no-such")}
    foreign = {"infrastructureConfigurationArn": arn}

    for asked_by, request in ((client, absent), (stranger, foreign)):
        for operation, content in (
            (asked_by.get_infrastructure_configuration, {}),
            (asked_by.update_infrastructure_configuration, {"instanceProfileName": "other"}),
            (asked_by.delete_infrastructure_configuration, {}),
        ):
            assert refusal(operation, **request, **content)[:2] == (ABSENT, 404)
    assert "dateUpdated" not in get(client, arn)


@pytest.mark.parametrize("operation", ["get", "update", "delete"])
def test_what_is_no_arn_is_refused(client: Any, operation: str) -> None:
    """ERR-21, OPX-01."""
    content = {"instanceProfileName": "other"} if operation == "update" else {}

    code, status, message = refusal(
        getattr(client, f"{operation}_infrastructure_configuration"),
        infrastructureConfigurationArn=arn_of("component/web/1.0.0"),
        **content,
    )

    assert (code, status) == (VALUE, 400)
    assert f"'{ARN}'" in message


def test_a_deleted_configuration_is_gone_and_its_name_free(client: Any, name: str) -> None:
    """INF-11, IDM-13."""
    arn = make(client, name)

    answer = client.delete_infrastructure_configuration(infrastructureConfigurationArn=arn)

    assert answer[ARN] == arn
    assert refusal(client.delete_infrastructure_configuration, infrastructureConfigurationArn=arn)[
        :2
    ] == (ABSENT, 404)
    assert listed(client, filters=named(name)) == []
    assert make(client, name) == arn


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


def test_an_unknown_filter_is_refused(client: Any) -> None:
    """FLT-04, OPX-01."""
    filters = [{"name": "description", "values": ["a"]}]

    assert refusal(client.list_infrastructure_configurations, filters=filters)[:2] == (VALUE, 400)


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


def test_a_quota_counts_configurations(serve: StartServer, name: str) -> None:
    """QUO-01."""
    quota = {"IMAGEWRIGHT_QUOTAS_INFRASTRUCTURE_CONFIGURATIONS": "1"}
    client: Any = serve(environment=quota).client()
    make(client, name)

    assert refusal(
        client.create_infrastructure_configuration, name=f"{name}-2", instanceProfileName="builder"
    )[:2] == ("ServiceQuotaExceededException", 402)


def test_the_tags_of_a_configuration_outlive_its_updates(client: Any, name: str) -> None:
    """TAG-05, INF-10."""
    arn = make(client, name)
    client.tag_resource(resourceArn=arn, tags={"a": "b"})

    client.update_infrastructure_configuration(
        infrastructureConfigurationArn=arn, instanceProfileName="other"
    )

    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    assert get(client, arn)["tags"] == {"a": "b"}
