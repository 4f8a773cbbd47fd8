"""The system variables of a build, ``$.imagebuilder.…`` (``workflow-documents.md`` §5.5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from imagewright.clock import iso_milliseconds
from imagewright.documents.nodes import Plain
from imagewright.documents.specs import Stage, to_plain
from imagewright.documents.workflow.system import S3Location, S3Logs, SystemVariables
from imagewright.engine.plan import BuildPlan

_PHASES: Mapping[Stage, Literal["Build", "Test", "Distribution"]] = {
    Stage.BUILD: "Build",
    Stage.TEST: "Test",
    Stage.DISTRIBUTION: "Distribution",
}
_PLATFORMS: Mapping[str, Literal["Linux", "Windows", "MacOS"]] = {
    "Linux": "Linux",
    "Windows": "Windows",
    "macOS": "MacOS",
}


def system_variables(
    plan: BuildPlan, stage: Stage, *, started_at: datetime | None, base_image_id: str | None
) -> dict[str, Plain]:
    """Return what references may ask; ``started_at`` is the workflow's (§14.10)."""
    infrastructure = plan.infrastructure
    variables = SystemVariables(
        cloud_watch_log_group=plan.log_group,
        cloud_watch_log_stream=f"{plan.version}/{plan.build}",
        collect_image_metadata=plan.collect_metadata,
        collect_image_scan_findings=plan.collect_scan_findings,
        date_time=None if started_at is None else iso_milliseconds(started_at),
        image_build_number=plan.build,
        image_id=base_image_id,
        image_name=plan.image_name,
        image_type=plan.image_type,
        image_version_number=plan.version,
        instance_profile_name=infrastructure.instance_profile_name or None,
        platform=_PLATFORMS[plan.platform],
        s3_logs=_s3_logs(plan),
        security_groups=list(infrastructure.security_group_ids),
        source_image_arn=plan.image_arn,
        subnet_id=infrastructure.subnet_id,
        terminate_instance_on_failure=infrastructure.terminate_on_failure,
        workflow_phase=_PHASES[stage],
        working_directory=plan.working_directory,
    )
    values: Any = to_plain(variables)
    return dict(values)


def _s3_logs(plan: BuildPlan) -> S3Logs | None:
    place = plan.infrastructure
    if place.s3_bucket_name is None:
        return None
    return S3Logs(
        s3_logs=S3Location(s3_bucket_name=place.s3_bucket_name, s3_key_prefix=place.s3_key_prefix)
    )
