"""Time zones: from an instant to the local time of a zone and back, with Java's rules at daylight-saving changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from riacho.errors import UsageError

MICROSECONDS_PER_DAY = 86_400_000_000

Ambiguous = Literal["earliest", "latest"]
"""Which instant a local time is that occurs twice."""

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")

_JAVA_ABBREVIATIONS = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}
"""Java's `ZoneId.SHORT_IDS`, which `TimeZone` understands."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A region of the tz database, or a fixed offset from UTC in microseconds."""

    name: str
    offset: int | None = None

    def local(self, instant: pl.Expr) -> pl.Expr:
        """The local date and time of an instant."""
        if self.offset is not None:
            return (instant.dt.replace_time_zone(None) + pl.duration(microseconds=self.offset)).cast(pl.Datetime("us"))
        return instant.dt.convert_time_zone(self.name).dt.replace_time_zone(None)

    def instant(self, local: pl.Expr, ambiguous: Ambiguous = "earliest") -> pl.Expr:
        """The instant of a local date and time.

        A local time that occurs twice is the earlier one (Java's `LocalDateTime.atZone`) or the later (Java's
        `Calendar`); one that a change skips counts from the offset before it.
        """
        if self.offset is not None:
            return (local - pl.duration(microseconds=self.offset)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        day = pl.duration(microseconds=MICROSECONDS_PER_DAY)
        return pl.coalesce(
            self._localized(local, ambiguous),
            # The day before has the offset that was in force until the gap.
            self._localized((local - day).cast(pl.Datetime("us")), ambiguous) + day,
        ).cast(pl.Datetime("us", "UTC"))

    def _localized(self, local: pl.Expr, ambiguous: Ambiguous) -> pl.Expr:
        zoned = local.dt.replace_time_zone(self.name, ambiguous=ambiguous, non_existent="null")
        return zoned.dt.convert_time_zone("UTC")


UTC = Zone("UTC", 0)


@lru_cache(maxsize=256)
def zone(text: str) -> Zone:
    """The zone that Java's `ZoneId` and `TimeZone` names say: a region, an offset, or an old abbreviation.

    Raises `UsageError` for an unknown one.

    >>> zone("GMT-08:00")
    Zone(name='GMT-08:00', offset=-28800000000)
    >>> zone("PST").name
    'America/Los_Angeles'
    """
    name = text.strip()
    if name in ("UTC", "GMT", "UT", "Z"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match is not None:
        sign, hours, minutes, seconds = match.groups()
        total = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
        return Zone(name, (total if sign == "+" else -total) * 1_000_000)
    name = _JAVA_ABBREVIATIONS.get(name, name)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"there is no time zone {text!r}", mend="write it as Europe/Berlin, UTC or +02:00") from error
    return Zone(name)
