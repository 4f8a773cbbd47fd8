"""The workflows that ship with the product, as documents."""

from importlib.resources import files

import pytest

from imagewright.actions.table import ACTIONS
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow

# workflow-documents.md §9: type, and the actions in order.
MANAGED = {
    "build-image": (
        Stage.BUILD,
        "LaunchInstance ExecuteComponents CollectImageMetadata SanitizeInstance RunSysPrep "
        "CreateImage TerminateInstance",
    ),
    "build-image-with-update-ssm-agent": (
        Stage.BUILD,
        "LaunchInstance RunCommand ExecuteComponents CollectImageMetadata SanitizeInstance "
        "RunSysPrep CreateImage TerminateInstance",
    ),
    "express-build-image": (
        Stage.BUILD,
        "LaunchInstance ExecuteComponents SanitizeInstance RunSysPrep CreateImage "
        "TerminateInstance",
    ),
    "build-image-from-iso": (Stage.BUILD, "LaunchInstance CreateImageFromIso TerminateInstance"),
    "build-container": (
        Stage.BUILD,
        "LaunchInstance BootstrapInstanceForContainer ExecuteComponents",
    ),
    "express-build-container": (
        Stage.BUILD,
        "LaunchInstance BootstrapInstanceForContainer ExecuteComponents",
    ),
    "test-image": (
        Stage.TEST,
        "LaunchInstance CollectImageScanFindings ExecuteComponents TerminateInstance",
    ),
    "express-test-image": (Stage.TEST, "LaunchInstance ExecuteComponents TerminateInstance"),
    "test-container": (
        Stage.TEST,
        "LaunchInstance BootstrapInstanceForContainer ExecuteComponents TerminateInstance",
    ),
    "distribute-image": (
        Stage.DISTRIBUTION,
        "DistributeImage ModifyImageAttributes ApplyImageConfigurations",
    ),
    "distribute-container": (Stage.DISTRIBUTION, "DistributeContainerImage TerminateInstance"),
}
FOLDER = files("imagewright.managed") / "workflows"


def test_every_document_in_the_folder_is_one_of_them() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.yaml" for name in MANAGED}


@pytest.mark.parametrize(("name", "expected"), MANAGED.items(), ids=list(MANAGED))
def test_a_managed_workflow_is_valid_and_has_the_steps_of_the_guide(
    name: str, expected: tuple[Stage, str]
) -> None:
    """§9."""
    stage, actions = expected

    checked = load_workflow(
        (FOLDER / f"{name}.yaml").read_text("utf-8"), actions=ACTIONS, stage=stage
    )

    assert checked.findings == ()
    assert checked.workflow is not None
    assert checked.workflow.name == name
    assert " ".join(step.action for step in checked.workflow.steps) == actions
    express = name.startswith("express-")
    launches = [step for step in checked.workflow.steps if step.action == "LaunchInstance"]
    assert all(("RUNNING" in str(step.raw_inputs)) is express for step in launches)


def test_an_ami_build_puts_its_image_out() -> None:
    """§8: the contract between stages."""
    for name, (stage, actions) in MANAGED.items():
        checked = load_workflow((FOLDER / f"{name}.yaml").read_text("utf-8"), actions=ACTIONS)
        assert checked.workflow is not None
        outputs = [output.name for output in checked.workflow.outputs]
        makes_ami = stage is Stage.BUILD and "CreateImage" in actions
        assert outputs == (["ImageId"] if makes_ami else outputs if stage is Stage.BUILD else [])
