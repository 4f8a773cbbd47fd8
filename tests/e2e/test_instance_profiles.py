"""Credentials of an instance profile, asked for by scripts in a build.

Machines have no network here, so that the service works on every host that tests run on.
"""

import json
import time
from collections.abc import Iterator

import pytest
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_secrets import as_document, holding
from tests.other_services import OtherServices

ASK = """\
set -euo pipefail
at=http://169.254.169.254/latest
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $at/api/token)
ask() { curl -sf -H "X-aws-ec2-metadata-token: $token" "$at/meta-data/$1"; }
"""
SHOW = """\
role=$(ask iam/security-credentials/)
key=$(ask iam/security-credentials/$role)
echo "$key"
echo "$key" | python3 -c '
import json, sys
key = json.load(sys.stdin)
print("id", key["AccessKeyId"])
print("backwards", key["SecretAccessKey"][::-1], key["Token"][::-1])
'
echo "status $(curl -s -o /dev/null -w '%{http_code}' $at/meta-data/instance-id)"
"""


@pytest.fixture(scope="module")
def mapped(lab: Lab, others: OtherServices) -> Iterator[Bench]:
    roles = {"builder": {"role_arn": "arn:aws:iam::123456789012:role/builder"}}
    with lab.bench(
        IMAGEWRIGHT_SANDBOX_NETWORK="none",
        IMAGEWRIGHT_AWS_STS_ENDPOINT=others.url,
        IMAGEWRIGHT_INSTANCE_PROFILES=json.dumps(roles),
    ) as running:
        yield running


def script(*parts: str) -> str:
    inputs = {"commands": ["".join(parts)]}
    return as_document(build=[{"action": "ExecuteBash", "inputs": inputs}])


def texts(bench: Bench, arn: str, beginning: str) -> list[str]:
    entries = [json.loads(line)["text"] for line in bench.log(arn).splitlines()]
    return [text for text in entries if text.startswith(beginning)]


def test_a_script_gets_the_credentials_and_nothing_keeps_them(mapped: Bench, lab: Lab) -> None:
    began = time.time()
    recipe = mapped.recipe(mapped.component(script(ASK, SHOW)))
    required = mapped.infrastructure(instanceMetadataOptions={"httpTokens": "required"})
    arn = mapped.start(recipe, infrastructureConfigurationArn=required)

    mapped.built(arn)

    (shown,) = texts(mapped, arn, "id ")
    assert shown.startswith("id ASIA")
    assert texts(mapped, arn, '  "SecretAccessKey"') == ['  "SecretAccessKey": "***",']
    assert texts(mapped, arn, '  "Token"') == ['  "Token": "***",']
    assert texts(mapped, arn, "status ") == ["status 401"], "httpTokens is required"
    (line,) = texts(mapped, arn, "backwards ")
    _, secret, token = line.split()
    assert holding(lab.state, secret[::-1], since=began) == set()
    assert holding(lab.state, token[::-1], since=began) == set()


def test_a_profile_that_nothing_maps_gives_none(mapped: Bench) -> None:
    asks = script(ASK, "ask instance-id; ! ask iam/security-credentials/\n")
    recipe = mapped.recipe(mapped.component(asks))
    name = "another"
    created = mapped.client.create_infrastructure_configuration(
        name=f"i-{name}-{id(recipe)}", instanceProfileName=name
    )
    arn = mapped.start(
        recipe, infrastructureConfigurationArn=created["infrastructureConfigurationArn"]
    )

    mapped.built(arn)

    assert texts(mapped, arn, "i-")
