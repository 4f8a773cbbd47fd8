"""ApplyImageConfigurations (``workflow-documents.md`` §7.2) against moto over HTTP."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.actions.distributing import OTHER, OWN, WEST, distributing, outputs, sent, silent, step
from tests.conftest import wait_until
from tests.e2e.conftest import BUILD_SECONDS, Bench
from tests.other_services import OtherServices

from imagewright.engine.crash_points import CrashPoint

LICENCE = "arn:aws:license-manager:us-west-2:000000000000:license-configuration:lic-1"
EXPORT = {"roleName": "vmimport", "diskImageFormat": "RAW", "s3Bucket": "b"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, others: OtherServices) -> Iterator[Bench]:
    """Return a server that reaches moto, for the tests of this module."""
    with distributing(tmp_path_factory.mktemp("applying") / "state", others.url) as running:
        yield running


def west(others: OtherServices, service: Any) -> Any:
    """Return a client of a service in the west."""
    return boto3.client(
        service, endpoint_url=others.url, region_name=WEST,
        aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip


def applying(*configurations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a step that applies configurations to what the step Copy sent."""
    inputs: dict[str, Any] = {"distributedImages.$": "$.stepOutputs.Copy.distributedImages"}
    if configurations:
        inputs["configurations"] = list(configurations)
    return {"name": "Apply", "action": "ApplyImageConfigurations", "inputs": inputs, **more}


def template(others: OtherServices, name: str) -> str:
    """Make a launch template in the west."""
    made = west(others, "ec2").create_launch_template(
        LaunchTemplateName=name[-100:],
        LaunchTemplateData={"InstanceType": "t3.micro", "ImageId": "ami-00000000"},
    )
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def versions(others: OtherServices, template_id: str) -> list[Any]:
    found = west(others, "ec2").describe_launch_template_versions(LaunchTemplateId=template_id)
    return list(found["LaunchTemplateVersions"])


def test_a_parameter_names_the_copy_of_its_region(
    bench: Bench, others: OtherServices, name: str
) -> None:
    own, theirs = f"/{name}/own", f"/{name}/theirs"
    parameters = [
        {"parameterName": own, "dataType": "text"},
        {"parameterName": theirs, "amiAccountId": OTHER},
    ]
    arn = sent(
        bench,
        step({"region": WEST, "targetAccountIds": [OTHER]}),
        applying({"region": WEST, "ssmParameterConfigurations": parameters}),
    )

    bench.built(arn)
    copies = {each["accountId"]: each["amiId"] for each in outputs(bench, arn)["distributedImages"]}
    ssm = west(others, "ssm")
    values = [ssm.get_parameter(Name=each)["Parameter"]["Value"] for each in (own, theirs)]
    assert values == [copies[OWN], copies[OTHER]]
    configured = outputs(bench, arn, "Apply")["configuredImages"]
    assert {
        (each["accountId"], each["amiId"], each["status"], each["step"]) for each in configured
    } == {
        (OWN, copies[OWN], "Completed", "Completed"),
        (OTHER, copies[OTHER], "Completed", "Completed"),
    }
    assert f"The parameter {own} in {WEST} is {copies[OWN]}." in bench.log(arn)


def test_one_map_stands_for_a_list_of_one(bench: Bench, others: OtherServices, name: str) -> None:
    """§14.16."""
    one = {"region": WEST, "ssmParameterConfigurations": {"parameterName": f"/{name}"}}
    bench.built(sent(bench, step({"region": WEST}), applying(one)))

    assert west(others, "ssm").get_parameter(Name=f"/{name}")["Parameter"]["Version"] == 1


@pytest.mark.parametrize("is_default", [True, False])
def test_a_launch_template_gets_a_version_that_starts_from_the_copy(
    bench: Bench, others: OtherServices, name: str, *, is_default: bool
) -> None:
    """DST-06: it becomes the default one unless told otherwise."""
    template_id = template(others, name)
    wanted: dict[str, Any] = {"launchTemplateId": template_id}
    if not is_default:
        wanted["setDefaultVersion"] = False
    one = {"region": WEST, "launchTemplateConfigurations": [wanted]}

    arn = sent(bench, step({"region": WEST}), applying(one))

    bench.built(arn)
    copy = outputs(bench, arn)["distributedImages"][0]["amiId"]
    newest = max(versions(others, template_id), key=lambda each: each["VersionNumber"])
    assert newest["VersionNumber"] == 2
    assert newest["LaunchTemplateData"]["ImageId"] == copy
    assert newest["DefaultVersion"] is is_default


def test_what_a_service_refuses_fails_the_integration(
    bench: Bench, others: OtherServices, name: str
) -> None:
    """IMG-32 to IMG-34: the copy stays, and the image says in which step it failed."""
    missing = {"launchTemplateId": "lt-0123456789abcdef0"}
    one = {
        "region": WEST,
        "launchTemplateConfigurations": [missing],
        "ssmParameterConfigurations": [{"parameterName": f"/{name}"}],
    }

    arn = sent(bench, step({"region": WEST}), applying(one))

    state = bench.finished(arn)["state"]
    assert "Not all integration jobs are completed. 1) us-west-2" in state["reason"]
    assert "EC2 refuses: InvalidLaunchTemplateId" in state["reason"]
    context = state["failureContext"]
    assert (context["imageStatus"], context["failedStep"]) == ("INTEGRATING", "Apply")
    [failure] = context["distributionFailure"]["regionFailures"]
    assert failure["imageConfigurationStep"] == "UPDATE_LAUNCH_TEMPLATES"
    assert (failure["region"], failure["targetAccountId"]) == (WEST, OWN)
    with pytest.raises(ClientError, match="ParameterNotFound"):
        west(others, "ssm").get_parameter(Name=f"/{name}")
    with pytest.raises(ClientError) as caught:
        bench.client.retry_image(imageBuildVersionArn=arn)
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"  # IMG-65


def test_a_copy_that_was_not_made_fails_the_step(bench: Bench) -> None:
    one = {
        "region": WEST,
        "ssmParameterConfigurations": [{"parameterName": "/a", "amiAccountId": OTHER}],
    }

    arn = sent(bench, step({"region": WEST}), applying(one))

    reason = bench.finished(arn)["state"]["reason"]
    assert f"no image was distributed there for the account {OTHER}" in reason


def test_nothing_to_apply_is_no_integration(bench: Bench) -> None:
    off = {"region": WEST, "fastLaunchConfigurations": [{"enabled": False}]}
    arn = sent(bench, step({"region": WEST}), applying(), applying(off) | {"name": "Off"})

    bench.built(arn)
    assert outputs(bench, arn, "Apply") == {"configuredImages": []}


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"licenseConfigurationArns": [LICENCE]}, "License Manager knows only images that lie in"),
        ({"s3ExportConfiguration": EXPORT}, "has no disk to export; a region whose place is a"),
        ({"s3ExportConfiguration": [EXPORT]}, "has no disk to export"),
        ({"fastLaunchConfigurations": [{"enabled": True}]}, "EC2 readies only Windows images"),
    ],
)
def test_what_no_image_of_the_sandbox_can_have_is_refused_before_anything_starts(
    bench: Bench, configuration: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ClientError) as caught:
        sent(bench, step({"region": WEST}), applying({"region": WEST, **configuration}))

    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert f"its step 'Apply': the region {WEST}: " in error["Message"]
    assert problem in error["Message"]


@pytest.mark.parametrize(
    ("configuration", "setting"),
    [
        ({"ssmParameterConfigurations": {"parameterName": "/a"}}, "aws.ssm_endpoint or aws.access"),
        (
            {"launchTemplateConfigurations": [{"launchTemplateId": "lt-0123456789abcdef0"}]},
            "aws.ec2_endpoint is needed",
        ),
    ],
)
def test_without_access_a_build_is_refused_before_it_starts(
    tmp_path: Path, configuration: dict[str, Any], setting: str
) -> None:
    with distributing(tmp_path / "state") as bench, pytest.raises(ClientError, match=setting):
        sent(bench, step({"region": WEST}), applying({"region": WEST, **configuration}))


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"region": WEST, "licenseConfigurationArns": []},
        {"region": WEST, "launchTemplateConfigurations": [{}]},
        {"region": WEST, "s3ExportConfiguration": {"roleName": "r", "s3Bucket": "b"}},
        {"region": WEST, "s3ExportConfiguration": {**EXPORT, "diskImageFormat": "ISO"}},
        {"region": WEST, "fastLaunchConfigurations": [{"maxParallelLaunches": 0, "enabled": True}]},
        {"region": WEST, "ssmParameterConfigurations": [{"parameterName": "a", "dataType": "b"}]},
        {"region": WEST, "ssmParameterConfigurations": [{"parameterName": ""}]},
        {"region": WEST, "ssmParameterConfigurations": [{"parameterName": "a b"}]},
        {"region": WEST, "ssmParameterConfigurations": {"parameterName": "a", "amiAccountId": "1"}},
        {"region": WEST, "launchTemplateConfigurations": [{"launchTemplateId": "web"}]},
    ],
)
def test_bad_inputs_are_refused_at_creation(bench: Bench, configuration: dict[str, Any]) -> None:
    """CRT-50."""
    steps = [step({"region": WEST}), applying(configuration)]

    with pytest.raises(ClientError) as caught:
        bench.workflow(json.dumps({"schemaVersion": "1.0", "steps": steps}), kind="DISTRIBUTION")

    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


class TestAServiceThatSaysNothing:
    """§10.3, §4.6, §10.4."""

    @pytest.fixture
    def waited(self, tmp_path: Path) -> Iterator[tuple[Bench, Callable[[], bool]]]:
        with silent() as (url, is_asked):
            environment = {
                "IMAGEWRIGHT_AWS_SSM_ENDPOINT": url,
                "IMAGEWRIGHT_AWS_TIMEOUT_SECONDS": "60",  # longer than any step here
            }
            with distributing(tmp_path / "state", **environment) as bench:
                yield bench, is_asked

    @pytest.fixture
    def one(self) -> dict[str, Any]:
        return {"region": WEST, "ssmParameterConfigurations": {"parameterName": "/a"}}

    def test_takes_the_time_of_its_step(
        self, waited: tuple[Bench, Callable[[], bool]], one: dict[str, Any]
    ) -> None:
        bench, _ = waited

        arn = sent(bench, step({"region": WEST}), applying(one, timeoutSeconds=5))

        assert "The step timed out" in bench.finished(arn)["state"]["reason"]
        [entry] = outputs(bench, arn, "Apply")["configuredImages"]
        assert (entry["status"], entry["step"]) == ("TimedOut", "PutSsmParametersRunning")

    def test_shows_that_settings_are_applied_until_it_is_cancelled(
        self, waited: tuple[Bench, Callable[[], bool]], one: dict[str, Any]
    ) -> None:
        bench, is_asked = waited
        arn = sent(bench, step({"region": WEST}), applying(one))
        wait_until(is_asked)

        assert bench.image(arn)["state"] == {"status": "INTEGRATING"}
        bench.client.cancel_image_creation(imageBuildVersionArn=arn)

        assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
        assert bench.steps(arn)["Apply"]["status"] == "CANCELLED"


@pytest.mark.parametrize("point", ["step-started", "configuration-applied", "step-ended"])
def test_losing_the_server_adds_one_version(
    tmp_path: Path, others: OtherServices, name: str, point: str
) -> None:
    state, template_id = tmp_path / "state", template(others, f"{name}-{point}")
    one = {
        "region": WEST,
        "launchTemplateConfigurations": [{"launchTemplateId": template_id}],
        "ssmParameterConfigurations": [{"parameterName": f"/{name}/{point}"}],
    }
    at = CrashPoint(point).value
    action = "" if point == "configuration-applied" else ":ApplyImageConfigurations"
    with distributing(state, others.url, IMAGEWRIGHT_CRASH_AT=f"{at}{action}") as bench:
        arn = sent(bench, step({"region": WEST}), applying(one))
        assert bench.server.process.wait(BUILD_SECONDS) == -9

    with distributing(state, others.url) as bench:
        bench.built(arn)
        copy = outputs(bench, arn)["distributedImages"][0]["amiId"]
        assert outputs(bench, arn, "Apply")["configuredImages"][0]["status"] == "Completed"
    assert len(versions(others, template_id)) == 2
    written = west(others, "ssm").get_parameter(Name=f"/{name}/{point}")["Parameter"]
    assert written["Value"] == copy
