"""How a resource shows itself in answers: what all kinds show alike (sections 2.5 and 6)."""

from typing import Any

from imagewright.api.members import given
from imagewright.arns import Arn
from imagewright.store.resources import Stored


def owner_of(arn: Arn) -> str:
    """Name the owner as answers do (OWN-01)."""
    return "Amazon" if arn.is_managed else arn.account


def identity(stored: Stored) -> dict[str, Any]:
    """Show what every answer about a versioned resource begins with."""
    shown = {
        "arn": str(stored.arn),
        "name": stored.name,
        "version": stored.arn.version,
        "owner": owner_of(stored.arn),
    }
    optional = {
        "type": stored.type,
        "platform": stored.platform,
        "description": stored.description,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def build_entry(stored: Stored) -> dict[str, Any]:
    """Show one build."""
    return {
        **identity(stored),
        "dateCreated": stored.created_at,
        **given(stored.body, "changeDescription"),
    }


def version_entry(stored: Stored) -> dict[str, Any]:
    """Show a version by its newest build, with the date of its first (VER-25)."""
    return _without_build(stored, stored.arn.version)


def name_entry(stored: Stored) -> dict[str, Any]:
    """Show a name by its newest version (O-11)."""
    return _without_build(stored, "x.x.x")


def _without_build(stored: Stored, version: str | None) -> dict[str, Any]:
    arn = stored.arn.with_version(version)
    return {**identity(stored), "arn": str(arn), "dateCreated": stored.first_created_at}
