"""When pipelines run by themselves: expressions, time zones, the next run (``PIP-10`` to -17).

``read_schedule`` takes an expression and a time zone apart; a ``Schedule`` knows its next run.
Nothing here knows of pipelines.

The dialect is the service's own: six fields, ``L``, ``W`` and ``#``, and weekdays numbered from
Monday. No library that we know reads just that, so these modules do.
"""

from imagewright.schedules.expressions import Schedule, ScheduleError, read_schedule
from imagewright.schedules.zones import UTC_NAME, UnknownZone, find_zone

__all__ = [
    "UTC_NAME",
    "Schedule",
    "ScheduleError",
    "UnknownZone",
    "find_zone",
    "read_schedule",
]
