from typing import Any

import pytest
from tests.api.asking import ACCOUNT, VALUE, arn_of, given, refusal
from tests.conftest import Server

ARN = "distributionConfigurationArn"
OTHER = "111122223333"
NAME = "golden {{ imagebuilder:buildDate }}"
DISTRIBUTIONS: list[dict[str, Any]] = [
    {
        "region": "us-west-2",
        "amiDistributionConfiguration": {
            "name": "golden {{imagebuilder:buildDate:yyyy-MM-dd}} {{ imagebuilder:buildVersion }}",
            "description": "Of {{ imagebuilder:buildDate }}",
            "targetAccountIds": [ACCOUNT, OTHER],
            "amiTags": {"built": "{{ imagebuilder:buildDate }}", "from": "{{ssm:/parent}}"},
            "kmsKeyId": "alias/golden",
            "launchPermission": {
                "userIds": [OTHER],
                "userGroups": ["all"],
                "organizationArns": [f"arn:aws:organizations::{OTHER}:organization/o-0123456789"],
                "organizationalUnitArns": [
                    f"arn:aws:organizations::{OTHER}:ou/o-0123456789/ou-0123-01234567"
                ],
            },
        },
        "licenseConfigurationArns": [
            f"arn:aws:license-manager:us-west-2:{OTHER}:license-configuration:lic-{'0' * 32}"
        ],
        "launchTemplateConfigurations": [
            {"launchTemplateId": "lt-0123456789abcdef0", "accountId": OTHER}
        ],
        "s3ExportConfiguration": {
            "roleName": "vmimport",
            "diskImageFormat": "RAW",
            "s3Bucket": "images",
        },
        "fastLaunchConfigurations": [{"enabled": False, "maxParallelLaunches": 6}],
        "ssmParameterConfigurations": [
            {
                "amiAccountId": OTHER,
                "parameterName": "/golden/latest",
                "dataType": "aws:ec2:image",
            }
        ],
    },
    {
        "region": "eu-central-1",
        "containerDistributionConfiguration": {
            "description": "What it is",
            "containerTags": ["latest"],
            "targetRepository": {"service": "ECR", "repositoryName": "team/web"},
        },
    },
    {"region": "local-dc-1"},
]


def ami(**members: Any) -> list[dict[str, Any]]:
    return [{"region": "us-west-2", "amiDistributionConfiguration": members}]


AMI = "distributions[0].amiDistributionConfiguration"
BAD: list[tuple[list[dict[str, Any]], str]] = [
    ([{"region": ""}], "distributions[0].region"),
    ([{"region": "../elsewhere"}], "distributions[0].region"),
    ([{"region": "us-west-2"}, {"region": "us-west-2"}], "distributions[1].region"),
    (ami(name="golden"), f"{AMI}.name"),
    (ami(name="{{ imagebuilder:buildVersion }}"), f"{AMI}.name"),
    (ami(name="{{ imagebuilder:buildVersion:7 }} x"), f"{AMI}.name"),
    (ami(name="{{ imagebuilder:buildDate }} {{ team }}"), f"{AMI}.name"),
    (ami(name="{ imagebuilder:buildDate }"), f"{AMI}.name"),
    (ami(name=f"{NAME}{'x' * 128}"), f"{AMI}.name"),
    (ami(name="golden/{{ imagebuilder:buildDate }}"), f"{AMI}.name"),
    (ami(targetAccountIds=[]), f"{AMI}.targetAccountIds"),
    (ami(targetAccountIds=["1"]), f"{AMI}.targetAccountIds[0]"),
    (ami(targetAccountIds=[f"{number:012}" for number in range(1537)]), f"{AMI}.targetAccountIds"),
    (ami(amiTags={f"key{number}": "" for number in range(51)}), f"{AMI}.amiTags"),
    (ami(amiTags={"aws:key": ""}), f"{AMI}.amiTags"),
    *[
        (ami(launchPermission={member: value}), f"{AMI}.launchPermission.{member}")
        for member, value in (
            ("userIds", []),
            ("userGroups", []),
            ("userGroups", ["some"]),
            ("organizationArns", []),
            ("organizationArns", ["arn:aws:organizations::1:organization/o-1"]),
            ("organizationalUnitArns", []),
        )
    ],
    ([{"region": "us-west-2", "licenseConfigurationArns": []}], "licenseConfigurationArns"),
    ([{"region": "us-west-2", "launchTemplateConfigurations": []}], "launchTemplateConfigurations"),
    (
        [{"region": "us-west-2", "launchTemplateConfigurations": [{"launchTemplateId": "lt-1"}]}],
        "launchTemplateConfigurations[0].launchTemplateId",
    ),
    (
        [
            {
                "region": "us-west-2",
                "s3ExportConfiguration": {
                    "roleName": "r",
                    "diskImageFormat": "QCOW2",
                    "s3Bucket": "b",
                },
            }
        ],
        "s3ExportConfiguration.diskImageFormat",
    ),
    ([{"region": "us-west-2", "fastLaunchConfigurations": []}], "fastLaunchConfigurations"),
    (
        [{"region": "us-west-2", "ssmParameterConfigurations": [{"parameterName": "a b"}]}],
        "ssmParameterConfigurations[0].parameterName",
    ),
    (
        [
            {
                "region": "us-west-2",
                "ssmParameterConfigurations": [{"parameterName": "a", "dataType": "binary"}],
            }
        ],
        "ssmParameterConfigurations[0].dataType",
    ),
    (
        [
            {
                "region": "us-west-2",
                "ssmParameterConfigurations": [{"parameterName": "a", "amiAccountId": OTHER}],
            }
        ],
        "distributions[0].ssmParameterConfigurations[0].amiAccountId",
    ),
    (
        [
            {
                **ami(targetAccountIds=[OTHER])[0],
                "ssmParameterConfigurations": [{"parameterName": "a", "amiAccountId": ACCOUNT}],
            }
        ],
        "distributions[0].ssmParameterConfigurations[0].amiAccountId",
    ),
    (
        [
            {
                "region": "us-west-2",
                "containerDistributionConfiguration": {
                    "targetRepository": {"service": "ECR", "repositoryName": "localhost:5000/web"}
                },
            }
        ],
        "distributions[0].containerDistributionConfiguration.targetRepository.repositoryName",
    ),
]
INCOMPLETE: list[tuple[list[dict[str, Any]], str]] = [
    ([{}], "distributions[0].region"),
    (
        [{"region": "us-west-2", "containerDistributionConfiguration": {}}],
        "containerDistributionConfiguration.targetRepository",
    ),
]


@pytest.fixture
def client(server: Server) -> Any:
    """Return a client that lets everything through to the server."""
    return server.client(parameter_validation=False)


def make(client: Any, name: str, /, **changes: Any) -> str:
    request = given(name=name, **{"distributions": [{"region": "us-west-2"}], **changes})
    arn: str = client.create_distribution_configuration(**request)[ARN]
    return arn


def get(client: Any, arn: str) -> dict[str, Any]:
    answer = client.get_distribution_configuration(distributionConfigurationArn=arn)
    found: dict[str, Any] = answer["distributionConfiguration"]
    return found


def listed(client: Any, **request: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_distribution_configurations").paginate(**request)
    return [entry for page in pages for entry in page["distributionConfigurationSummaryList"]]


def named(name: str) -> list[dict[str, Any]]:
    return [{"name": "name", "values": [name]}]


def test_what_was_given_is_read_back_word_for_word(client: Any, name: str) -> None:
    """ARN-01, DST-01 to DST-06, DST-08: nothing is invented, no default is filled in."""
    answer = client.create_distribution_configuration(
        name=name,
        description="Everywhere",
        distributions=DISTRIBUTIONS,
        tags={"team": "images"},
        clientToken="t-" + name[-12:],
    )

    arn = answer[ARN]
    assert arn == arn_of(f"distribution-configuration/{name.replace('_', '-')}")
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["requestId"]
    found = get(client, arn)
    assert found.pop("dateCreated")
    assert found == {
        "arn": arn,
        "name": name,
        "description": "Everywhere",
        "distributions": DISTRIBUTIONS,
        "timeoutMinutes": 720,
        "tags": {"team": "images"},
    }


def test_a_configuration_may_send_copies_nowhere(client: Any, name: str) -> None:
    arn = make(client, name, distributions=[])

    assert get(client, arn)["distributions"] == []
    assert listed(client, filters=named(name))[0]["regions"] == []


@pytest.mark.parametrize(("distributions", "member"), BAD, ids=lambda each: str(each)[:60])
def test_what_cannot_be_is_refused_at_create_and_at_update(
    client: Any, name: str, distributions: list[dict[str, Any]], member: str
) -> None:
    """DST-01 to DST-06, ERR-20, ERR-25, OPX-01."""
    arn = make(client, name)

    for code, status, message in (
        refusal(
            client.create_distribution_configuration, name=f"{name}-2", distributions=distributions
        ),
        refusal(
            client.update_distribution_configuration,
            distributionConfigurationArn=arn,
            distributions=distributions,
        ),
    ):
        assert (code, status) == (VALUE, 400)
        assert member in message


@pytest.mark.parametrize(("distributions", "member"), INCOMPLETE, ids=str)
def test_what_lacks_a_required_member_is_refused(
    client: Any, name: str, distributions: list[dict[str, Any]], member: str
) -> None:
    """IDM-01, DST-01, DST-05."""
    code, status, message = refusal(
        client.create_distribution_configuration, name=name, distributions=distributions
    )

    assert (code, status) == ("InvalidRequestException", 400)
    assert member in message


@pytest.mark.parametrize(
    "text",
    [
        "{{imagebuilder:buildDate}}",
        "a {{ imagebuilder:buildDate:yyyy.MM }}",
        "a {{imagebuilder:buildVersion}} {{imagebuilder:buildDate}}",
    ],
)
def test_a_name_with_a_date_token_is_taken_as_it_is(client: Any, name: str, text: str) -> None:
    """DST-02, DST-03."""
    arn = make(client, name, distributions=ami(name=text))

    assert get(client, arn)["distributions"] == ami(name=text)


def test_a_parameter_may_be_about_the_owners_own_copy(client: Any, name: str) -> None:
    """DST-06."""
    own = {"parameterName": "/a", "amiAccountId": ACCOUNT}

    make(client, name, distributions=[{"region": "us-west-2", "ssmParameterConfigurations": [own]}])


def test_an_update_replaces_everything_but_name_and_tags(client: Any, name: str) -> None:
    """DST-10, NAM-10."""
    arn = make(
        client, name, description="Old", distributions=DISTRIBUTIONS, tags={"team": "images"}
    )
    before = get(client, arn)

    answer = client.update_distribution_configuration(
        distributionConfigurationArn=arn,
        distributions=[{"region": "us-east-2"}],
        clientToken="u-" + name[-12:],
    )

    assert answer[ARN] == arn
    assert answer["clientToken"] == "u-" + name[-12:]
    after = get(client, arn)
    assert after.pop("dateUpdated") >= before["dateCreated"]
    assert after == {
        "arn": arn,
        "name": name,
        "distributions": [{"region": "us-east-2"}],
        "timeoutMinutes": 720,
        "dateCreated": before["dateCreated"],
        "tags": {"team": "images"},
    }


def test_configurations_are_listed_with_their_regions_in_order(client: Any, name: str) -> None:
    """SRT-02, FLT-03, OPX-02, DST-09."""
    for suffix in "cab":
        make(client, f"{name}-{suffix}", description=suffix, distributions=DISTRIBUTIONS)

    found = listed(client, filters=named(f"{name}*"), PaginationConfig={"PageSize": 2})

    assert [entry["description"] for entry in found] == ["a", "b", "c"]
    assert found[0].pop("dateCreated")
    assert found[0] == {
        "arn": arn_of(f"distribution-configuration/{name.replace('_', '-')}-a"),
        "name": f"{name}-a",
        "description": "a",
        "tags": {},
        "regions": ["us-west-2", "eu-central-1", "local-dc-1"],
    }
