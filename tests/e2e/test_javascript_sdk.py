"""The AWS SDK for JavaScript, unchanged, against a running server (CLI-06)."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.e2e.conftest import BUILD_SECONDS, PARENT, Bench

SCRIPT = Path(__file__).parent / "build_image.mjs"
MODULES = "IMAGEWRIGHT_TEST_NODE_MODULES"


@pytest.mark.skipif(
    MODULES not in os.environ,
    reason=f"needs {MODULES}: a folder in which npm has installed @aws-sdk/client-imagebuilder",
)
def test_the_sdk_for_javascript_builds_an_image_and_knows_the_errors(bench: Bench) -> None:
    key = bench.server.key()
    done = subprocess.run(
        ["node", "--no-warnings", SCRIPT, os.environ[MODULES], PARENT],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_IMAGEBUILDER": bench.server.url,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            "AWS_REGION": "us-east-1",
        },
        capture_output=True, text=True, timeout=BUILD_SECONDS, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["amis"]) == ({"status": "AVAILABLE"}, 1)
    assert abs(told["secondsToCreation"]) < 60
    assert told["tags"] == {"team": "Ærø 🎉"}
    assert told["pages"] == [["BUILD"], ["TEST"]]
    assert (told["broken"]["name"], told["broken"]["isModelled"]) == (
        "InvalidParameterValueException",
        True,
    )
    assert "(line 2, column 1)" in told["broken"]["message"]
    assert (told["absent"]["name"], told["absent"]["isModelled"]) == (
        "ResourceNotFoundException",
        True,
    )
