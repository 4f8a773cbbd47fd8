"""S3Download and S3Upload (``component-documents.md`` §7.2), with a bucket served over HTTP."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path

import pytest
from tests.other_services import OtherServices
from tests.other_services import serving as serving_aws
from tests.outside.web_server import CONTENT, cut_off, serving, status
from tests.runner.conftest import Lab, bash, steps

from imagewright.aws.clients import AwsClients
from imagewright.outside.objects import Objects
from imagewright.outside.places import NO_NETWORK, no_settings, open_outside
from imagewright.runner import fetching
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.result import StepResult
from imagewright.settings import Aws, Sandbox, Settings

_SECRET = "a-secret-of-the-settings"
_NUMBERS = count()


@pytest.fixture(scope="module")
def services() -> Iterator[OtherServices]:
    with serving_aws() as served:
        yield served


@pytest.fixture
def bucket(services: OtherServices) -> str:
    """A bucket of its own for each test."""
    name = f"bucket-{next(_NUMBERS)}"
    services.s3.create_bucket(Bucket=name)
    return name


def surroundings(endpoint: str | None, size_bytes_max: int = 1 << 30) -> RunEnvironment:
    clients = AwsClients(
        Aws(
            s3_endpoint=endpoint,
            access_key_id=None if endpoint is None else "key",
            secret_access_key=_SECRET,
            timeout_seconds=5,
        )
    )
    objects = Objects(clients, size_bytes_max=size_bytes_max, pause_seconds=0.01)
    return RunEnvironment(
        working_directory="/work", outside=replace(no_settings(), objects=objects)
    )


def run(lab: Lab, action: str, url: str | None, *entries: Mapping[str, object]) -> StepResult:
    document = steps({"action": action, "inputs": list(entries)})
    return lab.run(document, environment=surroundings(url)).phases[0].steps[0]


def put(services: OtherServices, bucket: str, **objects: bytes) -> None:
    for key, body in objects.items():
        services.s3.put_object(Bucket=bucket, Key=key, Body=body)


def contents(services: OtherServices, bucket: str) -> dict[str, bytes]:
    found = services.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    keys = [each["Key"] for each in found]
    return {key: services.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_an_object_becomes_the_file_or_one_in_the_folder(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    put(services, bucket, **{"a/b.bin": CONTENT})
    source = f"s3://{bucket}/a/b.bin"

    step = run(
        lab, "S3Download", services.url,
        {"source": source, "destination": "/opt/new/name"},
        {"source": source, "destination": "/opt/folder/"},
    )  # fmt: skip

    assert (step.status, step.message) == ("success", "")
    assert lab.read("/opt/new/name") == lab.read("/opt/folder/b.bin") == CONTENT
    assert not step.outputs


def test_a_wildcard_makes_the_structure_of_the_keys_again(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    objects = {"p/": b"", "p/one": b"1", "p/q/two words": b"2", "p/empty/": b"", "other": b"3"}
    put(services, bucket, **objects)

    step = run(
        lab, "S3Download", services.url, {"source": f"s3://{bucket}/p/*", "destination": "/opt/d"}
    )

    assert (step.status, step.message) == ("success", "")
    found = lab.sh("cd /opt/d && find . | sort").splitlines()
    assert found == [".", "./empty", "./one", "./q", "./q/two words"]
    assert lab.read("/opt/d/q/two words") == b"2"


def test_with_overwrite_false_the_service_s_words_say_so(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    put(services, bucket, a=b"new")
    lab.write("/opt/a", "old")
    entry = {"source": f"s3://{bucket}/a", "destination": "/opt/a"}

    refused = run(lab, "S3Download", services.url, {**entry, "overwrite": False})
    kept = lab.read("/opt/a")
    replaced = run(lab, "S3Download", services.url, entry)

    assert refused.message == (
        'Error: S3Download: File already exists and "overwrite" property for "destination" file '
        "is set to false. Cannot download."
    )
    assert kept == b"old"
    assert replaced.status == "success"
    assert lab.read("/opt/a") == b"new"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://{}/none", "NoSuchKey"),
        ("s3://no-such-bucket/none", "NoSuchBucket"),
        ("s3://{}/none/*", "source does not exist: s3://"),
        ("s3://{}/a*", "`*` may stand only at the end, behind a slash"),
        ("s3://{}/x/../y", "NoSuchKey"),
        ("s3://{}/up/*", "names no file below a folder: up/../../etc/evil"),
    ],
)
def test_what_cannot_be_fetched_is_told(
    source: str, message: str, lab: Lab, services: OtherServices, bucket: str
) -> None:
    put(services, bucket, **{"up/../../etc/evil": b"x"})

    step = run(
        lab, "S3Download", services.url,
        {"source": source.format(bucket), "destination": "/opt/d/"},
    )  # fmt: skip

    assert step.status == "failed"
    assert message in step.message
    assert not lab.exists("/etc/evil")
    assert not lab.exists("/opt/d/evil")


def test_more_than_a_thousand_objects_are_refused_before_one_is_fetched(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    """§2.7."""
    client = services.s3
    for number in range(1001):
        client.put_object(Bucket=bucket, Key=f"p/{number}")

    step = run(
        lab, "S3Download", services.url, {"source": f"s3://{bucket}/p/*", "destination": "/opt/d"}
    )

    assert "more than 1000 objects" in step.message
    assert not lab.exists("/opt/d")


def test_an_object_that_is_too_large_is_not_fetched(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    put(services, bucket, a=CONTENT)
    inputs = [{"source": f"s3://{bucket}/a", "destination": "/opt/a"}]

    result = lab.run(
        steps({"action": "S3Download", "inputs": inputs}),
        environment=surroundings(services.url, size_bytes_max=1000),
    )

    assert result.failure is not None
    assert "downloads.size_bytes_max" in result.failure.message


def test_the_whole_bucket_comes_and_a_file_that_is_there_stops_it(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    put(services, bucket, **{"a": b"1", "b/c": b"2", "d": b"3"})
    lab.write("/opt/d/b/c", "old")
    entry = {"source": f"s3://{bucket}/*", "destination": "/opt/d"}

    refused = run(lab, "S3Download", services.url, {**entry, "overwrite": False})
    there = lab.sh("cd /opt/d && find . -type f | sort; cat b/c")
    done = run(lab, "S3Download", services.url, {**entry, "overwrite": "true"})

    assert "Cannot download." in refused.message
    assert there == "./a\n./b/c\nold"
    assert done.message == ""
    assert lab.sh("cat /opt/d/a /opt/d/b/c /opt/d/d") == "123"


def test_the_owner_of_the_bucket_is_no_hindrance_where_it_is_right(lab: Lab) -> None:
    owner = "000123456789"
    with serving() as server:
        server.answers["/b/k"] = server.answers["/file.bin"]

        step = run(
            lab, "S3Download", server.url(""),
            {"source": "s3://b/k", "destination": "/opt/k", "expectedBucketOwner": owner},
        )  # fmt: skip

    assert step.message == ""
    assert lab.read("/opt/k") == CONTENT


def test_a_transfer_that_breaks_off_is_tried_again(lab: Lab) -> None:
    with serving() as server:

        def answer(handler: BaseHTTPRequestHandler) -> None:
            (cut_off if server.asked["/b/k"] == 1 else server.answers["/file.bin"])(handler)

        server.answers["/b/k"] = answer
        step = run(
            lab, "S3Download", server.url(""), {"source": "s3://b/k", "destination": "/opt/k"}
        )

    assert (step.status, step.message) == ("success", "")
    assert lab.read("/opt/k") == CONTENT


@pytest.mark.parametrize(
    ("action", "entry"),
    [
        ("S3Download", {"source": "s3://bbb/k", "destination": "/opt/k"}),
        ("S3Download", {"source": "s3://bbb/k/*", "destination": "/opt/k"}),
        ("S3Upload", {"source": "/etc/passwd", "destination": "s3://bbb/k"}),
    ],
)
def test_the_owner_of_the_bucket_is_asked_for_and_a_refusal_is_told(
    action: str, entry: dict[str, object], lab: Lab
) -> None:
    with serving() as server:
        for path in ("/bbb", "/bbb/k"):
            server.answers[path] = status(403)

        step = run(lab, action, server.url(""), {**entry, "expectedBucketOwner": "000123456789"})

        assert server.headers[0]["x-amz-expected-bucket-owner"] == "000123456789"
    assert "403" in step.message
    assert "aws.access_key_id" in step.message


def test_a_file_becomes_an_object(lab: Lab, services: OtherServices, bucket: str) -> None:
    lab.write("/opt/a.bin", CONTENT)

    step = run(
        lab, "S3Upload", services.url,
        {"source": "/opt/a.bin", "destination": f"s3://{bucket}/some/key"},
        {"source": "/opt/a.bin", "destination": f"s3://{bucket}/folder/"},
        {"source": "../opt/a.bin", "destination": f"s3://{bucket}"},
    )  # fmt: skip

    assert (step.status, step.message) == ("success", "")
    assert contents(services, bucket) == dict.fromkeys(
        ("some/key", "folder/a.bin", "a.bin"), CONTENT
    )
    assert lab.names("/tmp") == []


@pytest.mark.parametrize(
    ("recurse", "keys"),
    [
        (False, {"p/a.log", "p/.b.log", "p/it's $HOME.log"}),
        ("false", {"p/a.log", "p/.b.log", "p/it's $HOME.log"}),
        (True, {"p/a.log", "p/.b.log", "p/it's $HOME.log", "p/in/c.log", "p/in/deep/d.log"}),
        ("true", {"p/a.log", "p/.b.log", "p/it's $HOME.log", "p/in/c.log", "p/in/deep/d.log"}),
    ],
)
def test_a_wildcard_sends_files_below_a_prefix(
    recurse: object, keys: set[str], lab: Lab, services: OtherServices, bucket: str
) -> None:
    lab.sh("mkdir -p /opt/l/in/deep; ln -s .. /opt/l/in/round")
    for name in ("a.log", ".b.log", "it's $HOME.log", "not.txt", "in/c.log", "in/deep/d.log"):
        lab.write(f"/opt/l/{name}", name)

    step = run(
        lab, "S3Upload", services.url,
        {"source": "/opt/l/*.log", "destination": f"s3://{bucket}/p", "recurse": recurse},
    )  # fmt: skip

    assert (step.status, step.message) == ("success", "")
    assert contents(services, bucket) == {key: key[2:].encode() for key in keys}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/opt/none", "source does not exist: /opt/none"),
        ("/opt/none/*", "source does not exist: /opt/none/*"),
        ("/opt", "the source is not a file: /opt"),
        ("/opt/*/a*", "`*` may stand only behind the last separator: /opt/*/a*"),
        ("/opt/pipe", "the source is not a file: /opt/pipe"),
    ],
)
def test_what_cannot_be_sent_is_told(
    source: str, message: str, lab: Lab, services: OtherServices, bucket: str
) -> None:
    lab.sh("mkfifo /opt/pipe")

    step = run(lab, "S3Upload", services.url, {"source": source, "destination": f"s3://{bucket}/a"})

    assert step.message == message
    assert contents(services, bucket) == {}


def test_a_file_that_is_too_large_is_not_sent(
    lab: Lab, services: OtherServices, bucket: str
) -> None:
    lab.write("/opt/a", CONTENT)
    inputs = [{"source": "/opt/a", "destination": f"s3://{bucket}/a"}]

    result = lab.run(
        steps({"action": "S3Upload", "inputs": inputs}),
        environment=surroundings(services.url, size_bytes_max=1000),
    )

    assert result.failure is not None
    assert "downloads.size_bytes_max" in result.failure.message
    assert contents(services, bucket) == {}


def test_files_of_many_pieces_come_and_go_whole(
    lab: Lab, services: OtherServices, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PIECE_BYTES", 300_000)
    lab.write("/opt/a", CONTENT)

    run(lab, "S3Upload", services.url, {"source": "/opt/a", "destination": f"s3://{bucket}/a"})
    run(lab, "S3Download", services.url, {"source": f"s3://{bucket}/a", "destination": "/opt/b"})

    digest = hashlib.sha256(CONTENT).hexdigest()
    assert lab.sh("sha256sum </opt/b").split()[0] == digest


def test_the_machine_never_sees_the_key(lab: Lab, services: OtherServices, bucket: str) -> None:
    put(services, bucket, a=b"x")
    entry = {"source": f"s3://{bucket}/a", "destination": "/a"}
    result = lab.run(
        steps(
            {"action": "S3Download", "inputs": [entry]},
            bash("env", "cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; true"),
        ),
        environment=surroundings(services.url),
    )

    assert result.failure is None
    assert _SECRET not in result.phases[0].steps[1].outputs["stdout"]


def test_without_a_key_or_a_network_nothing_is_reached(lab: Lab, tmp_path: Path) -> None:
    entry = {"source": "s3://bucket/a", "destination": "/opt/a"}
    offline = open_outside(Settings(sandbox=Sandbox(network="none")), tmp_path, proxies={})
    document = steps({"action": "S3Download", "inputs": [entry]})

    with pytest.raises(ComponentRefused) as keyless:
        run(lab, "S3Download", None, entry)
    barred = lab.run(document, environment=RunEnvironment(outside=offline))

    assert str(keyless.value) == (
        "step 'Step0' in phase 'build' uses S3Download: This installation has no access to s3: "
        "the setting aws.s3_endpoint or aws.access_key_id is needed"
    )
    assert barred.failure is not None
    assert barred.failure.message == NO_NETWORK
