"""The variables of a template: what a build puts into it, and where each may stand (CTR-03)."""

import re
from enum import StrEnum
from typing import Final


class Variable(StrEnum):
    """What a build puts in the place of ``{{{ imagebuilder:NAME }}}``."""

    PARENT_IMAGE = "parentImage"
    ENVIRONMENTS = "environments"
    COMPONENTS = "components"

    @property
    def written(self) -> str:
        """As a template has it."""
        return f"{{{{{{ imagebuilder:{self} }}}}}}"


VARIABLE: Final = re.compile(r"(?<!\{)\{{3}[ \t]*imagebuilder:([^{}\s]*)[ \t]*\}{3}(?!\})")
"""Finds variables; the group is the name, of those that there are or another."""
