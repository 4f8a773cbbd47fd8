"""The dialect of schedules, as tables: what is read, what is refused, when it runs next."""

from datetime import UTC, datetime, timedelta

import pytest

from imagewright.schedules import (
    ScheduleError,
    UnknownZone,
    find_zone,
    read_schedule,
)

START = "2026-01-01T00:00"  # a Thursday


def at(text: str) -> datetime:
    """Read a time in UTC, unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def runs(expression: str, *, after: str = START, zone: str = "UTC", count: int = 3) -> list[str]:
    """Return the next runs, in UTC."""
    schedule = read_schedule(expression, find_zone(zone))
    moment: datetime | None = at(after)
    found: list[str] = []
    while moment is not None and len(found) < count:
        moment = schedule.next_after(moment, since=at(START))
        if moment is not None:
            found.append(moment.strftime("%Y-%m-%dT%H:%M"))
    return found


NEXT = [
    # Every field by itself.
    ("cron(0 12 * * ? *)", ["2026-01-01T12:00", "2026-01-02T12:00", "2026-01-03T12:00"]),
    ("cron(*/20 * * * ? *)", ["2026-01-01T00:20", "2026-01-01T00:40", "2026-01-01T01:00"]),
    ("cron(5/25 0 * * ? *)", ["2026-01-01T00:05", "2026-01-01T00:30", "2026-01-01T00:55"]),
    ("cron(10-14/2 0 * * ? *)", ["2026-01-01T00:10", "2026-01-01T00:12", "2026-01-01T00:14"]),
    ("cron(58-1 0 * * ? *)", ["2026-01-01T00:01", "2026-01-01T00:58", "2026-01-01T00:59"]),
    ("cron(0 22-2/2 * * ? *)", ["2026-01-01T02:00", "2026-01-01T22:00", "2026-01-02T00:00"]),
    ("cron(0 0 1,15 * ? *)", ["2026-01-15T00:00", "2026-02-01T00:00", "2026-02-15T00:00"]),
    ("cron(0 0 31 * ? *)", ["2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"]),
    ("cron(0 0 1 feb,APR-may ? *)", ["2026-02-01T00:00", "2026-04-01T00:00", "2026-05-01T00:00"]),
    ("cron(0 0 1 */4 ? *)", ["2026-05-01T00:00", "2026-09-01T00:00", "2027-01-01T00:00"]),
    ("cron(0 0 1 1 ? 2030-2032)", ["2030-01-01T00:00", "2031-01-01T00:00", "2032-01-01T00:00"]),
    ("cron(0 0 1 1 ? 2028/4)", ["2028-01-01T00:00", "2032-01-01T00:00", "2036-01-01T00:00"]),
    ("cron(0 0 1 1 ? 2199)", ["2199-01-01T00:00"]),
    # Days of the week: 1 is Monday (O-14).
    ("cron(0 9 ? * MON-FRI *)", ["2026-01-01T09:00", "2026-01-02T09:00", "2026-01-05T09:00"]),
    ("cron(0 9 ? * 1-5 *)", ["2026-01-01T09:00", "2026-01-02T09:00", "2026-01-05T09:00"]),
    ("cron(0 9 ? * sun-tue *)", ["2026-01-04T09:00", "2026-01-05T09:00", "2026-01-06T09:00"]),
    ("cron(0 9 ? * SAT,7 *)", ["2026-01-03T09:00", "2026-01-04T09:00", "2026-01-10T09:00"]),
    ("cron(0 9 ? * * *)", ["2026-01-01T09:00", "2026-01-02T09:00", "2026-01-03T09:00"]),
    # L, W and #.
    ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
    ("cron(0 0 L 2 ? *)", ["2026-02-28T00:00", "2027-02-28T00:00", "2028-02-29T00:00"]),
    ("cron(0 0 LW * ? *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-31T00:00"]),
    ("cron(0 0 1W * ? *)", ["2026-02-02T00:00", "2026-03-02T00:00", "2026-04-01T00:00"]),
    ("cron(0 0 15W * ? *)", ["2026-01-15T00:00", "2026-02-16T00:00", "2026-03-16T00:00"]),
    ("cron(0 0 31W * ? *)", ["2026-01-30T00:00", "2026-03-31T00:00", "2026-05-29T00:00"]),
    ("cron(0 0 ? * L *)", ["2026-01-04T00:00", "2026-01-11T00:00", "2026-01-18T00:00"]),
    ("cron(0 0 ? * FRIL *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00"]),
    ("cron(0 0 ? * 5L *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00"]),
    ("cron(0 0 ? * TUE#2 *)", ["2026-01-13T00:00", "2026-02-10T00:00", "2026-03-10T00:00"]),
    ("cron(0 0 ? * 4#5 *)", ["2026-01-29T00:00", "2026-04-30T00:00", "2026-07-30T00:00"]),
    # Rates count from when they were set.
    ("rate(1 minute)", ["2026-01-01T00:01", "2026-01-01T00:02", "2026-01-01T00:03"]),
    ("rate(12 hour)", ["2026-01-01T12:00", "2026-01-02T00:00", "2026-01-02T12:00"]),
    ("rate(1 hours)", ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-01T03:00"]),
    ("rate( 7  days )", ["2026-01-08T00:00", "2026-01-15T00:00", "2026-01-22T00:00"]),
    # Nothing to run.
    ("cron(0 0 30 2 ? *)", []),
    ("cron(0 0 1 1 ? 1999)", []),
]


@pytest.mark.parametrize(("expression", "expected"), NEXT)
def test_a_schedule_runs_next(expression: str, expected: list[str]) -> None:
    """PIP-10, PIP-11, PIP-13, PIP-14."""
    assert runs(expression) == expected


BAD = [
    # PIP-12: the service's own words, with the place where the text ends.
    ("cron(0 0 * * *)", "Invalid CRON expression: error at position 9, details: Unexpected end of"),
    ("cron(0 0 * * SUN)", "error at position 11, details: Unexpected end of expression."),
    ("cron()", "error at position 0, details: Unexpected end of expression."),
    ("cron(0 0 * * ? * *)", "position 12, details: Unexpected text behind the sixth field."),
    # PIP-11.
    ("cron(0 0 * * * *)", "position 8, details: Exactly one of the day of the month and the day"),
    ("cron(0 0 ? * ? *)", "position 8, details: Exactly one of the day of the month and the day"),
    ("cron(0 0 ? * MON#6 *)", "position 12, details: Behind # stands a number from 1 to 5."),
    ("cron(0 0 ? * MON# *)", "position 12, details: Behind # stands"),
    ("rate(0 minutes)", "the shortest rate is one minute"),
    ("rate(30 seconds)", "a rate is a whole number and minutes, hours or days"),
    ("rate(0.5 hours)", "a rate is a whole number"),
    ("rate(-1 days)", "a rate is a whole number"),
    ("rate(1day)", "a rate is a whole number"),
    ("rate(99999999999999999999999 days)", "the longest rate is a hundred years"),
    # PIP-10: ranges of the fields.
    ("cron(60 0 * * ? *)", "position 0, details: The minute lies between 0 and 59."),
    ("cron(0 24 * * ? *)", "position 2, details: The hour lies between 0 and 23."),
    ("cron(0 0 0 * ? *)", "position 4, details: The day of the month lies between 1 and 31."),
    ("cron(0 0 32W * ? *)", "position 4, details: The day of the month lies between 1 and 31."),
    ("cron(0 0 1 13 ? *)", "position 6, details: The month lies between 1 and 12."),
    ("cron(0 0 ? * 8 *)", "position 8, details: The day of the week lies between 1 and 7."),
    ("cron(0 0 ? * 0 *)", "position 8, details: The day of the week lies between 1 and 7."),
    ("cron(0 0 1 1 ? 1969)", "position 10, details: The year lies between 1970 and 2199."),
    ("cron(0 0 1 1 ? 2030-2029)", "position 15, details: A range of the year goes upwards."),
    ("cron(*/0 0 * * ? *)", "position 2, details: A step of the minute lies between 1 and 59."),
    ("cron(0,61 0 * * ? *)", "position 2, details: The minute lies between"),
    ("cron(0, 0 * * ? *)", "position 2, details: The minute takes numbers, and , - * /."),
    ("cron(? 0 * * ? *)", "position 0, details: The minute takes numbers, and , - * /."),
    ("cron(0 L * * ? *)", "position 2, details: The hour takes numbers"),
    ("cron(0 0 MON * ? *)", "position 4, details: The day of the month takes numbers"),
    ("cron(0 0 L,1 * ? *)", "or alone one of ? L W."),
    ("cron(0 0 ? * NOON *)", "The day of the week takes numbers, names such as MON"),
    ("cron(0 0 ? * MON *-1)", "The year takes numbers"),
    ("cron(1--2 0 * * ? *)", "position 2, details: The minute takes numbers"),
    ("cron(٣ 0 * * ? *)", "The minute takes numbers"),
    # What is neither.
    ("at(2030-01-01T00:00:00)", "An expression is cron("),
    ("0 0 * * ? *", "An expression is cron("),
    ("CRON(0 0 * * ? *)", "An expression is cron("),
    (" cron(0 0 * * ? *)", "An expression is cron("),
]


@pytest.mark.parametrize(("expression", "message"), BAD)
def test_what_is_no_schedule_is_refused_with_its_place(expression: str, message: str) -> None:
    """PIP-10 to PIP-14."""
    with pytest.raises(ScheduleError) as caught:
        read_schedule(expression, UTC)

    assert message in str(caught.value)


ZONES = [
    ("cron(0 9 * * ? *)", "2026-01-01T00:00", "Europe/Zurich", ["2026-01-01T08:00"]),
    ("cron(0 9 * * ? *)", "2026-07-01T00:00", "Europe/Zurich", ["2026-07-01T07:00"]),
    ("cron(0 20 * * ? *)", "2026-01-01T00:00", "America/Los_Angeles", ["2026-01-01T04:00"]),
    ("cron(0 0 1 * ? *)", "2026-01-01T00:00", "Pacific/Kiritimati", ["2026-01-31T10:00"]),
    # 2026-03-29, 02:00 to 03:00 do not exist in Zurich: the run is left out.
    (
        "cron(30 2 * * ? *)",
        "2026-03-28T00:00",
        "Europe/Zurich",
        ["2026-03-28T01:30", "2026-03-30T00:30"],
    ),
    (
        "cron(0 * * * ? *)",
        "2026-03-28T23:30",
        "Europe/Zurich",
        ["2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"],
    ),
    # 2026-10-25, 02:00 to 03:00 come twice: the first time counts.
    (
        "cron(30 2 * * ? *)",
        "2026-10-24T12:00",
        "Europe/Zurich",
        ["2026-10-25T00:30", "2026-10-26T01:30"],
    ),
    (
        "cron(*/30 * * * ? *)",
        "2026-10-24T23:45",
        "Europe/Zurich",
        ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T02:00"],
    ),
    # Asked for within the second time.
    ("cron(45 2 * * ? *)", "2026-10-25T01:15", "Europe/Zurich", ["2026-10-26T01:45"]),
]


@pytest.mark.parametrize(("expression", "after", "zone", "expected"), ZONES)
def test_cron_goes_by_the_clocks_of_its_zone(
    expression: str, after: str, zone: str, expected: list[str]
) -> None:
    """PIP-15, PIP-17."""
    assert runs(expression, after=after, zone=zone, count=len(expected)) == expected


def test_the_next_run_lies_behind_the_moment_even_on_the_minute() -> None:
    every_minute = read_schedule("cron(* * * * ? *)", UTC)
    rate = read_schedule("rate(5 minutes)", UTC)
    moment = at("2026-01-01T00:05")

    assert every_minute.next_after(moment, since=moment) == moment + timedelta(minutes=1)
    assert rate.next_after(moment, since=at(START)) == moment + timedelta(minutes=5)


def test_a_rate_that_slept_goes_on_in_its_own_rhythm() -> None:
    assert runs("rate(1 day)", after="2026-03-10T11:00", count=1) == ["2026-03-11T00:00"]


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Europe/Zurich", "Etc/GMT+5", "EST5EDT"])
def test_zones_are_known_by_their_iana_names(zone: str) -> None:
    """PIP-15."""
    assert at(START).astimezone(find_zone(zone)) == at(START)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Etc", "zzz", "Europe/../Zurich"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    """PIP-15."""
    with pytest.raises(UnknownZone, match="no time zone"):
        find_zone(zone)
