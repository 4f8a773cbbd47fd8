"""Dockerfile templates of container recipes: the variables, and where they must stand (CTR-03).

What a variable comes to is for a build to say. Here is checked what the user guide asks of a
template ("Create a new version of a container recipe"), so that no recipe is kept of which every
build would fail.
"""

import re

from imagewright.documents.diagnostics import did_you_mean
from imagewright.documents.dockerfile.variables import VARIABLE, Variable
from imagewright.errors import InvalidParameterValue

_KNOWN = frozenset(Variable)
_SHOWN_MAX = 60
"""How much of a variable's name a message holds."""


def check_template(text: str, *, member: str, has_components: bool) -> None:
    """Check the variables of a template; ``member`` carried it.

    The parent image must be there, and where the recipe has components, what prepares for them,
    before them. Raises InvalidParameterValue for the first that is wrong, by its line.
    """
    places: dict[str, int] = {}
    for found in VARIABLE.finditer(text):
        name = found[1]
        if name not in _KNOWN:
            raise InvalidParameterValue(member, _unknown(text, found))
        places.setdefault(name, found.start())
    required = [Variable.PARENT_IMAGE, *([Variable.ENVIRONMENTS] if has_components else [])]
    for variable in required:
        if variable not in places:
            raise InvalidParameterValue(member, _missing(text, variable))
    components = places.get(Variable.COMPONENTS)
    if has_components and components is not None and components < places[Variable.ENVIRONMENTS]:
        raise InvalidParameterValue(
            member,
            f"Line {_line(text, components)}: {Variable.COMPONENTS.written} stands before "
            f"{Variable.ENVIRONMENTS.written}, which brings what it runs.",
        )


def _unknown(text: str, found: re.Match[str]) -> str:
    meant = did_you_mean(found[1], list(Variable))
    instead = f"Did you mean {Variable(meant).written}?" if meant else f"There are: {_all()}."
    name = found[1] if len(found[1]) <= _SHOWN_MAX else f"{found[1][:_SHOWN_MAX]}…"
    return f"Line {_line(text, found.start())}: there is no variable '{name}'. {instead}"


def _missing(text: str, variable: Variable) -> str:
    why = "" if variable is Variable.PARENT_IMAGE else " because the recipe has components"
    problem = f"The template must contain {variable.written}{why}."
    place = text.find(f"imagebuilder:{variable}")
    if place >= 0:
        problem += f" In line {_line(text, place)} it does not stand between three braces."
    return problem


def _all() -> str:
    return ", ".join(variable.written for variable in Variable)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
