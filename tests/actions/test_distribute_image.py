"""DistributeImage (``workflow-documents.md`` §7.9) to folders, a bucket and a registry."""

import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
    distributing,
    outputs,
    sent,
    silent,
    step,
)
from tests.conftest import wait_until
from tests.e2e.conftest import BUILD_SECONDS, Bench
from tests.other_services import OtherServices

from imagewright.cli.client import Refused
from imagewright.engine.crash_points import CrashPoint

BUCKET = "distributed"
AWAY = "ap-south-1"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, others: OtherServices) -> Iterator[Bench]:
    """Return a server with a folder, a bucket, and a registry that is away."""
    others.s3.create_bucket(Bucket=BUCKET)
    regions = {
        NORTH: {"bucket": f"s3://{BUCKET}/north", "endpoint": others.url},
        AWAY: {"registry": "http://127.0.0.1:9/images"},
    }
    state = tmp_path_factory.mktemp("distributing") / "state"
    with distributing(state, others.url, IMAGEWRIGHT_REGIONS=json.dumps(regions)) as running:
        yield running


def described(bench: Bench, region: str, image_id: str) -> Any:
    """Return what a copy in a folder of the state says of itself."""
    return json.loads(
        (bench.server.state / "regions" / region / image_id / "image.json").read_text()
    )


def test_every_region_and_account_gets_a_copy_with_an_id_of_its_own(
    bench: Bench, others: OtherServices
) -> None:
    """§7.9, IMG-50, DST-03."""
    name = "web {{ imagebuilder:buildVersion }} {{ imagebuilder:buildDate:yyyy }}"
    tags = {"Version": "{{imagebuilder:buildVersion}}"}
    arn = sent(
        bench,
        step(
            {"region": WEST, "name": name, "description": "A web", "amiTags": tags},
            {"region": NORTH, "targetAccountIds": [OTHER, OWN]},
        ),
    )

    image = bench.built(arn)
    copies = outputs(bench, arn)["distributedImages"]
    assert [(each["region"], each["accountId"]) for each in copies] == [
        (WEST, OWN), (NORTH, OWN), (NORTH, OTHER),
    ]  # fmt: skip
    assert {(each["status"], each["step"]) for each in copies} == {("Completed", "Completed")}
    assert all(each["dateStarted"] <= each["dateStopped"] for each in copies)
    ids = [each["amiId"] for each in copies]
    assert len({*ids, PARENT}) == 4
    named = f"web 1.0.0/1 {image['dateCreated'][:4]}"
    assert copies[0]["name"] == named
    west = described(bench, WEST, ids[0])
    assert (west["name"], west["tags"], west["description"], west["sourceImageArn"]) == (
        named, {"Version": "1.0.0/1"}, "A web", arn,
    )  # fmt: skip
    for each in ids[1:]:
        others.s3.head_object(Bucket=BUCKET, Key=f"north/{each}/image.json")
    assert amis(image) == {
        (HERE, OWN, PARENT), (WEST, OWN, ids[0]), (NORTH, OWN, ids[1]), (NORTH, OTHER, ids[2]),
    }  # fmt: skip
    assert f"{ids[0]} for {WEST}, account {OWN}, lies in " in bench.log(arn)
    bench.nothing_is_left()


def test_a_copy_is_a_parent_in_its_region_for_its_account(bench: Bench) -> None:
    arn = sent(bench, step({"region": WEST, "targetAccountIds": [OTHER]}))
    bench.built(arn)
    copies = outputs(bench, arn)["distributedImages"]

    for copy in copies:
        client = bench.server.client(copy["accountId"], WEST)
        there = Bench(bench.server, client)
        recipe = there.recipe(parent=copy["amiId"])
        test = there.workflow(
            json.dumps({"schemaVersion": "1.0", "steps": [step({"region": WEST})]}),
            kind="DISTRIBUTION",
        )
        child = there.built(there.start(recipe, workflows=[test]))
        assert amis(child) == {(WEST, copy["accountId"], copy["amiId"])}
        recipe = there.recipe(parent=child["arn"])
        grandchild = there.built(there.start(recipe, workflows=[test]))
        assert amis(grandchild) == {(WEST, copy["accountId"], copy["amiId"])}


def test_what_was_only_distributed_is_shown_and_exported_if_it_was_built_here(
    bench: Bench, tmp_path: Path
) -> None:
    arn = sent(bench, step({"region": WEST}))
    bench.built(arn)
    [copy] = outputs(bench, arn)["distributedImages"]
    west = Bench(bench.server, bench.server.client(OWN, WEST))
    child = sent(west, step({"region": WEST}), parent=copy["amiId"])
    west.built(child)

    assert west.door.get("/images/contents", image=child)["files"]["listed"] == []
    with west.door.download("/images/export", image=child, format="tar") as answer:
        (tmp_path / "image.tar").write_bytes(answer.read())
    with tarfile.open(tmp_path / "image.tar") as archive:
        assert any(name.endswith("etc/hello") for name in archive.getnames())
    with (
        pytest.raises(Refused, match=f"'{arn}' was not built here: it is its parent image"),
        bench.door.download("/images/export", image=arn, format="tar"),
    ):
        pytest.fail("it was exported")


def test_where_the_image_is_nothing_is_copied(bench: Bench) -> None:
    """§7.9: the build region completes at once."""
    arn = sent(bench, step({"region": HERE, "name": "other name", "kmsKeyId": "alias/a"}))

    image = bench.built(arn)
    [copy] = outputs(bench, arn)["distributedImages"]
    assert (copy["amiId"], copy["status"]) == (PARENT, "Completed")
    assert amis(image) == {(HERE, OWN, PARENT)}
    assert "passed over name, kmsKeyId" in bench.log(arn)


def putting_out(bench: Bench, image_id: str, *regions: str) -> str:
    """Start a build that puts out an image that it did not make, and distribute it."""
    skipped = {"name": "Skipped", "action": "WaitForAction", "if": NEVER}
    build = document(skipped, outputs=[{"name": "ImageId", "value": image_id}])
    copy = document(step(*({"region": each, "amiTags": {"Mine": "now"}} for each in regions)))
    kinds = ((build, "BUILD"), (copy, "DISTRIBUTION"))
    return bench.start(
        bench.recipe(parent=PARENT),
        workflows=[bench.workflow(text, kind=kind) for text, kind in kinds],
    )


def test_an_image_from_elsewhere_stays_where_it_is_and_cannot_be_copied(bench: Bench) -> None:
    """§8: ImageId need not come from CreateImage."""
    foreign = "ami-0fedcba9876543210"

    stays = putting_out(bench, foreign, HERE)
    goes = putting_out(bench, foreign, HERE, WEST)

    assert amis(bench.built(stays)) == {(HERE, OWN, foreign)}
    image = bench.finished(goes)
    assert f"us-west-2, account {OWN}: no image is {foreign}" in image["state"]["reason"]
    assert amis(image) == {(HERE, OWN, foreign)}


def test_an_image_of_another_account_is_neither_copied_nor_tagged(bench: Bench) -> None:
    arn = sent(bench, step({"region": HERE, "name": "secret", "targetAccountIds": [OTHER]}))
    [theirs] = [each for _, account, each in amis(bench.built(arn)) if account == OTHER]

    image = bench.finished(putting_out(bench, theirs, HERE))

    assert f"no image is {theirs}" in image["state"]["reason"]
    assert "secret" not in json.dumps(image, default=str)
    [[tags]] = bench.query(f"SELECT tags FROM machine_images WHERE id = '{theirs}'")  # noqa: S608 - our own id
    assert json.loads(tags) == {}


def test_an_image_that_puts_out_another_account_s_is_no_way_to_it(bench: Bench) -> None:
    arn = sent(bench, step({"region": HERE, "name": "secret", "targetAccountIds": [OTHER]}))
    [theirs] = [each for _, account, each in amis(bench.built(arn)) if account == OTHER]
    skipped = {"name": "Skipped", "action": "WaitForAction", "if": NEVER}
    build = document(skipped, outputs=[{"name": "ImageId", "value": theirs}])
    mine = bench.start(bench.recipe(parent=PARENT), workflows=[bench.workflow(build)])
    assert amis(bench.built(mine)) == {(HERE, OWN, theirs)}

    with pytest.raises(ClientError, match=f"nothing here stands for the parent image '{mine}'"):
        sent(bench, step({"region": WEST}), parent=mine)


def test_a_release_goes_out_in_stages(bench: Bench) -> None:
    arn = sent(
        bench,
        step({"region": WEST}, name="First"),
        step({"region": "us-west-1"}, name="Second"),
        step({"region": WEST}, name="Third"),
    )

    image = bench.built(arn)
    regions = sorted(region for region, _, _ in amis(image))
    assert regions == [HERE, "us-west-1", WEST, WEST]


def test_without_distributions_and_without_a_configuration_nothing_goes_out(bench: Bench) -> None:
    """§10.1."""
    arn = sent(bench, step())

    bench.built(arn)
    assert outputs(bench, arn) == {"distributedImages": []}


def test_a_copy_that_fails_stops_no_other_and_is_named(bench: Bench) -> None:
    """§4.5, IMG-32 to IMG-34."""
    arn = sent(bench, step({"region": AWAY, "targetAccountIds": [OTHER]}, {"region": WEST}))

    image = bench.finished(arn)
    copies = {
        (each["region"], each["accountId"]): each
        for each in outputs(bench, arn)["distributedImages"]
    }
    assert (copies[AWAY, OWN]["status"], copies[AWAY, OWN]["step"]) == ("Failed", "CopyAmiRunning")
    assert "127.0.0.1:9/images" in copies[AWAY, OWN]["errorMessage"]
    assert copies[WEST, OWN]["status"] == "Completed"
    assert (WEST, OWN, copies[WEST, OWN]["amiId"]) in amis(image)
    state = image["state"]
    assert (
        "Not all distribution jobs are completed. 1) ap-south-1, account 000000000000: "
        in state["reason"]
    )
    assert state["failureContext"]["imageStatus"] == "DISTRIBUTING"
    failure = state["failureContext"]["distributionFailure"]
    assert failure["errorMessage"].startswith("Not all distribution jobs are completed.")
    assert [
        (each["region"], each["targetAccountId"], each["status"])
        for each in failure["regionFailures"]
    ] == [(AWAY, OWN, "FAILED"), (AWAY, OTHER, "FAILED")]
    assert "127.0.0.1:9" in failure["regionFailures"][0]["errorMessage"]
    assert "imageConfigurationStep" not in failure["regionFailures"][0]


def test_a_retry_makes_only_what_is_missing(tmp_path: Path) -> None:
    """IMG-64."""
    state, north = tmp_path / "state", tmp_path / "north"
    north.touch()
    regions = json.dumps({NORTH: {"folder": str(north)}})
    with distributing(state, IMAGEWRIGHT_REGIONS=regions) as bench:
        arn = sent(bench, step({"region": WEST}, {"region": NORTH}))
        assert bench.finished(arn)["state"]["status"] == "FAILED"
        before = amis(bench.image(arn))
        north.unlink()

        bench.client.retry_image(imageBuildVersionArn=arn)

        image = bench.built(arn)
        assert sorted(each["retried"] for each in bench.executions(arn)) == [False, True]
    assert [path.name for path in (state / "regions" / WEST).iterdir()] == [
        ami for region, _, ami in before if region == WEST
    ]
    assert {region for region, _, _ in amis(image) - before} == {HERE, NORTH}
    assert len(amis(image)) == 3


def test_a_failure_that_may_pass_lets_the_next_step_run(bench: Bench) -> None:
    arn = sent(
        bench, step({"region": AWAY}, onFailure="Continue"), step({"region": WEST}, name="Next")
    )

    bench.built(arn)
    assert outputs(bench, arn, "Next")["distributedImages"][0]["status"] == "Completed"


@pytest.mark.parametrize(
    ("distributions", "problem"),
    [
        ([{"region": "../../etc"}], "'../../etc' is no region"),
        ([{"region": WEST}, {"region": WEST}], "us-west-2 stands there more than once"),
        ([{"region": WEST, "kmsKeyId": "alias/a"}], "cannot be encrypted with a key; a bucket can"),
        ([{"region": AWAY, "kmsKeyId": "alias/a"}], "registry 127.0.0.1:9 cannot be encrypted"),
        ([{"region": WEST, "name": "a:b"}], "its name comes to 'a:b'"),
        ([{"region": HERE, "name": "{{ imagebuilder:x }}"}], "its name has the variable"),
        (
            [{"region": WEST, "amiTags": {"A": "{{ssm:/a}}"}}],
            "its tag A has the variable {{ssm:/a}}",
        ),
        ([{"region": WEST, "amiTags": {"aws:a": "b"}}], "its tag aws:a has a key that is none"),
        ([{"region": WEST, "amiTags": {"A": "b" * 257}}], "its tag A has 257 characters, and may"),
        ([{"region": WEST, "targetAccountIds": ["1"]}], "target account '1' is no number"),
    ],
)
def test_what_cannot_be_distributed_is_refused_before_anything_starts(
    bench: Bench, distributions: list[Any], problem: str
) -> None:
    with pytest.raises(ClientError) as caught:
        sent(bench, step(*distributions))

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert "its step 'Copy': " in error["Message"]
    assert problem in error["Message"]


def test_what_turns_out_not_to_be_a_region_fails_the_step(bench: Bench) -> None:
    given = {**step(), "inputs": {"distributions": [{"region.$": "$.imagebuilder.dateTime"}]}}

    arn = sent(bench, given)

    assert "is no region" in bench.finished(arn)["state"]["reason"]


@pytest.mark.parametrize(
    "inputs",
    [
        {"distributions": {"region": WEST}},
        {"distributions": [{"name": "a"}]},
        {"distributions": [{"region": ""}]},
        {"distributions": [{"region": WEST, "regions": []}]},
        {"distributions": [{"region": WEST, "amiTags": {str(n): "" for n in range(51)}}]},
        {"amiId": PARENT},
    ],
)
def test_bad_inputs_are_refused_at_creation(bench: Bench, inputs: dict[str, Any]) -> None:
    """CRT-50."""
    text = {"schemaVersion": "1.0", "steps": [{**step(), "inputs": inputs}]}

    with pytest.raises(ClientError) as caught:
        bench.workflow(json.dumps(text), kind="DISTRIBUTION")

    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


class TestARegionThatSaysNothing:
    """§4.6, §10.4, IMG-60."""

    @pytest.fixture
    def waited(self, tmp_path: Path) -> Iterator[tuple[Bench, Callable[[], bool]]]:
        with silent() as (url, is_asked):
            regions = json.dumps({AWAY: {"registry": f"{url}/images"}})
            with distributing(
                tmp_path / "state",
                IMAGEWRIGHT_REGIONS=regions,
                IMAGEWRIGHT_AWS_TIMEOUT_SECONDS="60",  # longer than any step here
            ) as bench:
                yield bench, is_asked

    def test_takes_the_time_of_its_step(self, waited: tuple[Bench, Callable[[], bool]]) -> None:
        bench, _ = waited

        arn = sent(bench, step({"region": AWAY}, {"region": WEST}, timeoutSeconds=5))

        state = bench.finished(arn)["state"]
        assert "The step timed out" in state["reason"]
        copies = outputs(bench, arn)["distributedImages"]
        assert [each["status"] for each in copies] == ["TimedOut", "Completed"]
        [failure] = state["failureContext"]["distributionFailure"]["regionFailures"]
        assert failure["status"] == "TIMED_OUT"
        bench.nothing_is_left()

    def test_is_left_when_the_build_is_cancelled(
        self, waited: tuple[Bench, Callable[[], bool]]
    ) -> None:
        bench, is_asked = waited
        arn = sent(bench, step({"region": AWAY}))
        wait_until(is_asked)

        bench.client.cancel_image_creation(imageBuildVersionArn=arn)

        assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
        assert bench.steps(arn)["Copy"]["status"] == "CANCELLED"
        bench.nothing_is_left()


class TestLosingTheServer:
    @pytest.mark.parametrize(
        "point",
        [
            CrashPoint.STEP_STARTED,
            CrashPoint.COPY_UNDER_WAY,
            CrashPoint.COPY_ARRIVED,
            CrashPoint.COPY_RECORDED,
            CrashPoint.STEP_ENDED,
        ],
    )
    def test_there_is_one_copy_for_each_region(self, tmp_path: Path, point: CrashPoint) -> None:
        state = tmp_path / "state"
        with distributing(state, IMAGEWRIGHT_CRASH_AT=point.value) as bench:
            arn = sent(bench, step({"region": WEST}, {"region": NORTH}))
            assert bench.server.process.wait(BUILD_SECONDS) == -9

        with distributing(state) as bench:
            image = bench.built(arn)

            copies = outputs(bench, arn)["distributedImages"]
            for each in copies:
                folder = state / "regions" / each["region"]
                assert [path.name for path in folder.iterdir()] == [each["amiId"]]
            assert amis(image) - {(HERE, OWN, PARENT)} == {
                (each["region"], OWN, each["amiId"]) for each in copies
            }
            bench.nothing_is_left()

    def test_a_build_that_was_cancelled_meanwhile_leaves_nothing_half(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        with distributing(state, IMAGEWRIGHT_CRASH_AT=CrashPoint.COPY_UNDER_WAY.value) as bench:
            arn = sent(bench, step({"region": WEST}))
            assert bench.server.process.wait(BUILD_SECONDS) == -9
        west = state / "regions" / WEST
        assert [path.suffix for path in west.iterdir()] == [".partial"]
        with sqlite3.connect(state / "imagewright.db") as connection:
            connection.execute("UPDATE builds SET cancel_requested = 1")

        with distributing(state) as bench:
            assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
            assert list(west.iterdir()) == []
            bench.nothing_is_left()
