"""Builds whose components fetch files and send some, by way of the host."""

import json
import re
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.e2e import test_container_images as containers
from tests.e2e.conftest import Lab
from tests.other_services import OtherServices
from tests.outside.web_server import serving


def test_a_build_fetches_and_sends_and_what_it_sends_it_sends_each_time(
    lab: Lab, others: OtherServices
) -> None:
    bucket, secret = "builds-send", "the-secret-of-the-settings"
    others.s3.create_bucket(Bucket=bucket)
    with serving() as web:
        steps = [
            ("WebDownload", [{"source": web.url("/file.bin"), "destination": "/opt/fetched/"}]),
            (
                "S3Upload",
                [
                    {
                        "source": "{{ build.Step0.outputs[0].destination }}",
                        "destination": f"s3://{bucket}/",
                    }
                ],
            ),
            ("ExecuteBash", {"commands": [f"! env | grep -i {secret}", "rm /opt/fetched/*"]}),
        ]
        named = [
            {"name": f"Step{number}", "action": action, "inputs": inputs}
            for number, (action, inputs) in enumerate(steps)
        ]
        text = json.dumps({"schemaVersion": 1.0, "phases": [{"name": "build", "steps": named}]})
        settings = {
            "IMAGEWRIGHT_DOWNLOADS_ALLOWED_HOSTS": json.dumps([web.host]),
            "IMAGEWRIGHT_AWS_S3_ENDPOINT": others.url,
            "IMAGEWRIGHT_AWS_ACCESS_KEY_ID": "key",
            "IMAGEWRIGHT_AWS_SECRET_ACCESS_KEY": secret,
        }
        with lab.bench(**settings) as bench:
            recipe = bench.recipe(bench.component(text))
            bench.built(bench.start(recipe))
            others.s3.delete_object(Bucket=bucket, Key="file.bin")
            again = bench.start(recipe)
            bench.built(again)
            said = bench.log(again)

        assert web.asked["/file.bin"] == 2
    assert others.s3.head_object(Bucket=bucket, Key="file.bin")["ContentLength"] == 1 << 20
    assert "what S3Upload does is outside the machine" in said


def test_a_component_that_has_no_access_to_s3_is_refused_before_its_build(lab: Lab) -> None:
    inputs = [{"source": "s3://bucket/a", "destination": "/opt/a"}]
    step = {"name": "Fetch", "action": "S3Download", "inputs": inputs}
    text = json.dumps({"schemaVersion": 1.0, "phases": [{"name": "build", "steps": [step]}]})

    with lab.bench() as bench:
        recipe = bench.recipe(bench.component(text))
        with pytest.raises(ClientError, match=r"uses S3Download: .* no access to s3: the setting"):
            bench.start(recipe)


def test_a_build_without_a_network_says_that_it_fetches_nothing(lab: Lab) -> None:
    inputs = [{"source": "https://example.com/a", "destination": "/opt/a"}]
    step = {"name": "Fetch", "action": "WebDownload", "inputs": inputs}
    text = json.dumps({"schemaVersion": 1.0, "phases": [{"name": "build", "steps": [step]}]})

    with lab.bench(IMAGEWRIGHT_SANDBOX_NETWORK="none") as bench:
        failed = bench.finished(bench.start(bench.recipe(bench.component(text))))

    assert failed["state"]["status"] == "FAILED"
    reason = failed["state"]["failureContext"]["componentFailure"]["errorMessage"]
    assert "the setting sandbox.network is none" in reason


def test_a_file_that_a_dockerfile_adds_comes_by_way_of_the_host(lab: Lab) -> None:
    """As it is, to whom the instruction says; with another checksum than it says, it fails."""
    with (
        serving() as web,
        lab.bench(IMAGEWRIGHT_DOWNLOADS_ALLOWED_HOSTS=json.dumps([web.host])) as bench,
    ):
        url = web.url("/file.bin")
        adds = f"ADD --chown=games --chmod=640 {url} /opt/new/"
        looks = "RUN stat -c '%U:%G %a %s %n' /opt/new /opt/new/*"
        right = bench.built(
            containers.start(bench, containers.recipe(bench, f"RUN : {uuid4()}", adds, looks))
        )
        wrong = containers.start(
            bench, containers.recipe(bench, f"ADD --checksum=sha256:{'0' * 64} {url} /opt/")
        )
        reason = bench.finished(wrong)["state"]["reason"]

        log = bench.log(right["arn"])
        assert re.search(r'"games:games 755 \d+ /opt/new"', log)
        assert f'"games:games 640 {1 << 20} /opt/new/file.bin"' in log
        assert "Line 2 of the Dockerfile" in reason
        assert "the SHA256 checksum of what came is" in reason
        bench.nothing_is_left()
