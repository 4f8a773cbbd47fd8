"""A bucket of S3 as the place of a region, against moto over HTTP."""

import json
import threading
from dataclasses import replace

import pytest
from tests.distribution.conftest import COPY, OTHER, OWN, another, stopped
from tests.other_services import OtherServices

from imagewright.aws.clients import AwsClients
from imagewright.distribution.artefact import Parcel
from imagewright.distribution.bucket import Bucket
from imagewright.engine.ports import ActionError
from imagewright.one_at_a_time import OneAtATime
from imagewright.settings import Aws


@pytest.fixture
def name(others: OtherServices, request: pytest.FixtureRequest) -> str:
    bucket = f"b{abs(hash(request.node.name))}"
    others.s3.create_bucket(Bucket=bucket)
    return bucket


def open_bucket(others: OtherServices, url: str) -> Bucket:
    return Bucket(
        url, "oci", "us-west-2", AwsClients(Aws()), endpoint=others.url, writers=OneAtATime()
    )


def keys(others: OtherServices, bucket: str) -> list[str]:
    found = others.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [each["Key"] for each in found]


def stored(others: OtherServices, bucket: str, file: str) -> object:
    """Return what a file beside a container image says."""
    found = others.s3.get_object(Bucket=bucket, Key=f"team/web/1.0.0-1/{file}")
    return json.loads(found["Body"].read())


def test_a_copy_is_an_image_and_what_it_is(
    others: OtherServices, name: str, parcel: Parcel
) -> None:
    location = open_bucket(others, f"s3://{name}/images/west/").put(parcel)

    assert location == f"s3://{name}/images/west/{COPY}"
    wanted = {f"images/west/{COPY}/{file}" for file in (*parcel.artefact.files, "image.json")}
    assert set(keys(others, name)) == wanted
    described = others.s3.get_object(Bucket=name, Key=f"images/west/{COPY}/image.json")
    assert json.loads(described["Body"].read()) == parcel.described
    blob = next(file for file in parcel.artefact.files if "/sha256/" in file)
    stored = others.s3.get_object(Bucket=name, Key=f"images/west/{COPY}/{blob}")["Body"].read()
    assert stored == (parcel.artefact.root / blob).read_bytes()


def test_a_copy_that_is_there_is_left_alone(
    others: OtherServices, name: str, parcel: Parcel
) -> None:
    bucket = open_bucket(others, f"s3://{name}")
    bucket.put(parcel)
    others.s3.delete_object(Bucket=name, Key=f"{COPY}/oci/index.json")

    bucket.put(parcel)

    assert f"{COPY}/oci/index.json" not in keys(others, name)


def test_what_a_crash_left_without_its_description_is_written_anew(
    others: OtherServices, name: str, parcel: Parcel
) -> None:
    others.s3.put_object(Bucket=name, Key=f"{COPY}/oci/index.json", Body=b"half")

    open_bucket(others, f"s3://{name}").put(parcel)

    index = others.s3.get_object(Bucket=name, Key=f"{COPY}/oci/index.json")["Body"].read()
    assert json.loads(index)["schemaVersion"] == 2


def test_a_copy_is_encrypted_with_the_key_that_is_named(
    others: OtherServices, name: str, parcel: Parcel
) -> None:
    key = others.kms.create_key()["KeyMetadata"]["Arn"]

    open_bucket(others, f"s3://{name}").put(replace(parcel, kms_key_id=key))

    for each in keys(others, name):
        head = others.s3.head_object(Bucket=name, Key=each)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_copy_that_is_stopped_leaves_nothing(
    others: OtherServices, name: str, parcel: Parcel
) -> None:
    with pytest.raises(ActionError, match="stopped"):
        open_bucket(others, f"s3://{name}").put(stopped(parcel))

    assert keys(others, name) == []


def test_a_bucket_that_is_not_there_is_named(others: OtherServices, parcel: Parcel) -> None:
    with pytest.raises(ActionError, match=r"s3://no-such-bucket/ami-.*NoSuchBucket"):
        open_bucket(others, "s3://no-such-bucket").put(parcel)


def test_a_service_that_is_away_is_named(parcel: Parcel) -> None:
    clients = AwsClients(Aws(timeout_seconds=1))
    bucket = Bucket(
        "s3://away",
        "oci",
        "us-west-2",
        clients,
        endpoint="http://127.0.0.1:9",
        writers=OneAtATime(),
    )

    with pytest.raises(ActionError, match="S3 is out of reach"):
        bucket.put(parcel)


def test_without_access_a_bucket_says_what_it_needs() -> None:
    bucket = Bucket(
        "s3://b", "oci", "us-west-2", AwsClients(Aws()), endpoint=None, writers=OneAtATime()
    )

    assert "aws.s3_endpoint or aws.access_key_id" in str(bucket.refusal(None))


class TestAContainerImage:
    """§7.8, IMG-52."""

    def test_is_a_layout_with_all_its_tags(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket = open_bucket(others, f"s3://{name}/west")

        location = bucket.put(container)

        assert container.container is not None
        assert bucket.uris(container.container) == [location]
        assert location == f"s3://{name}/west/team/web/1.0.0-1"
        found = others.s3.get_object(Bucket=name, Key="west/team/web/1.0.0-1/index.json")
        tags = [
            each["annotations"].popitem()[1]
            for each in json.loads(found["Body"].read())["manifests"]
        ]
        assert tags == ["1.0.0-1", "latest"]
        assert "west/team/web/1.0.0-1/oci-layout" in keys(others, name)

    def test_is_left_alone_where_it_is_and_takes_the_place_of_another(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket, index = open_bucket(others, f"s3://{name}"), "team/web/1.0.0-1/index.json"
        bucket.put(container)
        others.s3.delete_object(Bucket=name, Key=index)

        bucket.put(container)
        assert index not in keys(others, name)
        bucket.put(another(container))

        assert index in keys(others, name)
        assert stored(others, name, "image.json") == another(container).described

    def test_takes_no_place_of_another_account(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket = open_bucket(others, f"s3://{name}")
        bucket.put(another(container, OTHER))
        there = keys(others, name)

        with pytest.raises(ActionError, match=f"is an image of the account {OTHER}"):
            bucket.put(container)

        assert keys(others, name) == there
        described = others.s3.get_object(Bucket=name, Key="team/web/1.0.0-1/image.json")
        assert json.loads(described["Body"].read())["accountId"] == OTHER

    def test_of_two_accounts_that_send_at_once_one_is_refused_and_the_other_whole(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket = open_bucket(others, f"s3://{name}")
        of_another_server = open_bucket(others, f"s3://{name}")
        late: list[Parcel] = []

        def meanwhile(_size_bytes: int) -> None:
            if not late:  # the first has looked, and found nothing there
                late.append(theirs)
                with pytest.raises(ActionError, match=f"is an image of the account {OWN}, which"):
                    of_another_server.put(theirs)

        theirs = another(container, OTHER)
        bucket.put(replace(container, on_bytes=meanwhile))

        assert late == [theirs]
        assert stored(others, name, "image.json") == container.described
        assert stored(others, name, "account.json") == {"accountId": OWN}

    def test_waits_for_another_of_its_name_that_is_under_way(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket, second = open_bucket(others, f"s3://{name}"), another(container)
        has_waited, threads = threading.Event(), list[threading.Thread]()

        def meanwhile(_size_bytes: int) -> None:
            if not threads:
                waiting = replace(second, on_bytes=lambda _size_bytes: has_waited.set())
                threads.append(threading.Thread(target=bucket.put, args=[waiting]))
                threads[0].start()
                assert has_waited.wait(60)
                threads[0].join(1)
                assert threads[0].is_alive()  # beside the first it would be done by now
                assert stored(others, name, "account.json") == {"accountId": OWN}

        bucket.put(replace(container, on_bytes=meanwhile))
        threads[0].join()

        assert stored(others, name, "image.json") == second.described

    def test_that_waits_can_be_stopped(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket = open_bucket(others, f"s3://{name}")

        def meanwhile(_size_bytes: int) -> None:
            with pytest.raises(ActionError, match="stopped"):
                bucket.put(stopped(another(container)))

        bucket.put(replace(container, on_bytes=meanwhile))

        assert stored(others, name, "image.json") == container.described
        files = [*(file for file, _content in container.files()), "account.json", "image.json"]
        assert sorted(keys(others, name)) == sorted(f"team/web/1.0.0-1/{file}" for file in files)

    def test_of_an_account_whose_name_it_is_goes_where_another_failed_before(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket = open_bucket(others, f"s3://{name}")
        with pytest.raises(ActionError, match="stopped"):
            bucket.put(stopped(container))

        with pytest.raises(ActionError, match=f"is an image of the account {OWN}, which"):
            bucket.put(another(container, OTHER))
        bucket.put(another(container))

        assert stored(others, name, "image.json") == another(container).described

    def test_that_is_stopped_leaves_nothing_that_says_it_is_whole(
        self, others: OtherServices, name: str, container: Parcel
    ) -> None:
        bucket = open_bucket(others, f"s3://{name}")
        bucket.put(container)

        with pytest.raises(ActionError, match="stopped"):
            bucket.put(stopped(another(container)))

        assert "team/web/1.0.0-1/image.json" not in keys(others, name)
