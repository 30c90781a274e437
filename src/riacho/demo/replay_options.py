"""What a replay is asked for: the options, and how their texts are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from riacho.demo.replay_clock import FIRST_DAY, LAST_DAY
from riacho.errors import UsageError


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """`seconds_per_day` 0 is as fast as possible; up to `live_from` that fast anyway, where `paused` stands still."""

    seed: int = 2013
    seconds_per_day: float = 20.0
    live_from: date = date(2013, 2, 8)
    first: date = FIRST_DAY
    last: date = LAST_DAY
    paused: bool = False


def parse_days(text: str) -> tuple[date, date]:
    """The first and last day of `FIRST:LAST`. Raises `UsageError`.

    >>> parse_days("2013-02-01:2013-02-28")
    (datetime.date(2013, 2, 1), datetime.date(2013, 2, 28))
    """
    mend = "write FIRST:LAST, as in 2013-02-01:2013-02-28"
    begin, colon, end = text.partition(":")
    if not colon:
        raise UsageError(f"--days {text}: these are not two days", mend=mend)
    try:
        first, last = date.fromisoformat(begin), date.fromisoformat(end)
    except ValueError as error:
        raise UsageError(f"--days {text}: {error}", mend=mend) from error
    if not FIRST_DAY <= first <= last <= LAST_DAY:
        raise UsageError(f"--days {text}: these are no days of 2013 in order")
    return first, last


def parse_day(text: str) -> date:
    """A day of 2013. Raises `UsageError`.

    >>> parse_day("2013-02-08")
    datetime.date(2013, 2, 8)
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--from {text}: {error}", mend="write a day as in 2013-02-08") from error
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(f"--from {text}: the flights are those of 2013")
    return day


def parse_speed(text: str) -> float:
    """Seconds per day, `max` being 0. Raises `UsageError`.

    >>> parse_speed("20"), parse_speed("max")
    (20.0, 0.0)
    """
    if text == "max":
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise UsageError(f"--speed {text}: no duration", mend="give the seconds that a day takes, or max")
    return seconds
