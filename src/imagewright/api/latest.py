"""References to the latest of a resource (``api-behaviour.md`` §2.4)."""

from imagewright.api.shapes import LatestVersionReferences
from imagewright.arns import Arn


def latest_version_references(arn: Arn) -> LatestVersionReferences:
    """Name the wildcard ARNs that this version falls under (VER-21 to VER-24).

    Computed from the ARN alone; for what the product ships only the widest is shown.
    """
    latest: LatestVersionReferences = {"latestVersionArn": str(arn.with_version("x.x.x"))}
    if arn.is_managed or arn.version is None:
        return latest
    major, minor, _ = arn.version.split(".")
    return {
        **latest,
        "latestMajorVersionArn": str(arn.with_version(f"{major}.x.x")),
        "latestMinorVersionArn": str(arn.with_version(f"{major}.{minor}.x")),
        "latestPatchVersionArn": str(arn.with_version(arn.version)),
    }
