"""Time zones by their IANA names (PIP-15)."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

UTC_NAME = "UTC"


class UnknownZone(Exception):
    """No time zone has this name here; the message says so."""


def find_zone(name: str) -> tzinfo:
    """Return the time zone of a name. Raises UnknownZone."""
    if name == UTC_NAME:
        return UTC  # it needs no database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones
        if not available_timezones():
            raise UnknownZone(
                "This host has no time zone database, so that UTC is the only zone; install the "
                "package tzdata."
            ) from None
        raise UnknownZone(
            f"'{name}' is no time zone of the IANA database; zones are called Europe/Zurich, "
            "America/Los_Angeles, Etc/UTC."
        ) from None
