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
_ELSEWHERE = (
    re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII),
    re.compile(
        r"ssm:(?:arn:aws[^:]*:ssm:[^:]+:[0-9]{12}:parameter/?)?[a-zA-Z0-9_.\-/]+"
        r"(?::[a-zA-Z0-9_.\-]+)?",
        re.ASCII,
    ),
    re.compile(r"prod-[a-z0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII),
)
"""What we can tell only by its form: an AMI, a parameter, a product of the marketplace."""

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
    if not any(form.fullmatch(text) for form in (_IMAGE, *_ELSEWHERE)):
        raise InvalidParameterValue(_MEMBER, _FORMS)


def find_parent(connection: Connection, text: str, call: Call) -> Parent:
    """Find out what can be known of a parent image whose form was checked.

    An image that AWS or a vendor would provide is not looked for: recipes are made before
    anybody says what it stands for here.
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
