"""The declarations of the step actions, held against the tables of the specification."""

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.specs import ActionSpec, Stage

B, T, D = Stage.BUILD, Stage.TEST, Stage.DISTRIBUTION

# workflow-documents.md §7.1: stages, default and maximum in seconds, rollback.
OVERVIEW = {
    "ApplyImageConfigurations": ({D}, 21600, 43200, False),
    "BootstrapInstanceForContainer": ({B, T, D}, 3600, 43200, False),
    "CollectImageMetadata": ({B, T, D}, 1800, 43200, True),
    "CollectImageScanFindings": ({T}, 7200, 43200, False),
    "CreateImage": ({B, T, D}, 43200, 259200, False),
    "CreateImageFromIso": ({B, T, D}, 43200, 43200, False),
    "DistributeContainerImage": ({D}, 7200, 43200, False),
    "DistributeImage": ({D}, 21600, 43200, False),
    "ExecuteComponents": ({B, T}, 43200, 86400, False),
    "ExecuteStateMachine": ({B, T, D}, 21600, 86400, False),
    "LaunchInstance": ({B, T, D}, 4500, 43200, True),
    "ModifyImageAttributes": ({D}, 7200, 10800, False),
    "RegisterImage": ({B, T, D}, 32400, 43200, False),
    "RunCommand": ({B, T, D}, 43200, 43200, False),
    "RunSysPrep": ({B, T, D}, 3600, 43200, False),
    "SanitizeInstance": ({B, T, D}, 3600, 43200, False),
    "TerminateInstance": ({B, T, D}, 1800, 43200, False),
    "WaitForAction": ({B, T, D}, 259200, 604800, False),
    "WaitForSSMAgent": ({B, T, D}, 3600, 10800, False),
}

SSM = ("runCommandId", "status", "output")
# §7.2 to §7.20 and §12.1: inputs (required ones end in `!`) and outputs.
MEMBERS = {
    "ApplyImageConfigurations": (("distributedImages!", "configurations"), ("configuredImages",)),
    "BootstrapInstanceForContainer": (("instanceId!",), SSM),
    "CollectImageMetadata": (("instanceId!",), ("osVersion", "associationId")),
    "CollectImageScanFindings": (("instanceId!",), SSM),
    "CreateImage": (("instanceId!",), ("imageId",)),
    "CreateImageFromIso": (
        ("instanceId!",),
        ("imageId", "amiName", "snapshotId", "architecture"),
    ),
    "DistributeContainerImage": (
        ("instanceId!",),
        ("status", "succeededRegions", "failedRegions"),
    ),
    "DistributeImage": (("distributions",), ("distributedImages",)),
    "ExecuteComponents": (("instanceId!",), SSM),
    "ExecuteStateMachine": (("stateMachineArn!", "input"), ("executionArn", "output", "status")),
    "LaunchInstance": (
        ("waitFor!", "imageIdOverride", "instanceTypesOverride", "healthCheck"),
        ("instanceId", "instanceType"),
    ),
    "ModifyImageAttributes": (("distributedImages!", "attributes"), ("modifiedImages",)),
    "RegisterImage": (
        (
            *("architecture", "blockDeviceMapping", "bootMode", "description", "enaSupport"),
            *("imageLocation", "imdsSupport", "includeSnapshotTags", "kernelId", "ramdiskId"),
            *("rootDeviceName", "sriovNetSupport", "tpmSupport", "uefiData", "virtualizationType"),
        ),
        ("imageId",),
    ),
    "RunCommand": (
        ("instanceId!", "documentName!", "parameters", "documentVersion"),
        SSM,
    ),
    "RunSysPrep": (("instanceId!",), SSM),
    "SanitizeInstance": (("instanceId!",), SSM),
    "TerminateInstance": (("instanceId!", "waitForTermination"), ()),
    "WaitForAction": (("snsTopicArn", "lambdaFunctionName", "payload"), ("action", "reason")),
    "WaitForSSMAgent": (("instanceId!",), ("status",)),
}

BUILT = {
    "BootstrapInstanceForContainer",
    "CollectImageScanFindings",
    *("LaunchInstance", "ExecuteComponents", "RunCommand", "CollectImageMetadata"),
    *("SanitizeInstance", "CreateImage", "TerminateInstance", "WaitForAction", "WaitForSSMAgent"),
    "RegisterImage",
    "DistributeContainerImage",
    "ExecuteStateMachine",
    *("DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations"),
}

every_action = pytest.mark.parametrize("spec", ACTIONS.values(), ids=lambda spec: spec.name)


def test_the_table_holds_every_action_under_its_own_name() -> None:
    assert list(ACTIONS) == list(OVERVIEW)
    assert {name: spec.name for name, spec in ACTIONS.items()} == {name: name for name in OVERVIEW}


@every_action
def test_stages_timeouts_and_rollback_are_those_of_the_guide(spec: ActionSpec) -> None:
    """CRT-46, CRT-48, §4.5."""
    declared = (
        set(spec.stages),
        spec.timeout_default_seconds,
        spec.timeout_max_seconds,
        spec.rollback,
    )

    assert declared == OVERVIEW[spec.name]


@every_action
def test_inputs_and_outputs_are_those_of_the_guide(spec: ActionSpec) -> None:
    """§7.2 to §7.20, §12.1."""
    inputs = tuple(
        f"{member.name}!" if member.required else member.name
        for member in spec.input_record.members
    )

    assert (inputs, spec.output_record.names) == MEMBERS[spec.name]


@every_action
def test_every_action_and_every_member_says_what_it_is_for(spec: ActionSpec) -> None:
    assert spec.summary
    members = (*spec.input_record.members, *spec.output_record.members)
    assert [member.name for member in members if not member.notes.text] == []


def test_what_this_release_runs_is_said() -> None:
    assert {spec.name for spec in ACTIONS.values() if spec.built} == BUILT


def test_container_distribution_excludes_the_rest() -> None:
    """CRT-47."""
    assert {name: spec.excludes for name, spec in ACTIONS.items() if spec.excludes} == {
        "DistributeContainerImage": {
            "DistributeImage",
            "ModifyImageAttributes",
            "ApplyImageConfigurations",
        }
    }
