"""Pipelines made, read, changed, listed and deleted; ``test_pipeline_runs`` runs them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.asking import ABSENT, COMBINATION, REGION, VALUE, given, refusal
from tests.conftest import Server

ACCOUNT = "444444444444"
"""Of nobody else: what is listed is the account's."""
ARN = "imagePipelineArn"
PARENT = f"arn:aws:imagebuilder:{REGION}:aws:image/debian-12-x86/x.x.x"
MANAGED_BUILD = f"arn:aws:imagebuilder:{REGION}:aws:workflow/build/build-image/x.x.x"
DEPENDENCY = "ResourceDependencyException"
SIZED = """\
schemaVersion: 1.0
parameters:
  - {name: size, type: integer}
  - {name: hosts, type: stringList, default: [a]}
steps:
  - {name: Ask, action: WaitForAction}
"""


@pytest.fixture
def client(server: Server) -> Any:
    return server.client(ACCOUNT, parameter_validation=False)  # the server is to check


def arn_of(resource: str) -> str:
    return f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:{resource}"


def parts(client: Any, name: str) -> dict[str, Any]:
    """Register the parts that every pipeline needs."""
    recipe = client.create_image_recipe(name=name, semanticVersion="1.0.0", parentImage=PARENT)
    infrastructure = client.create_infrastructure_configuration(
        name=name, instanceProfileName="builder"
    )
    return given(
        imageRecipeArn=recipe["imageRecipeArn"],
        infrastructureConfigurationArn=infrastructure["infrastructureConfigurationArn"],
    )


def distribution(client: Any, name: str) -> str:
    answer = client.create_distribution_configuration(
        name=name, distributions=[{"region": "us-west-2"}]
    )
    arn: str = answer["distributionConfigurationArn"]
    return arn


def workflow(client: Any, name: str, data: str = SIZED, kind: str = "TEST") -> str:
    answer = client.create_workflow(name=name, semanticVersion="1.0.0", type=kind, data=data)
    arn: str = answer["workflowBuildVersionArn"]
    return arn


def make(client: Any, name: str, /, **changes: Any) -> str:
    request = {**parts(client, name), **changes}
    arn: str = client.create_image_pipeline(name=name, **given(**request))[ARN]
    return arn


def get(client: Any, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_image_pipeline(imagePipelineArn=arn)["imagePipeline"]
    return found


def listed(client: Any, **filters: str) -> list[dict[str, Any]]:
    wanted = [{"name": name, "values": [value]} for name, value in filters.items()]
    pages = client.get_paginator("list_image_pipelines").paginate(
        filters=wanted, PaginationConfig={"PageSize": 2}
    )
    return [entry for page in pages for entry in page["imagePipelineList"]]


def sized(arn: str, size: str = "7") -> dict[str, Any]:
    """Ask for a workflow with a size."""
    return {"workflowArn": arn, "parameters": [{"name": "size", "value": [size]}]}


def everything(client: Any, name: str) -> dict[str, Any]:
    """Return all that a pipeline may say."""
    return {
        **parts(client, name),
        "description": "What it builds",
        "distributionConfigurationArn": distribution(client, name),
        "imageTestsConfiguration": {"imageTestsEnabled": False, "timeoutMinutes": 90},
        "enhancedImageMetadataEnabled": False,
        "schedule": {
            "scheduleExpression": "cron(0 9 ? * MON-FRI *)",
            "timezone": "Europe/Zurich",
            "pipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY",
            "autoDisablePolicy": {"failureCount": 3},
        },
        "status": "DISABLED",
        "imageTags": {"built": "nightly"},
        "imageScanningConfiguration": {"imageScanningEnabled": False},
        "executionRole": "builder",
        "workflows": [sized(workflow(client, name))],
        "loggingConfiguration": {
            "imageLogGroupName": "/teams/images",
            "pipelineLogGroupName": "/teams/pipelines",
        },
    }


def test_what_was_given_is_read_back(client: Any, name: str) -> None:
    """ARN-01, PIP-01, PIP-02, PIP-03, PIP-40, WIRE-10."""
    content = everything(client, name)

    answer = client.create_image_pipeline(
        name=name, tags={"team": "images"}, clientToken="t-" + name[-12:], **content
    )

    arn = answer[ARN]
    assert arn == arn_of(f"image-pipeline/{name.replace('_', '-')}")
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["requestId"]
    found = get(client, arn)
    assert found["dateUpdated"] == found.pop("dateCreated")
    del found["dateUpdated"]
    assert found == {
        "arn": arn,
        "name": name,
        "platform": "Linux",
        "tags": {"team": "images"},
        "consecutiveFailures": 0,
        **content,
    }


def test_what_was_not_given_is_absent_but_for_the_defaults(client: Any, name: str) -> None:
    """IMG-04, PIP-01, PIP-03, PIP-33."""
    content = parts(client, name)

    arn = client.create_image_pipeline(name=name, **content)[ARN]

    found = get(client, arn)
    assert found.pop("dateCreated") == found.pop("dateUpdated")
    assert found == {
        "arn": arn,
        "name": name,
        "platform": "Linux",
        "status": "ENABLED",
        "enhancedImageMetadataEnabled": True,
        "imageTestsConfiguration": {"imageTestsEnabled": True, "timeoutMinutes": 720},
        "consecutiveFailures": 0,
        "tags": {},
        **content,
    }


def test_a_pipeline_round_trips_as_terraform_handles_it(client: Any, name: str) -> None:
    """ASK-01, TAG-05, PIP-15: create, read, re-tag, change, delete, with no drift."""
    content = everything(client, name)
    arn = client.create_image_pipeline(name=name, tags={"a": "1"}, **content)[ARN]
    first = get(client, arn)

    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    client.tag_resource(resourceArn=arn, tags={"b": "2"})
    client.update_image_pipeline(imagePipelineArn=arn, **content)

    second = get(client, arn)
    assert content.items() <= second.items()
    del first["dateUpdated"], second["dateUpdated"]
    assert second == {**first, "tags": {"b": "2"}}
    client.delete_image_pipeline(imagePipelineArn=arn)
    assert refusal(client.get_image_pipeline, imagePipelineArn=arn)[:2] == (ABSENT, 404)


def test_wildcard_references_are_kept_as_given(client: Any, name: str) -> None:
    """VER-20."""
    content = parts(client, name)
    recipe = content["imageRecipeArn"].replace("1.0.0", "x.x.x")
    workflows = [{"workflowArn": MANAGED_BUILD}]

    arn = client.create_image_pipeline(
        name=name,
        **{**content, "imageRecipeArn": recipe},
        workflows=workflows,
        executionRole="builder",
    )[ARN]

    found = get(client, arn)
    assert (found["imageRecipeArn"], found["workflows"]) == (recipe, workflows)


CONTAINER = arn_of("container-recipe/web/1.0.0")
BAD: list[tuple[dict[str, Any], str, str]] = [
    # PIP-01, IMG-01.
    ({"imageRecipeArn": None}, COMBINATION, "imageRecipeArn"),
    # IMG-10, PIP-40.
    ({"workflows": [{"workflowArn": "own"}]}, COMBINATION, "An execution role is required"),
    *[
        ({"loggingConfiguration": {member: "/teams/x"}}, COMBINATION, "outside /aws/imagebuilder/")
        for member in ("imageLogGroupName", "pipelineLogGroupName")
    ],
    ({"loggingConfiguration": {"imageLogGroupName": "a b"}}, VALUE, "imageLogGroupName"),
    # PIP-10 to PIP-15, PIP-32.
    ({"schedule": {}}, VALUE, "schedule.scheduleExpression"),
    ({"schedule": {"timezone": "UTC"}}, VALUE, "schedule.scheduleExpression"),
    ({"schedule": {"scheduleExpression": "rate(0 days)"}}, VALUE, "scheduleExpression"),
    (
        {"schedule": {"scheduleExpression": "rate(1 day)", "timezone": "Europe/Atlantis"}},
        VALUE,
        "schedule.timezone",
    ),
    ({"schedule": {"scheduleExpression": "rate(1 day)", "timezone": "?"}}, VALUE, "timezone"),
    *[
        (
            {
                "schedule": {
                    "scheduleExpression": "rate(1 day)",
                    "autoDisablePolicy": {"failureCount": count},
                }
            },
            VALUE,
            "schedule.autoDisablePolicy.failureCount",
        )
        for count in (0, 11)
    ],
    (
        {
            "schedule": {
                "scheduleExpression": "rate(1 day)",
                "pipelineExecutionStartCondition": "ALWAYS",
            }
        },
        VALUE,
        "pipelineExecutionStartCondition",
    ),
    ({"status": "PAUSED"}, VALUE, "status"),
    ({"imageTestsConfiguration": {"timeoutMinutes": 59}}, VALUE, "timeoutMinutes"),
    ({"imageTags": {"aws:a": "b"}}, VALUE, "imageTags"),
    # SCN-01, SCN-03.
    (
        {"imageScanningConfiguration": {"imageScanningEnabled": True}},
        DEPENDENCY,
        "Amazon Inspector is not enabled",
    ),
    (
        {
            "imageScanningConfiguration": {"imageScanningEnabled": True},
            "imageTestsConfiguration": {"imageTestsEnabled": False},
        },
        COMBINATION,
        "Image scanning needs image tests",
    ),
    # PIP-07: what is referred to must be there.
    ({"imageRecipeArn": arn_of("image-recipe/absent/x.x.x")}, ABSENT, "image-recipe/absent/x.x.x"),
    (
        {"infrastructureConfigurationArn": arn_of("infrastructure-configuration/absent")},
        ABSENT,
        "infrastructure-configuration/absent",
    ),
    (
        {"distributionConfigurationArn": arn_of("distribution-configuration/absent")},
        ABSENT,
        "distribution-configuration/absent",
    ),
    ({"distributionConfigurationArn": "elsewhere"}, VALUE, "distributionConfigurationArn"),
    (
        {
            "workflows": [{"workflowArn": arn_of("workflow/test/absent/1.0.0/1")}],
            "executionRole": "builder",
        },
        ABSENT,
        "workflow/test/absent/1.0.0/1",
    ),
    # IMG-11, IMG-16.
    (
        {"workflows": [{"workflowArn": MANAGED_BUILD}] * 2, "executionRole": "builder"},
        VALUE,
        "There may be one workflow of type BUILD",
    ),
    (
        {
            "workflows": [{"workflowArn": MANAGED_BUILD, "onFailure": "CONTINUE"}],
            "executionRole": "builder",
        },
        COMBINATION,
        "'onFailure' is for test workflows only",
    ),
    # IMG-12.
    (
        {
            "workflows": [
                {"workflowArn": f"arn:aws:imagebuilder:{REGION}:aws:workflow/test/test-image/1.0.0"}
            ],
            "executionRole": "builder",
        },
        VALUE,
        "AWS managed workflows must have latest version 'x.x.x'",
    ),
]


@pytest.mark.parametrize(("changes", "code", "words"), BAD, ids=lambda each: str(each)[:70])
def test_what_cannot_be_is_refused_at_create_and_at_update(
    client: Any, name: str, changes: dict[str, Any], code: str, words: str
) -> None:
    """IMG-01, IMG-10, IMG-12, PIP-05, PIP-07, PIP-10 to PIP-15, PIP-40, SCN-01, SCN-03, OPX-01."""
    content = parts(client, name)
    arn = client.create_image_pipeline(name=name, **content)[ARN]
    if changes.get("workflows") == [{"workflowArn": "own"}]:
        changes = {"workflows": [sized(workflow(client, name))]}
    request = given(**{**content, **changes})

    for found, status, message in (
        refusal(client.create_image_pipeline, name=f"{name}-2", **request),
        refusal(client.update_image_pipeline, imagePipelineArn=arn, **request),
    ):
        assert (found, status) == (code, 404 if code == ABSENT else 400)
        assert words in message
    assert get(client, arn)["dateUpdated"] == get(client, arn)["dateCreated"]


BAD_PARAMETERS = [
    ([], COMBINATION, "have no default and need a value: size"),
    ([("size", ["7"]), ("colour", ["red"])], COMBINATION, "not defined in the provided workflow"),
    ([("size", ["seven"])], VALUE, "must be a whole number"),
    ([("size", ["1", "2"])], VALUE, "must be one value, not 2"),
]


@pytest.mark.parametrize(("values", "code", "words"), BAD_PARAMETERS)
def test_parameters_of_workflows_are_checked_at_create_and_at_update(
    client: Any, name: str, values: list[tuple[str, list[str]]], code: str, words: str
) -> None:
    """IMG-19."""
    content = parts(client, name)
    arn = client.create_image_pipeline(name=name, **content)[ARN]
    asked: dict[str, Any] = {"workflowArn": workflow(client, name)}
    if values:
        asked["parameters"] = [{"name": each, "value": value} for each, value in values]
    request = {**content, "workflows": [asked], "executionRole": "builder"}

    for found, status, message in (
        refusal(client.create_image_pipeline, name=f"{name}-2", **request),
        refusal(client.update_image_pipeline, imagePipelineArn=arn, **request),
    ):
        assert (found, status) == (code, 400)
        assert "'workflows[0].parameters'" in message
        assert words in message


def test_the_words_for_five_fields_are_the_services_own(client: Any, name: str) -> None:
    """PIP-12, ERR-24."""
    request = {**parts(client, name), "schedule": {"scheduleExpression": "cron(0 0 * * *)"}}

    assert refusal(client.create_image_pipeline, name=name, **request) == (
        VALUE,
        400,
        "The value supplied for parameter 'schedule.scheduleExpression' is not valid. Invalid "
        "schedule expression. Details: Invalid CRON expression: error at position 9, details: "
        "Unexpected end of expression.",
    )


def test_the_kind_of_recipe_cannot_be_changed(client: Any, name: str) -> None:
    """PIP-04, PIP-05."""
    content = parts(client, name)
    arn = client.create_image_pipeline(name=name, **content)[ARN]
    other = {**content, "containerRecipeArn": CONTAINER}
    del other["imageRecipeArn"]

    assert refusal(client.update_image_pipeline, imagePipelineArn=arn, **other)[:2] == (
        COMBINATION,
        400,
    )


class TestOfContainerRecipes:
    @pytest.fixture
    def content(self, client: Any, name: str) -> dict[str, Any]:
        """Return the parts of a pipeline of container images."""
        recipe = client.create_container_recipe(
            name=name,
            semanticVersion="1.0.0",
            containerType="DOCKER",
            parentImage="mcr.microsoft.com/windows/servercore:ltsc2022",
            dockerfileTemplateData="FROM {{{ imagebuilder:parentImage }}}",
            targetRepository={"service": "ECR", "repositoryName": "team/web"},
        )["containerRecipeArn"]
        content = {**parts(client, name), "containerRecipeArn": recipe}
        del content["imageRecipeArn"]
        return content

    def test_a_pipeline_keeps_its_recipe(
        self, client: Any, name: str, content: dict[str, Any]
    ) -> None:
        """PIP-01, PIP-02, CTR-07, RCP-18, CRT-72, CRT-73."""
        recipe = content["containerRecipeArn"]
        wild = {**content, "containerRecipeArn": recipe.replace("1.0.0", "1.x.x")}
        arn = client.create_image_pipeline(name=name, **wild)[ARN]

        found = get(client, arn)
        assert found["containerRecipeArn"] == wild["containerRecipeArn"]
        assert "imageRecipeArn" not in found
        assert found["platform"] == "Windows"
        code, status, message = refusal(client.delete_container_recipe, containerRecipeArn=recipe)
        assert (code, status) == (DEPENDENCY, 400)
        assert arn in message
        client.delete_image_pipeline(imagePipelineArn=arn)
        client.delete_container_recipe(containerRecipeArn=recipe)

    def test_the_kind_of_recipe_cannot_be_changed(
        self, client: Any, name: str, content: dict[str, Any]
    ) -> None:
        """PIP-04, PIP-05."""
        arn = client.create_image_pipeline(name=name, **content)[ARN]
        other = parts(client, name + "2")

        assert refusal(client.update_image_pipeline, imagePipelineArn=arn, **other)[:2] == (
            COMBINATION,
            400,
        )
        client.update_image_pipeline(imagePipelineArn=arn, description="Other", **content)
        assert get(client, arn)["description"] == "Other"

    def test_a_build_workflow_need_not_put_out_an_ami(
        self, client: Any, name: str, content: dict[str, Any]
    ) -> None:
        """IMG-11, IMG-13: what distributes is added, and reads the machine's id."""
        launch = """\
schemaVersion: 1.0
steps:
  - {name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}
"""
        output = "outputs:\n  - {name: InstanceId, value: $.stepOutputs.Launch.instanceId}\n"
        for document, fits in ((launch + output, True), (launch, False)):
            build = workflow(client, f"{name} {fits}", document, "BUILD")
            asked = {"workflows": [{"workflowArn": build}], "executionRole": "builder"}
            request = {"name": f"{name} {fits}", **content, **asked}
            if fits:
                arn = client.create_image_pipeline(**request)[ARN]
                assert get(client, arn)["workflows"] == asked["workflows"]
            else:
                code, _, message = refusal(client.create_image_pipeline, **request)
                assert code == VALUE
                assert "$.workflowOutputs.InstanceId" in message
                assert "distribute-container" in message


def test_an_update_replaces_everything_but_name_and_tags(client: Any, name: str) -> None:
    """PIP-04, NAM-10, TAG-05."""
    content = everything(client, name)
    arn = client.create_image_pipeline(name=name, tags={"team": "images"}, **content)[ARN]
    before = get(client, arn)
    needed = {key: content[key] for key in ("imageRecipeArn", "infrastructureConfigurationArn")}

    answer = client.update_image_pipeline(
        imagePipelineArn=arn, clientToken="u-" + name[-12:], **needed
    )

    assert answer[ARN] == arn
    assert answer["clientToken"] == "u-" + name[-12:]
    after = get(client, arn)
    assert after.pop("dateUpdated") >= before["dateCreated"]
    assert after == {
        "arn": arn,
        "name": name,
        "platform": "Linux",
        "status": "ENABLED",
        "enhancedImageMetadataEnabled": True,
        "imageTestsConfiguration": {"imageTestsEnabled": True, "timeoutMinutes": 720},
        "consecutiveFailures": 0,
        "dateCreated": before["dateCreated"],
        "tags": {"team": "images"},
        **needed,
    }


def test_a_dry_run_says_what_would_happen_and_stores_nothing(client: Any, name: str) -> None:
    """CRT-30, CRT-31, CRT-33, CRT-34."""
    request = {"name": name, "dryRun": True, **parts(client, name)}

    code, status, _ = refusal(client.create_image_pipeline, **request)

    assert (code, status) == ("DryRunOperationException", 412)
    wrong = {**request, "schedule": {"scheduleExpression": "cron(0 0 * * *)"}}
    assert refusal(client.create_image_pipeline, **wrong)[0] == VALUE
    assert listed(client, name=name) == []
    client.delete_image_recipe(imageRecipeArn=request["imageRecipeArn"])


def test_what_a_pipeline_refers_to_cannot_be_deleted(client: Any, name: str) -> None:
    """RCP-18, INF-11, DST-10, CRT-71, CRT-72, CRT-73, PIP-06."""
    content = everything(client, name)
    arn = client.create_image_pipeline(name=name, **content)[ARN]
    owned = [
        (client.delete_image_recipe, "imageRecipeArn", content["imageRecipeArn"]),
        (
            client.delete_infrastructure_configuration,
            "infrastructureConfigurationArn",
            content["infrastructureConfigurationArn"],
        ),
        (
            client.delete_distribution_configuration,
            "distributionConfigurationArn",
            content["distributionConfigurationArn"],
        ),
        (
            client.delete_workflow,
            "workflowBuildVersionArn",
            content["workflows"][0]["workflowArn"],
        ),
    ]

    for delete, member, target in owned:
        code, status, message = refusal(delete, **{member: target})
        assert (code, status) == (DEPENDENCY, 400)
        assert message.startswith(
            f"Resource dependency error: The resource ARN '{target}' has other resources depended "
            "on it."
        )
        assert arn in message
    client.delete_image_pipeline(imagePipelineArn=arn)
    for delete, member, target in owned:
        delete(**{member: target})


def test_an_update_lets_go_of_what_the_pipeline_referred_to(client: Any, name: str) -> None:
    """RCP-18, PIP-04."""
    content = parts(client, name)
    arn = client.create_image_pipeline(name=name, **content)[ARN]
    other = client.create_image_recipe(name=name, semanticVersion="2.0.0", parentImage=PARENT)

    client.update_image_pipeline(
        imagePipelineArn=arn, **{**content, "imageRecipeArn": other["imageRecipeArn"]}
    )

    client.delete_image_recipe(imageRecipeArn=content["imageRecipeArn"])
    assert (
        refusal(client.delete_image_recipe, imageRecipeArn=other["imageRecipeArn"])[0] == DEPENDENCY
    )


def test_a_wildcard_reference_blocks_only_the_last_that_it_matches(client: Any, name: str) -> None:
    """CRT-73, O-19, ASK-01: how a recipe is replaced under a pipeline."""
    content = parts(client, name)
    first = content["imageRecipeArn"]
    make_it = {**content, "imageRecipeArn": first.replace("1.0.0", "x.x.x")}
    client.create_image_pipeline(name=name, **make_it)
    assert refusal(client.delete_image_recipe, imageRecipeArn=first)[0] == DEPENDENCY

    client.create_image_recipe(name=name, semanticVersion="1.0.1", parentImage=PARENT)

    client.delete_image_recipe(imageRecipeArn=first)


def test_pipelines_are_listed_in_the_order_of_their_arns_and_filtered(
    client: Any, name: str
) -> None:
    """SRT-02, FLT-01 to FLT-05, FLT-10, OPX-02."""
    content = everything(client, name)
    for suffix, status in (("c", "ENABLED"), ("a", "DISABLED"), ("b", "ENABLED")):
        mine = {**content, "description": f"{name} {suffix}", "status": status}
        client.create_image_pipeline(name=f"{name}-{suffix}", **mine)

    found = listed(client, name=f"{name}*")

    assert [entry["name"][-1] for entry in found] == ["a", "b", "c"]
    assert found[0] == get(client, found[0]["arn"])
    for filters, expected in (
        ({"description": f"{name} b"}, "b"),
        ({"status": "DISABLED", "name": f"{name}*"}, "a"),
        ({"imageRecipeArn": content["imageRecipeArn"]}, "abc"),
        ({"infrastructureConfigurationArn": content["infrastructureConfigurationArn"]}, "abc"),
        ({"distributionConfigurationArn": content["distributionConfigurationArn"]}, "abc"),
        ({"name": "none"}, ""),
    ):
        assert "".join(entry["name"][-1] for entry in listed(client, **filters)) == expected
    unknown = [{"name": "platform", "values": ["Linux"]}]
    assert refusal(client.list_image_pipelines, filters=unknown)[:2] == (VALUE, 400)


def test_the_next_run_is_told_while_the_schedule_is_on(client: Any, name: str) -> None:
    """PIP-03, PIP-33, O-15."""
    content = parts(client, name)
    schedule = {"scheduleExpression": "cron(30 4 1 1 ? 2050)"}
    arn = client.create_image_pipeline(name=name, schedule=schedule, **content)[ARN]

    on = get(client, arn)
    client.update_image_pipeline(
        imagePipelineArn=arn, schedule=schedule, status="DISABLED", **content
    )
    off = get(client, arn)
    client.update_image_pipeline(
        imagePipelineArn=arn, schedule={**schedule, "timezone": "Asia/Tokyo"}, **content
    )
    elsewhere = get(client, arn)

    assert on["schedule"] == {**schedule, "timezone": "UTC"}
    assert moment(on["dateNextRun"]) == datetime(2050, 1, 1, 4, 30, tzinfo=UTC)
    assert "dateNextRun" not in off
    assert moment(elsewhere["dateNextRun"]) == datetime(2049, 12, 31, 19, 30, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
