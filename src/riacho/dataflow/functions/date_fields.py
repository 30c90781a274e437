"""The moment that the fields of a date pattern say: as `java.time` resolves them, or leniently, as `Calendar` does.

Weeks are those of the United States: they begin on Sunday, and the first one of a year, or of a month, is that which
has its first day. Weekdays are numbered from 1, a Monday.

Source: Java, `ResolverStyle.SMART` and `GregorianCalendar`; Flink, `DateTimeUtils`, for what is missing.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta

Fields = Mapping[str, int]
"""Name to number, in the order of the pattern."""

_JULIAN_DAY_0 = date(1858, 11, 17)
"""Of modified Julian days."""

_LONGEST_MONTH = 31


def read_exactly(fields: Fields) -> datetime:
    """As Java's smart resolver. Raises `ValueError` for fields that contradict each other or are none.

    A day past the month's end, up to the 31st, is its last; 24:00:00 is the next day's begin. Fields that make no date
    together stand for themselves, and what is missing is that of 1970-01-01.
    """
    found = _exact_date(fields)
    clock, ends_day = _exact_time(fields)
    if found is None:
        found = date(fields.get("year", 1970), fields.get("month", 1), fields.get("day", 1))
        return datetime.combine(found, clock)
    for name, value in _facts(found).items():
        if fields.get(name, value) != value:
            raise ValueError(f"{found} has another {name}")
    if ends_day and found == date.max:
        raise ValueError("it ends the last day")
    return datetime.combine(found + timedelta(days=ends_day), clock)


def _facts(day: date) -> dict[str, int]:
    """What must be so of a date where it is said."""
    saturday = min(day.toordinal() + 6 - day.isoweekday() % 7, date.max.toordinal())
    last_of_week = date.fromordinal(saturday)
    return {
        "year": day.year,
        "month": day.month,
        "quarter": (day.month + 2) // 3,
        "day_of_year": day.timetuple().tm_yday,
        "weekday": day.isoweekday(),
        "week_year": last_of_week.year,
        "week": (last_of_week.timetuple().tm_yday + 6) // 7,
        "week_of_month": (day.day + 6 + day.replace(day=1).isoweekday() % 7) // 7,
    }


def _exact_date(fields: Fields) -> date | None:
    """The date that the fields make together, if they make one."""
    try:
        if "julian_day" in fields:
            return _JULIAN_DAY_0 + timedelta(days=fields["julian_day"])
        if {"year", "month", "day"} <= fields.keys():
            year, month, day = fields["year"], fields["month"], fields["day"]
            if day <= _LONGEST_MONTH and 1 <= month <= 12 and MINYEAR <= year <= MAXYEAR:
                day = min(day, calendar.monthrange(year, month)[1])
            return date(year, month, day)
        if {"year", "day_of_year"} <= fields.keys():
            return date(fields["year"], 1, 1) + timedelta(days=fields["day_of_year"] - 1)
        if {"week_year", "week", "weekday"} <= fields.keys():
            first = _sunday(date(fields["week_year"], 1, 1))
            return first + timedelta(weeks=fields["week"] - 1, days=fields["weekday"] % 7)
        if {"year", "month", "week_of_month", "weekday"} <= fields.keys():
            first = _sunday(date(fields["year"], fields["month"], 1))
            return first + timedelta(weeks=fields["week_of_month"] - 1, days=fields["weekday"] % 7)
    except OverflowError as error:
        raise ValueError(*error.args) from error
    return None


def _sunday(day: date) -> date:
    """The begin of its week."""
    return day - timedelta(days=day.isoweekday() % 7)


_HALF_ALONE = (6, 18)
"""The hours that AM and PM are without any other field of the time."""


def _exact_time(fields: Fields) -> tuple[time, bool]:
    """The time, and whether it is the end of its day. An hour of a half day says nothing without its half."""
    if "nano_of_day" in fields:
        return _since_midnight(fields["nano_of_day"] // 1000), False
    if "milli_of_day" in fields:
        return _since_midnight(fields["milli_of_day"] * 1000), False
    for name, least, most in (("hour24", 1, 24), ("hour12", 1, 12), ("hour11", 0, 11)):
        if not least <= fields.get(name, least) <= most:
            raise ValueError(f"there is no {name} {fields[name]}")
    half, rest = fields.get("half"), [fields.get(name) for name in ("minute", "second", "fraction")]
    hour = fields.get("hour")
    if hour is None and "hour24" in fields:
        hour = fields["hour24"] % 24
    if hour is None and half is not None:
        twelfth = fields.get("hour12", fields.get("hour11"))
        if twelfth is not None:
            hour = 12 * half + twelfth % 12
        elif rest == [None, None, None]:
            hour = _HALF_ALONE[half]
    minute, second, fraction = (value or 0 for value in rest)
    if (hour, minute, second, fraction) == (24, 0, 0, 0):
        return time(), True
    return time(hour or 0, minute, second, fraction), False


def _since_midnight(microseconds: int) -> time:
    if microseconds >= 86_400_000_000:
        raise ValueError("it is longer than a day")
    return (datetime(1970, 1, 1) + timedelta(microseconds=microseconds)).time()  # noqa: DTZ001 - local by intention


def read_leniently(fields: Fields) -> datetime:
    """Fields too large carry over. Raises `OverflowError` beyond the years that there are.

    Of fields that say the day in several ways those count that stand last.
    """
    carried, month = divmod(fields.get("month", 1) - 1, 12)
    year = fields.get("year", 1970) + carried
    if fields.get("era", 1) == 0 or not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(year)
    hour = fields.get("hour", fields["hour24"] % 24 if "hour24" in fields else None)
    if hour is None:
        hour = 12 * fields.get("half", 0) + fields.get("hour12", fields.get("hour11", 0)) % 12
    moment = timedelta(
        hours=hour,
        minutes=fields.get("minute", 0),
        seconds=fields.get("second", 0),
        milliseconds=fields.get("millisecond", 0),
    )
    return datetime.combine(_lenient_date(fields, year, month + 1), time()) + moment


def _lenient_date(fields: Fields, year: int, month: int) -> date:
    place = {name: index for index, name in enumerate(fields, 1)}
    if place.get("week_year", 0) > place.get("year", 0):
        first = _sunday(date(_within(fields["week_year"]), 1, 1))
        return first + timedelta(weeks=fields.get("week", 1) - 1, days=fields.get("weekday", 7) % 7)
    weekday = place.get("weekday", 0)

    def together(name: str) -> int:
        """Where a week and its day are said."""
        return max(place[name], weekday) if name in place and weekday else 0

    said = {name: place.get(name, 0) for name in ("day", "day_of_year")}
    said |= {name: together(name) for name in ("week_of_month", "weekday_in_month", "week")}
    if not any(said.values()):
        said |= {name: place.get(name, 0) for name in ("week_of_month", "week")}
        said["weekday_in_month"] = max(place.get("weekday_in_month", 0), weekday)
    first, days = date(year, month, 1), timedelta(days=fields.get("weekday", 7) % 7)
    match max(said, key=lambda name: said[name]) if any(said.values()) else "":
        case "day_of_year":
            return date(year, 1, 1) + timedelta(days=fields["day_of_year"] - 1)
        case "week":
            return _sunday(date(year, 1, 1)) + timedelta(weeks=fields["week"] - 1) + days
        case "week_of_month":
            return _sunday(first) + timedelta(weeks=fields["week_of_month"] - 1) + days
        case "weekday_in_month":
            ahead = (fields.get("weekday", 7) - first.isoweekday()) % 7
            return first + timedelta(weeks=fields.get("weekday_in_month", 1) - 1, days=ahead)
    return first + timedelta(days=fields.get("day", 1) - 1)


def _within(year: int) -> int:
    if not MINYEAR < year < MAXYEAR:
        raise OverflowError(year)
    return year
