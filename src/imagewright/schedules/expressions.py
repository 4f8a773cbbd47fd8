"""Schedule expressions: ``cron(…)`` and ``rate(…)``, and when they run next (PIP-10 to PIP-17)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

from imagewright.schedules.cron_fields import (
    CronError,
    Days,
    days_of_month,
    days_of_week,
    numbers,
    split_fields,
)

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_RATE_MAX = timedelta(days=36_500)


class ScheduleError(Exception):
    """An expression that is none; the message says what is wrong, in the service's words."""


class Schedule(Protocol):
    """A schedule that was read."""

    def next_after(self, moment: datetime, *, since: datetime) -> datetime | None:
        """Return the first run after a moment, in UTC; None if there is none any more.

        ``since``: when the schedule was set, from which rates count.
        """
        ...


def read_schedule(expression: str, zone: tzinfo) -> Schedule:
    """Read an expression, whose cron times are those of a time zone. Raises ScheduleError."""
    match = re.fullmatch(r"(cron|rate)\((.*)\)", expression, re.DOTALL)
    if match is None:
        raise ScheduleError(
            "An expression is cron(<minute> <hour> <day> <month> <weekday> <year>) or "
            "rate(<number> <minutes, hours or days>)."
        )
    if match[1] == "rate":
        return _read_rate(match[2])
    try:
        return _read_cron(match[2], zone)
    except CronError as error:
        raise ScheduleError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often."""

    every: timedelta

    def next_after(self, moment: datetime, *, since: datetime) -> datetime | None:
        """See ``Schedule``."""
        passed = max(0, (moment - since) // self.every)
        return since + self.every * (passed + 1)


@dataclass(frozen=True, slots=True)
class Cron:
    """At certain times of certain days, by the clocks of a place."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: Days
    months: frozenset[int]
    years: frozenset[int]
    zone: tzinfo

    def next_after(self, moment: datetime, *, since: datetime) -> datetime | None:
        """See ``Schedule``.

        What the clocks skip in spring does not run, what they repeat in autumn runs the first
        time (PIP-17).
        """
        here = moment.astimezone(self.zone).replace(tzinfo=None)
        hours, minutes = sorted(self.hours), sorted(self.minutes)
        times = [time(hour, minute) for hour in hours for minute in minutes]
        for day in self._days_from(here.date()):
            for each in times:
                wall = datetime.combine(day, each)
                if wall <= here:
                    continue
                found = wall.replace(tzinfo=self.zone).astimezone(UTC)
                is_skipped = found.astimezone(self.zone).replace(tzinfo=None) != wall
                if not is_skipped and found > moment:
                    return found
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= first.year):
            for month in sorted(self.months):
                day = max(date(year, month, 1), first)
                while (day.year, day.month) == (year, month):
                    if self.days(day):
                        yield day
                    day += timedelta(1)


def _read_rate(text: str) -> Rate:
    match = re.fullmatch(r"\s*([0-9]+)\s+(minute|hour|day)s?\s*", text, re.ASCII)
    if match is None:
        raise ScheduleError(
            "Invalid RATE expression: a rate is a whole number and minutes, hours or days, as in "
            "rate(12 hours)."
        )
    number = int(match[1][:20])
    if number == 0:
        raise ScheduleError("Invalid RATE expression: the shortest rate is one minute.")
    if number > _RATE_MAX // _UNITS[match[2]]:
        raise ScheduleError("Invalid RATE expression: the longest rate is a hundred years.")
    return Rate(number * _UNITS[match[2]])


def _read_cron(text: str, zone: tzinfo) -> Cron:
    minute, hour, day, month, weekday, year = split_fields(text)
    if day.is_open == weekday.is_open:
        raise weekday.error(
            0, "Exactly one of the day of the month and the day of the week must be ?."
        )
    return Cron(
        minutes=numbers(minute),
        hours=numbers(hour),
        days=days_of_week(weekday) if day.is_open else days_of_month(day),
        months=numbers(month),
        years=numbers(year),
        zone=zone,
    )
