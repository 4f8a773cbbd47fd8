"""Parent images of recipes: the forms there are, and what is known of each (RCP-02, RCP-03)."""

import re
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.arns import Arn
from imagewright.call import Call
from imagewright.errors import InvalidParameterValue, ResourceNotFound
from imagewright.store.resources import Stored
from imagewright.versions import VersionPattern

Platform = Literal["Windows", "Linux", "macOS"]

_MEMBER = "parentImage"
_IMAGE = re.compile(
    r"arn:aws[^:]*:imagebuilder:[^:]+:(?P<account>[0-9]{12}|aws(?:-[a-z-]+)?):image/[a-z0-9-_]+/"
    r"(?:(?:[0-9]+|x)(?:\.(?:[0-9]+|x)){2}|[0-9]+(?:\.[0-9]+){2}/[0-9]+)",
    re.ASCII,
)
_AMI = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
_PARAMETER = re.compile(
    r"ssm:(?:arn:aws[^:]*:ssm:[^:]+:[0-9]{12}:parameter/?)?[a-zA-Z0-9_.\-/]+(?::[a-zA-Z0-9_.\-]+)?",
    re.ASCII,
)
_PRODUCT = re.compile(
    r"prod-[a-z0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.ASCII,
)
_REGISTRY_IMAGE = re.compile(
    r"(?:(?:[a-zA-Z0-9.-]+\.[a-zA-Z0-9-]+|localhost)(?::[0-9]{1,5})?/|[a-zA-Z0-9-]+:[0-9]{1,5}/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,128})?",
    re.ASCII,
)
"""``[HOST[:PORT]/]PATH[:TAG][@DIGEST]``, as docker reads it."""
_PRIVATE_ECR = re.compile(r"[0-9]{12}\.dkr\.ecr(?:-fips)?\.[^/]+/", re.ASCII)

_FORMS = (
    "It must be an AMI id, the ARN of an Image Builder image, 'ssm:' with the name or ARN of a "
    "parameter, or the id of a product of the AWS Marketplace."
)


@dataclass(frozen=True, slots=True)
class Parent:
    """What is known of a parent image; None where only a build will tell."""

    platform: Platform | None
    os_version: str | None = None
    image: Stored | None = None
    """Set if the caller owns it: the build that the reference means now."""


def check_form(text: str) -> None:
    """Raise InvalidParameterValue unless a text has one of the forms of a parent image."""
    if text.startswith("arn:") and ":ec2:" in text:
        raise InvalidParameterValue(
            _MEMBER, "The ARN of an AMI is not accepted; give the AMI's id, 'ami-…'."
        )
    if not any(form.fullmatch(text) for form in (_IMAGE, _AMI, _PARAMETER, _PRODUCT)):
        raise InvalidParameterValue(_MEMBER, _FORMS)


def check_container_form(text: str) -> None:
    """Raise InvalidParameterValue unless a text can be a container recipe's parent (CTR-04)."""
    if _IMAGE.fullmatch(text):
        return
    is_of_machines = _AMI.fullmatch(text) or text.startswith("ssm:")
    if is_of_machines or not _REGISTRY_IMAGE.fullmatch(text):
        raise InvalidParameterValue(
            _MEMBER,
            "It must be the ARN of an Image Builder image, or the URI of a container image in a "
            "registry, such as amazonlinux:latest.",
        )


def is_machine_image(text: str) -> bool:
    """Tell whether a text is an AMI's id, or the parameter that holds one (CTR-05)."""
    return bool(_AMI.fullmatch(text) or _PARAMETER.fullmatch(text))


def is_registry_image(text: str) -> bool:
    """Tell whether a parent of a container recipe, whose form was checked, is in a registry."""
    return not _IMAGE.fullmatch(text)


def ecr_kind(text: str) -> str | None:
    """Name the kind of AWS's registries that a text lies in; they do not tell its platform."""
    if text.startswith("public.ecr.aws/"):
        return "ECR Public"
    return "ECR" if _PRIVATE_ECR.match(text) else None


def certain_build(parent: Parent, text: str) -> list[str]:
    """Return the reference to a parent if it means one certain build of the caller's (IMG-62)."""
    return [text] if parent.image is not None and Arn.parse(text).build is not None else []


def find_parent(connection: Connection, text: str, call: Call) -> Parent:
    """Find out what can be known of a parent image whose form was checked.

    An image that AWS, a vendor or a registry would provide is not looked for: recipes are made
    before anybody says what it stands for here.
    Raises ResourceNotFound for an absent image of the caller's, InvalidParameterValue (VER-14).
    """
    form = _IMAGE.fullmatch(text)
    if form is None:
        return Parent(_platform_by_name(text))
    if not form["account"].isdigit():
        _check_vendor_image(text, call)
        return Parent(_platform_by_name(text) or "Linux")
    image = lookup.find(connection, text, call, member=_MEMBER)
    return Parent(_platform(image), image.body.get("osVersion"), image)


def _check_vendor_image(text: str, call: Call) -> None:
    arn = Arn.parse(text)
    VersionPattern.parse(arn.version or "x.x.x", member=_MEMBER)
    if (arn.region, arn.partition) != (call.region, call.partition):
        raise ResourceNotFound(text)


def _platform_by_name(text: str) -> Platform | None:
    """Read the platform from a name such as ``windows-server-2022-english-core-base-x86``."""
    folded = text.lower()
    if "windows" in folded:
        return "Windows"
    return "macOS" if "macos" in folded else None


def _platform(image: Stored) -> Platform | None:
    match image.platform:
        case "Windows" | "Linux" | "macOS" as platform:
            return platform
    return None
