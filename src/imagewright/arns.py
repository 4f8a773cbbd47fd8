"""Names of resources on the wire: ARNs and slugs (``api-behaviour.md`` §1)."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from imagewright.versions import Version

MANAGED_ACCOUNT = "aws"
REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+", re.ASCII)
"""What a region is called: ``us-east-1``, ``local-dc-1`` (ARN-04)."""


class Kind(StrEnum):
    """The nine kinds of resources, as ARNs spell them (ARN-01)."""

    COMPONENT = "component"
    CONTAINER_RECIPE = "container-recipe"
    DISTRIBUTION_CONFIGURATION = "distribution-configuration"
    IMAGE = "image"
    IMAGE_PIPELINE = "image-pipeline"
    IMAGE_RECIPE = "image-recipe"
    INFRASTRUCTURE_CONFIGURATION = "infrastructure-configuration"
    LIFECYCLE_POLICY = "lifecycle-policy"
    WORKFLOW = "workflow"

    @property
    def camel_case(self) -> str:
        """As messages spell it: ``ImageRecipe`` (VER-06)."""
        return "".join(word.capitalize() for word in self.split("-"))

    @property
    def plural(self) -> str:
        """As prose spells several of it: ``image recipes``."""
        words = self.replace("-", " ")
        return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"

    @property
    def has_builds(self) -> bool:
        """Whether a version of it has numbered builds (VER-01)."""
        return self in {Kind.COMPONENT, Kind.IMAGE, Kind.WORKFLOW}

    @property
    def has_versions(self) -> bool:
        """Whether it is versioned at all."""
        return self.has_builds or self in {Kind.IMAGE_RECIPE, Kind.CONTAINER_RECIPE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """An Image Builder ARN, taken apart.

    ``path`` is the slug, for workflows with the type before it (``build/my-workflow``): the
    type is part of a workflow's identity. ``version`` is the text as written, perhaps with
    ``x`` nodes.
    """

    partition: str
    region: str
    account: str
    kind: Kind
    path: str
    version: str | None = None
    build: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an ARN apart whose syntax the model has checked.

        Raises ValueError if it is none of the nine kinds.
        """
        _, partition, _, region, account, resource = text.split(":", 5)
        kind_text, *rest = resource.split("/")
        kind = Kind(kind_text)
        name_parts = 2 if kind is Kind.WORKFLOW else 1
        name, tail = rest[:name_parts], rest[name_parts:]
        if len(name) < name_parts or len(tail) > 2:
            raise ValueError(f"{text} is not the ARN of a resource")
        return cls(
            partition=partition,
            region=region,
            account=account,
            kind=kind,
            path="/".join(name),
            version=tail[0] if tail else None,
            build=_build_number(tail[1]) if len(tail) == 2 else None,
        )

    def __str__(self) -> str:
        version = "" if self.version is None else f"/{self.version}"
        build = "" if self.build is None else f"/{self.build}"
        return (
            f"arn:{self.partition}:imagebuilder:{self.region}:{self.account}:"
            f"{self.kind.value}/{self.path}{version}{build}"
        )

    @property
    def is_managed(self) -> bool:
        """Whether the product ships it, rather than an account having made it (OWN-03)."""
        return self.account == MANAGED_ACCOUNT

    def with_version(self, version: str | None, build: int | None = None) -> Self:
        """Name another version of the same resource."""
        return replace(self, version=version, build=build)


def slug_of(name: str) -> str:
    """Make the ARN's form of a resource name (NAM-02, NAM-03)."""
    return name.lower().replace(" ", "-").replace("_", "-")


def version_number(arn: Arn) -> Version:
    """Return the numbers of an ARN with an exact version."""
    if arn.version is None:
        raise ValueError(f"{arn} has no version")
    return Version.parse(arn.version)


def _build_number(digits: str) -> int:
    """Read a build number; of one that is absurdly long the beginning is large enough."""
    return int(digits.lstrip("0")[:20] or "0")
