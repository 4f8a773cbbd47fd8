"""Optional members: there or not, never empty (WIRE-10)."""

from collections.abc import Mapping
from typing import Any


def given(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return those of the named members that are there."""
    return {name: source[name] for name in names if name in source}
