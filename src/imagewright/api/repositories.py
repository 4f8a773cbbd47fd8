"""Repositories of container images, as recipes and distributions name them (CTR-01, DST-05)."""

import re

from imagewright.api.parents import ecr_kind
from imagewright.api.shapes import TargetContainerRepository
from imagewright.errors import InvalidParameterValue

_NAME = re.compile(r"(?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*/)*[a-z0-9]+(?:[._-]+[a-z0-9]+)*", re.ASCII)
_CHARACTERS = range(2, 257)
"""What ECR allows of a name."""


def check_repository(repository: TargetContainerRepository, *, path: str) -> None:
    """Check the name of a repository; ``path`` is where it stands in the request.

    Whether it is there is for a build to find out. Raises InvalidParameterValue.
    """
    name = repository["repositoryName"]
    if ecr_kind(name) or len(name) not in _CHARACTERS or not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"{path}.repositoryName",
            "It must be the name of a repository, such as team-a/web, without a registry's host "
            "and without a tag.",
        )
