"""What a build is to do, fixed at the moment it was asked for (IMG-06)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

from imagewright.documents.specs import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDocument:
    """A document as the store keeps it: base64, sealed if it names a key."""

    content: str
    sealed_key: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedComponent:
    """A component of the recipe: the build that its reference came to, and its parameters."""

    arn: str
    document: KeptDocument
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWorkflow:
    """A workflow to run: the build that its reference came to, and how."""

    arn: str
    stage: Stage
    document: KeptDocument
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parallel_group: str | None = None
    goes_on_after_failure: bool = False
    """``onFailure: CONTINUE`` of the workflow's configuration (IMG-17)."""
    is_shown: bool = True
    """False: nobody asked for it; it does what the attached configuration says (IMG-14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedContainer:
    """What a container recipe says beside what every recipe does (CTR-01, CTR-02)."""

    template: KeptDocument
    """The Dockerfile, with its variables."""
    repository: str
    """Where the image goes in the registry of its region, without a host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Infrastructure:
    """The part of the infrastructure configuration that a build heeds."""

    instance_types: Sequence[str] = ()
    instance_profile_name: str = ""
    http_tokens: str = "optional"
    """Of the metadata service; the other word is ``required``."""
    http_put_response_hop_limit: int = 1
    security_group_ids: Sequence[str] = ()
    subnet_id: str | None = None
    terminate_on_failure: bool = True
    terminate_on_completion: bool = True
    s3_bucket_name: str | None = None
    s3_key_prefix: str | None = None
    sns_topic_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """Everything a build needs to know; nothing is looked up again later."""

    image_arn: str
    account: str
    region: str
    image_name: str
    version: str
    build: int
    image_type: Literal["AMI", "DOCKER"] = "AMI"
    platform: Literal["Linux", "Windows", "macOS"] = "Linux"
    parent_image: str
    """The reference as the recipe gives it, with own images resolved to a build."""
    working_directory: str = "/tmp"  # noqa: S108 - a path of the machine being built
    components: Sequence[PlannedComponent] = ()
    workflows: Sequence[PlannedWorkflow] = ()
    infrastructure: Infrastructure = Infrastructure()
    collect_metadata: bool = True
    collect_scan_findings: bool = False
    tests_enabled: bool = True
    description: str | None = None
    log_group: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    """The command documents that steps run, by ``command_key``."""
    reuse_layers: bool = True
    """False: ``--no-cache``."""
    pipeline_arn: str | None = None
    """The pipeline that the build is a run of."""
    asked_at: str = "1970-01-01T00:00:00.000Z"
    """When the build was asked for, as the wire has times; the default is for plans of old."""
    execution_role: str | None = None
    distributions: Sequence[Mapping[str, Any]] = ()
    """The regions of the attached distribution configuration, as it was then (IMG-06)."""
    ami_tags: Mapping[str, str] = field(default_factory=dict)
    """The recipe's, for the image itself (TAG-07)."""
    container: PlannedContainer | None = None
    """Of a build of a container recipe."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan as the store keeps it."""
        dumped: dict[str, Any] = _PLAN.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "BuildPlan":
        """Read a stored plan."""
        return _PLAN.validate_python(stored)


def command_key(name: str, version: str) -> str:
    """Return under what name a plan keeps a command document."""
    return f"{name}:{version}"


_PLAN = TypeAdapter(BuildPlan)
