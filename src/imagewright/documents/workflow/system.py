"""The system variables, ``$.imagebuilder.…`` (§5.5, with the decisions of §14.7 and §14.10)."""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.documents.shapes import Record, about, record_of


@dataclass(frozen=True, kw_only=True)
class S3Location:
    """A place in a bucket."""

    s3_bucket_name: str | None = field(default=None, metadata=about("The bucket."))
    s3_key_prefix: str | None = field(default=None, metadata=about("What keys begin with."))


@dataclass(frozen=True, kw_only=True)
class S3Logs:
    """Where logs go."""

    s3_logs: S3Location | None = field(default=None, metadata=about("The place for logs."))


@dataclass(frozen=True, kw_only=True)
class SystemVariables:
    """What a workflow may ask about the build it is part of. None: a reference to it fails."""

    cloud_watch_log_group: str | None = field(
        default=None, metadata=about("`/aws/imagebuilder/<recipe name>`.")
    )
    cloud_watch_log_stream: str | None = field(default=None, metadata=about("`1.0.0/1`."))
    collect_image_metadata: bool | None = field(
        default=None, metadata=about("`enhancedImageMetadataEnabled` of the request.")
    )
    collect_image_scan_findings: bool | None = field(
        default=None, metadata=about("`imageScanningEnabled` of the request.")
    )
    date_time: str | None = field(
        default=None, metadata=about("When the workflow started, ISO 8601 in UTC.")
    )
    image_build_number: int | None = field(
        default=None, metadata=about("The image's build number.")
    )
    image_id: str | None = field(default=None, metadata=about("The id of the base image."))
    image_name: str | None = field(default=None, metadata=about("The image's name."))
    image_type: Literal["AMI", "DOCKER"] | None = field(
        default=None, metadata=about("What comes out: `AMI` or `DOCKER`.")
    )
    image_version_number: str | None = field(default=None, metadata=about("`1.0.0`."))
    instance_profile_name: str | None = field(
        default=None, metadata=about("From the infrastructure configuration.")
    )
    platform: Literal["Linux", "Windows", "MacOS"] | None = field(
        default=None, metadata=about("`Linux`, `Windows` or `MacOS`.")
    )
    s3_logs: S3Logs | None = field(default=None, metadata=about("Where logs go."))
    security_groups: list[str] | None = field(
        default=None, metadata=about("From the infrastructure configuration.")
    )
    source_image_arn: str | None = field(
        default=None,
        metadata=about("The image resource the stages work on.", wire="sourceImageARN"),
    )
    subnet_id: str | None = field(
        default=None, metadata=about("From the infrastructure configuration.")
    )
    terminate_instance_on_failure: bool | None = field(
        default=None, metadata=about("From the infrastructure configuration.")
    )
    workflow_phase: Literal["Build", "Test", "Distribution"] | None = field(
        default=None, metadata=about("The stage that runs.")
    )
    working_directory: str | None = field(
        default=None, metadata=about("`/tmp` by default, `C:/` on Windows.")
    )


SYSTEM_VARIABLES: Record = record_of(SystemVariables)


def system_variable_name(name: str) -> str | None:
    """Find a variable: exactly, or else whatever its case (§5.5: `$.imagebuilder.Platform`)."""
    if SYSTEM_VARIABLES.member(name) is not None:
        return name
    folded = name.lower()
    return next((known for known in SYSTEM_VARIABLES.names if known.lower() == folded), None)
