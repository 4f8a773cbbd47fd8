"""DistributeContainerImage (``workflow-documents.md`` §7.8) to registries, folders and a bucket."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.actions.containers import (
    CONFIG,
    REPOSITORY,
    STEP,
    Containers,
    containers,
    entry,
    shown,
)
from tests.actions.distributing import HERE, NORTH, WEST, silent
from tests.conftest import wait_until
from tests.e2e.conftest import BUILD_SECONDS
from tests.other_services import OtherServices
from tests.registries import Running, needs_skopeo, running

from imagewright.actions.distribute_container_image import foresee
from imagewright.cli.export import ExportForm, export_image
from imagewright.engine.crash_points import CrashPoint
from imagewright.engine.plan import BuildPlan, KeptDocument, PlannedContainer
from imagewright.engine.ports import Prospect

BUCKET = "containers"
AWAY = "ap-south-1"
FOLDER = "eu-west-1"
TARS = "eu-west-2"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def here(
    tmp_path_factory: pytest.TempPathFactory, others: OtherServices, registry: Running
) -> Iterator[Containers]:
    """Return a server: a registry here and in the west, a bucket in the north."""
    others.s3.create_bucket(Bucket=BUCKET)
    regions = {
        HERE: {"registry": f"http://{registry.host}/here"},
        WEST: {"registry": f"http://{registry.host}/west"},
        NORTH: {"bucket": f"s3://{BUCKET}/north", "endpoint": others.url},
        AWAY: {"registry": "http://127.0.0.1:9/images"},
        TARS: {"folder": "/nowhere", "format": "tar"},
    }
    state = tmp_path_factory.mktemp("containers") / "state"
    with containers(state, others.url, IMAGEWRIGHT_REGIONS=json.dumps(regions)) as made:
        yield made


def outputs(here: Containers, arn: str) -> Any:
    return json.loads(here.steps(arn)[STEP]["outputs"])


def inspected(uri: str) -> Any:
    """Return what skopeo reads of an image."""
    asked = ["skopeo", "inspect", "--tls-verify=false", "--config", uri]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_image_goes_to_the_repository_of_its_recipe_with_all_its_configuration(
    here: Containers, registry: Running
) -> None:
    """§7.8, IMG-52, CTR-01: without a configuration, to its own region alone."""
    arn = here.built()

    image = here.bench.built(arn)
    uri = f"{registry.host}/here/{REPOSITORY}:1.0.0-1"
    assert image["outputResources"] == {"containers": [{"region": HERE, "imageUris": [uri]}]}
    assert outputs(here, arn) == {
        "status": "Success", "succeededRegions": [HERE], "failedRegions": [],
    }  # fmt: skip
    config = registry.config("1.0.0-1", f"here/{REPOSITORY}")["config"]
    labels = config.pop("Labels")
    assert config.pop("Env")[1:] == CONFIG["Env"]
    assert config == {name: CONFIG[name] for name in CONFIG if name not in {"Env", "Labels"}}
    assert (labels["maintainer"], labels["imagewright.image"]) == ("us", arn)
    [summary] = here.bench.client.list_image_build_versions(imageVersionArn=arn[:-2])[
        "imageSummaryList"
    ]
    assert shown(summary) == shown(image)
    here.bench.nothing_is_left()


@needs_skopeo
def test_each_region_gets_the_image_under_the_tags_of_its_entry(
    here: Containers, registry: Running, others: OtherServices
) -> None:
    """IMG-52, DST-05."""
    arn = here.built(
        entry(HERE, "other/web", ["stable", "1.0.0-1"]),
        entry(WEST, "web", ["latest", "stable"]),
        entry(NORTH, "web", ["latest"]),
        entry(FOLDER, "a/b", ["latest"]),
        repository="first/web",
    )

    image = here.bench.built(arn)
    host, folder = registry.host, here.bench.server.state / "regions" / FOLDER / "a/b/1.0.0-1"
    assert shown(image) == {
        HERE: [
            f"{host}/here/{repository}:{tag}"
            for repository in ("first/web", "other/web")
            for tag in ("1.0.0-1", "stable")
        ],
        WEST: [f"{host}/west/web:{tag}" for tag in ("1.0.0-1", "latest", "stable")],
        NORTH: [f"s3://{BUCKET}/north/web/1.0.0-1"],
        FOLDER: [f"oci:{folder}:{tag}" for tag in ("1.0.0-1", "latest")],
    }  # fmt: skip
    assert outputs(here, arn)["succeededRegions"] == [HERE, WEST, NORTH, FOLDER]
    wanted = inspected(f"docker://{host}/here/other/web:stable")
    assert wanted["config"]["Labels"]["imagewright.image"] == arn
    for uri in (f"docker://{host}/west/web:latest", *shown(image)[FOLDER]):
        assert inspected(uri) == wanted
    described = json.loads((folder / "image.json").read_text())
    assert (described["tags"], described["sourceImageArn"]) == (["1.0.0-1", "latest"], arn)
    key = "north/web/1.0.0-1/index.json"
    index = json.loads(others.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert len({each["digest"] for each in index["manifests"]}) == 1
    assert [*index["manifests"][1]["annotations"].values()] == ["latest"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["1.0.0-1"]


@needs_skopeo
def test_the_newest_image_of_a_name_takes_its_tags(here: Containers, registry: Running) -> None:
    """As in every registry; a folder and a bucket do the same."""
    regions = [entry(each, "moving", ["latest"]) for each in (WEST, NORTH, FOLDER)]
    first, second = here.built(*regions), ""
    here.bench.built(first)

    second = here.built(*regions, config={"Cmd": ["/new"]})

    image = here.bench.built(second)
    for uri in (f"docker://{registry.host}/west/moving:latest", shown(image)[FOLDER][1]):
        assert inspected(uri)["config"]["Cmd"] == ["/new"]
        assert inspected(uri)["config"]["Labels"]["imagewright.image"] == second


@needs_skopeo
def test_an_image_is_exported_with_all_its_configuration(here: Containers, tmp_path: Path) -> None:
    arn = here.built(repository="exported")
    here.bench.built(arn)

    export_image(here.bench.door, arn, ExportForm.OCI, tmp_path / "layout")
    export_image(here.bench.door, arn, ExportForm.TAR, tmp_path / "image.tar")

    config = inspected(f"oci:{tmp_path / 'layout'}")["config"]
    assert (config["Entrypoint"], config["User"]) == (CONFIG["Entrypoint"], CONFIG["User"])
    assert config["Labels"]["imagewright.image"] == arn
    with tarfile.open(tmp_path / "image.tar") as archive:
        assert any(name.endswith("etc/hello") for name in archive.getnames())


def test_a_region_that_fails_stops_no_other_and_is_named(
    here: Containers, registry: Running
) -> None:
    """§4.5, IMG-32 to IMG-34."""
    arn = here.built(entry(AWAY, "web"), entry(WEST, "beside"), entry(TARS, "web"))

    image = here.bench.finished(arn)
    put_out = outputs(here, arn)
    assert put_out["status"] == "Failed"
    assert put_out["succeededRegions"] == [HERE, WEST]
    assert put_out["failedRegions"] == [AWAY, TARS]
    assert put_out["errorMessage"].startswith(
        "Not all distribution jobs are completed. "
        f"1) {AWAY}: 127.0.0.1:9/images/web:1.0.0-1 is out of reach"
    )
    assert f"2) {TARS}: what goes there is a tar of a whole file system" in put_out["errorMessage"]
    assert set(shown(image)) == {HERE, WEST}
    assert "1.0.0-1" in registry.tags("west/beside")
    context = image["state"]["failureContext"]
    assert (context["imageStatus"], context["failedStep"]) == ("DISTRIBUTING", STEP)
    failures = context["distributionFailure"]["regionFailures"]
    assert [(each["region"], each["status"]) for each in failures] == [
        (AWAY, "FAILED"), (TARS, "FAILED"),
    ]  # fmt: skip
    assert "127.0.0.1:9" in failures[0]["errorMessage"]
    here.bench.nothing_is_left()


def test_a_machine_that_made_no_image_is_named(here: Containers) -> None:
    arn = here.built(made=False)

    reason = here.bench.finished(arn)["state"]["reason"]
    assert "has made no container image in this build" in reason
    assert "ExecuteComponents makes it" in reason


def prospect(*distributions: dict[str, Any]) -> Prospect:
    """Look at a build whose regions take all but tars."""
    kept = KeptDocument(content="")
    plan = BuildPlan(
        image_arn="", account="", region=HERE, image_name="web", version="1.0.0", build=1,
        parent_image="any", distributions=distributions,
        container=PlannedContainer(template=kept, repository=REPOSITORY),
    )  # fmt: skip

    def refusal(region: str, key: str | None, *, is_container: bool = False) -> str | None:
        return f"no tars, {key}, {is_container}" if region == TARS else None

    return Prospect(
        plan=plan, commands=None, region_refusal=refusal, missing_service=lambda _: None  # type: ignore[arg-type]  # nothing runs commands here
    )  # fmt: skip


@pytest.mark.parametrize(
    ("distributions", "problems"),
    [
        ([], []),
        ([entry(WEST, tags=["1.0", "a_B.c-9", "_"])], []),
        ([{"region": TARS}], []),
        ([entry(TARS)], [f"the region {TARS}: no tars, None, True"]),
        ([entry(HERE, tags=["a b"])], [f"the region {HERE}: its container tag 'a b' is none"]),
        ([entry(WEST, tags=["ok", ".a"])], ["its container tag '.a' is none"]),
        ([entry(WEST, tags=["a:b", "x" * 129])], ["tag 'a:b' is none", "xxx' is none"]),
    ],
)
def test_what_cannot_be_is_foreseen(distributions: list[Any], problems: list[str]) -> None:
    """DST-05."""
    found = foresee({}, prospect(*distributions)).problems

    assert len(found) == len(problems)
    assert all(part in whole for part, whole in zip(problems, found, strict=True))


class TestARegionThatSaysNothing:
    """§4.6, §10.4, IMG-60."""

    def test_is_left_at_a_time_out_and_when_the_build_is_cancelled(self, tmp_path: Path) -> None:
        with silent() as (url, _):
            regions = {AWAY: {"registry": f"{url}/images"}}
            with containers(
                tmp_path / "state",
                IMAGEWRIGHT_REGIONS=json.dumps(regions),
                IMAGEWRIGHT_AWS_TIMEOUT_SECONDS="60",  # longer than any step here
            ) as made:
                arn = made.built(entry(AWAY), timeout_seconds=5)

                state = made.bench.finished(arn)["state"]
                assert "The step timed out" in state["reason"]
                [failure] = state["failureContext"]["distributionFailure"]["regionFailures"]
                assert (failure["region"], failure["status"]) == (AWAY, "TIMED_OUT")
                assert outputs(made, arn)["succeededRegions"] == [HERE]

                arn = made.built(entry(AWAY))
                wait_until(lambda: made.steps(arn)[STEP]["status"] == "RUNNING")
                made.bench.client.cancel_image_creation(imageBuildVersionArn=arn)

                assert made.bench.finished(arn)["state"] == {"status": "CANCELLED"}
                assert made.steps(arn)[STEP]["status"] == "CANCELLED"
                made.bench.nothing_is_left()


def test_losing_the_server_again_and_again_has_each_effect_once(
    tmp_path: Path, registry: Running
) -> None:
    state = tmp_path / "state"
    regions = json.dumps({WEST: {"registry": f"http://{registry.host}/lost"}})
    arn, layer_id = "", None
    for point in (
        f"{CrashPoint.STEP_STARTED.value}:DistributeContainerImage",
        CrashPoint.COPY_UNDER_WAY.value,
        CrashPoint.COPY_ARRIVED.value,
        CrashPoint.COPY_RECORDED.value,
    ):
        with containers(
            state, layer_id=layer_id, IMAGEWRIGHT_REGIONS=regions, IMAGEWRIGHT_CRASH_AT=point
        ) as made:
            layer_id = made.layer_id
            arn = arn or made.built(entry(WEST, "web", ["latest"]))
            assert made.bench.server.process.wait(BUILD_SECONDS) == -9, point

    with containers(state, layer_id=layer_id, IMAGEWRIGHT_REGIONS=regions) as made:
        image = made.bench.built(arn)

        folder = state / "regions" / HERE / REPOSITORY
        assert shown(image) == {
            HERE: [f"oci:{folder}/1.0.0-1:1.0.0-1"],
            WEST: [f"{registry.host}/lost/web:{tag}" for tag in ("1.0.0-1", "latest")],
        }
        assert [path.name for path in folder.iterdir()] == ["1.0.0-1"]
        assert {path.name for path in (state / "regions" / HERE).iterdir()} == {"team"}
        assert registry.tags("lost/web") == {"1.0.0-1", "latest"}
        assert outputs(made, arn)["status"] == "Success"
        made.bench.nothing_is_left()
