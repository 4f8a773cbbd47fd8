"""The schedule of a pipeline: checked, and when it starts the next build (PIP-10 to PIP-15)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from imagewright.api.shapes import Schedule
from imagewright.clock import iso_milliseconds
from imagewright.errors import InvalidParameterValue
from imagewright.schedules import (
    UTC_NAME,
    ScheduleError,
    UnknownZone,
    find_zone,
    read_schedule,
)


def checked_schedule(schedule: Schedule) -> Schedule:
    """Return a schedule as it is stored: as it was given, with its time zone (PIP-03, O-15).

    Raises InvalidParameterValue for what is no expression, and no time zone.
    """
    if "scheduleExpression" not in schedule:
        raise InvalidParameterValue(
            "schedule.scheduleExpression",
            "A schedule needs an expression; leave 'schedule' out for a pipeline that runs on "
            "request only.",
        )
    name = schedule.get("timezone", UTC_NAME)
    try:
        zone = find_zone(name)
    except UnknownZone as error:
        raise InvalidParameterValue("schedule.timezone", str(error)) from None
    try:
        read_schedule(schedule["scheduleExpression"], zone)
    except ScheduleError as error:
        raise InvalidParameterValue(
            "schedule.scheduleExpression", f"Invalid schedule expression. Details: {error}"
        ) from None
    return cast("Schedule", {**schedule, "timezone": name})


def next_run(body: Mapping[str, Any], *, since: datetime, after: datetime) -> str | None:
    """Return when a pipeline with this body builds next by itself, as the wire spells it.

    None for one that is disabled, or has no schedule, or one that is over (PIP-33). ``since``:
    when the schedule was set.
    """
    schedule = body.get("schedule")
    if schedule is None or body["status"] != "ENABLED":
        return None
    read = read_schedule(schedule["scheduleExpression"], find_zone(schedule["timezone"]))
    found = read.next_after(after, since=since)
    return None if found is None else iso_milliseconds(found)
