"""What images and their copies are called, and the variables in that (DST-03, IMG-51)."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from imagewright.engine.plan import BuildPlan

NAME_CHARACTERS_MAX: Final = 128
_TAG_KEY_CHARACTERS_MAX: Final = 128
_TAG_VALUE_CHARACTERS_MAX: Final = 256
_TAG_KEY: Final = re.compile(r"(?!aws:)[a-zA-Z0-9\s_.:/=+\-@]{1,128}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}", re.ASCII)
_VARIABLE: Final = re.compile(r"\{\{\s*(?P<kind>imagebuilder|ssm):(?P<rest>[^{}]*?)\s*\}\}")
_DATE_PART: Final = re.compile(r"(?P<quoted>'[^']*')|(?P<letters>([A-Za-z])\3*)|(?P<other>.)")
_LETTERS: Final = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
}


class BadVariable(ValueError):
    """A text has a variable that stands for nothing; the message is a clause about the text."""


def default_name(plan: BuildPlan) -> str:
    """Return what an image is called that nobody named: its name and when it was asked for."""
    return f"{plan.image_name} {_hyphened(plan.asked_at)}"


def own_name(plan: BuildPlan) -> str:
    """Return what an image is called in its own region: as its configuration says (§7.6)."""
    name = _said_of_own_region(plan).get("name")
    return default_name(plan) if name is None else expanded(name, plan)


def own_description(plan: BuildPlan) -> str | None:
    """Return the description of an image in its own region: the recipe's unless told (DST-02)."""
    description = _said_of_own_region(plan).get("description")
    return plan.description if description is None else expanded(description, plan)


def own_tags(plan: BuildPlan) -> dict[str, str]:
    """Return the tags with which an image is made (§7.6, TAG-07)."""
    return {
        "CreatedBy": "EC2 Image Builder",
        "Ec2ImageBuilderArn": plan.image_arn,
        **plan.ami_tags,
    }


def own_problems(plan: BuildPlan) -> Iterator[str]:
    """Say why an image cannot be called, or described, as its configuration says."""
    said = _said_of_own_region(plan)
    if "name" in said:
        yield from (f"its name {why}" for why in name_problems(said["name"], plan))
    if "description" in said:
        yield from (f"its description {why}" for why in text_problems(said["description"], plan))


def _said_of_own_region(plan: BuildPlan) -> Mapping[str, Any]:
    for entry in plan.distributions:
        if entry["region"] == plan.region:
            said: Mapping[str, Any] = entry.get("amiDistributionConfiguration", {})
            return said
    return {}


def expanded(text: str, plan: BuildPlan) -> str:
    """Put in what the variables of a name, a description or a tag stand for.

    ``{{ imagebuilder:buildDate }}`` is the moment at which the build was asked for, with a format
    in the letters of Java's dates behind a further colon; ``{{ imagebuilder:buildVersion }}`` is
    version and build, ``1.0.0/1``. Raises BadVariable.
    """
    return _VARIABLE.sub(lambda found: _value(found, plan), text)


def name_problems(text: str, plan: BuildPlan) -> Iterator[str]:
    """Say why a text cannot name an image: clauses after ``its name``."""
    try:
        name = expanded(text, plan)
    except BadVariable as error:
        yield str(error)
        return
    if not _NAME.fullmatch(name):
        yield (
            f"comes to {name!r}, and the name of an image has 3 to {NAME_CHARACTERS_MAX} letters, "
            "digits, spaces, and ( ) [ ] . / - ' @ _"
        )


def text_problems(text: str, plan: BuildPlan) -> Iterator[str]:
    """Say which variables of a description or a tag stand for nothing."""
    try:
        expanded(text, plan)
    except BadVariable as error:
        yield str(error)


def tag_problems(key: str, value: str, plan: BuildPlan) -> Iterator[str]:
    """Say why an image cannot have a tag (TAG-02): clauses after ``its tag KEY``."""
    if not _TAG_KEY.fullmatch(key):
        yield (
            f"has a key that is none: one has 1 to {_TAG_KEY_CHARACTERS_MAX} letters, digits, "
            "spaces, and _ . : / = + - @, and does not begin with aws:"
        )
    try:
        length = len(expanded(value, plan))
    except BadVariable as error:
        yield str(error)
        return
    if length > _TAG_VALUE_CHARACTERS_MAX:
        yield f"has {length} characters, and may have {_TAG_VALUE_CHARACTERS_MAX}"


def _value(found: "re.Match[str]", plan: BuildPlan) -> str:
    name, colon, form = found["rest"].partition(":")
    if found["kind"] == "imagebuilder" and name == "buildVersion" and not colon:
        return f"{plan.version}/{plan.build}"
    if found["kind"] == "imagebuilder" and name == "buildDate":
        if not colon:
            return _hyphened(plan.asked_at)
        return _formatted(datetime.fromisoformat(plan.asked_at), form)
    raise BadVariable(
        f"has the variable {found[0]}, and there are {{{{ imagebuilder:buildDate }}}}, "
        "{{ imagebuilder:buildDate:yyyyMMdd }} and {{ imagebuilder:buildVersion }}"
    )


def _hyphened(moment: str) -> str:
    return moment.replace(":", "-")


def _formatted(moment: datetime, form: str) -> str:
    parts = []
    for found in _DATE_PART.finditer(form):
        if found["quoted"]:
            parts.append(found["quoted"][1:-1] or "'")
        elif (letters := found["letters"]) is None:
            parts.append(found["other"])
        elif letters == "S" * len(letters) and len(letters) <= 6:
            parts.append(f"{moment.microsecond:06d}"[: len(letters)])
        elif letters in _LETTERS:
            parts.append(moment.strftime(_LETTERS[letters]))
        else:
            raise BadVariable(
                f"has a date with {letters}, and dates have {', '.join(_LETTERS)}, S to SSSSSS, "
                "and other letters between single quotes"
            )
    return "".join(parts)
