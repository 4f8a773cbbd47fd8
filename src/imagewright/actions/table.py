"""Every step action there is. The engine and the documents are handed this table."""

from collections.abc import Mapping
from types import MappingProxyType

from imagewright.actions import (
    apply_image_configurations,
    bootstrap_instance_for_container,
    collect_image_metadata,
    collect_image_scan_findings,
    create_image,
    create_image_from_iso,
    distribute_container_image,
    distribute_image,
    execute_components,
    execute_state_machine,
    launch_instance,
    modify_image_attributes,
    register_image,
    run_command,
    run_sys_prep,
    sanitize_instance,
    terminate_instance,
    wait_for_action,
    wait_for_ssm_agent,
)
from imagewright.documents.specs import ActionSpec
from imagewright.engine.ports import StepAction

ACTIONS: Mapping[str, ActionSpec] = MappingProxyType(
    {
        "ApplyImageConfigurations": apply_image_configurations.SPEC,
        "BootstrapInstanceForContainer": bootstrap_instance_for_container.SPEC,
        "CollectImageMetadata": collect_image_metadata.SPEC,
        "CollectImageScanFindings": collect_image_scan_findings.SPEC,
        "CreateImage": create_image.SPEC,
        "CreateImageFromIso": create_image_from_iso.SPEC,
        "DistributeContainerImage": distribute_container_image.SPEC,
        "DistributeImage": distribute_image.SPEC,
        "ExecuteComponents": execute_components.SPEC,
        "ExecuteStateMachine": execute_state_machine.SPEC,
        "LaunchInstance": launch_instance.SPEC,
        "ModifyImageAttributes": modify_image_attributes.SPEC,
        "RegisterImage": register_image.SPEC,
        "RunCommand": run_command.SPEC,
        "RunSysPrep": run_sys_prep.SPEC,
        "SanitizeInstance": sanitize_instance.SPEC,
        "TerminateInstance": terminate_instance.SPEC,
        "WaitForAction": wait_for_action.SPEC,
        "WaitForSSMAgent": wait_for_ssm_agent.SPEC,
    }
)

STEP_ACTIONS: Mapping[str, StepAction] = MappingProxyType(
    {
        "BootstrapInstanceForContainer": StepAction(
            spec=bootstrap_instance_for_container.SPEC, run=bootstrap_instance_for_container.run
        ),
        "ApplyImageConfigurations": StepAction(
            spec=apply_image_configurations.SPEC,
            run=apply_image_configurations.run,
            foresee=apply_image_configurations.foresee,
        ),
        "CollectImageMetadata": StepAction(
            spec=collect_image_metadata.SPEC,
            run=collect_image_metadata.run,
            undo=collect_image_metadata.undo,
        ),
        "CollectImageScanFindings": StepAction(
            spec=collect_image_scan_findings.SPEC, run=collect_image_scan_findings.run
        ),
        "CreateImage": StepAction(spec=create_image.SPEC, run=create_image.run),
        "DistributeContainerImage": StepAction(
            spec=distribute_container_image.SPEC,
            run=distribute_container_image.run,
            foresee=distribute_container_image.foresee,
        ),
        "DistributeImage": StepAction(
            spec=distribute_image.SPEC, run=distribute_image.run, foresee=distribute_image.foresee
        ),
        "ExecuteComponents": StepAction(spec=execute_components.SPEC, run=execute_components.run),
        "ExecuteStateMachine": StepAction(
            spec=execute_state_machine.SPEC,
            run=execute_state_machine.run,
            abandon=execute_state_machine.abandon,
        ),
        "LaunchInstance": StepAction(
            spec=launch_instance.SPEC,
            run=launch_instance.run,
            undo=launch_instance.undo,
            foresee=launch_instance.foresee,
        ),
        "ModifyImageAttributes": StepAction(
            spec=modify_image_attributes.SPEC,
            run=modify_image_attributes.run,
            foresee=modify_image_attributes.foresee,
        ),
        "RegisterImage": StepAction(
            spec=register_image.SPEC, run=register_image.run, foresee=register_image.foresee
        ),
        "RunCommand": StepAction(
            spec=run_command.SPEC, run=run_command.run, foresee=run_command.foresee
        ),
        "SanitizeInstance": StepAction(spec=sanitize_instance.SPEC, run=sanitize_instance.run),
        "TerminateInstance": StepAction(spec=terminate_instance.SPEC, run=terminate_instance.run),
        "WaitForAction": StepAction(spec=wait_for_action.SPEC, run=wait_for_action.run),
        "WaitForSSMAgent": StepAction(spec=wait_for_ssm_agent.SPEC, run=wait_for_ssm_agent.run),
    }
)
"""The actions that this release runs; the others are refused by name before a build starts."""
