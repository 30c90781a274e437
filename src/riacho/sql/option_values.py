"""Values of options as Flink writes them: read, checked and put into one form.

Each reader gives a value's normalized text, or raises `ValueError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Read = Callable[[str], str]

_UNITS_MS = {
    **dict.fromkeys(("ms", "milli", "millis", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
}
_DURATION = re.compile(r"\s*(\d+)\s*([a-z]*)\s*", re.IGNORECASE)
_SIZE = re.compile(r"\s*\d+\s*(b|bytes|k|kb|kibibytes|m|mb|mebibytes|g|gb|gibibytes|t|tb|tebibytes)?\s*", re.IGNORECASE)
_CUSTOM_ZONE = re.compile(r"GMT[+-]\d{1,2}(:\d{2})?")
_NUMBER = re.compile(r"\s*-?\d+(\.\d+)?\s*")


def duration_ms(text: str) -> int:
    """A duration as Flink writes it, in milliseconds; a bare number is milliseconds.

    >>> duration_ms("5 s"), duration_ms("100ms"), duration_ms("2 min")
    (5000, 100, 120000)

    Raises `ValueError`.
    """
    match = _DURATION.fullmatch(text)
    unit = match.group(2).lower() if match else ""
    if match is None or (unit and unit not in _UNITS_MS):
        raise ValueError(f"'{text}' is no duration: write it like '5 s' or '100 ms'")
    return int(match.group(1)) * _UNITS_MS.get(unit, 1)


def duration(text: str) -> str:
    return str(duration_ms(text))


def boolean(text: str) -> str:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError(f"'{text}' is neither true nor false")
    return text.strip().lower()


def count(text: str) -> str:
    if not text.strip().isdigit() or int(text) < 1:
        raise ValueError(f"'{text}' is no positive number")
    return str(int(text))


def integer(text: str) -> str:
    if re.fullmatch(r"\s*-?\d+\s*", text) is None:
        raise ValueError(f"'{text}' is no number")
    return str(int(text))


def number(text: str) -> str:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"'{text}' is no number")
    return text.strip()


def size(text: str) -> str:
    """An amount of memory: `64 kb`."""
    if _SIZE.fullmatch(text) is None:
        raise ValueError(f"'{text}' is no amount of memory: write it like '64 mb'")
    return text.strip()


def zone(text: str) -> str:
    """A time zone's name, an offset such as GMT-08:00, or `default`."""
    if text == "default" or _CUSTOM_ZONE.fullmatch(text) is not None:
        return text
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone '{text}'") from None
    return text


def anything(text: str) -> str:
    return text


def one_of(*choices: str) -> Read:
    """One of some words, in any case."""

    def check(text: str) -> str:
        found = next((choice for choice in choices if choice.lower() == text.strip().lower()), None)
        if found is None:
            raise ValueError(f"'{text}' is not possible, only {' or '.join(choices)}")
        return found

    return check


def only(read: Read, possible: str, why: str) -> Read:
    """The one value that is possible here, of those that `read` knows; `why` says what others would need."""

    def check(text: str) -> str:
        found = read(text)
        if found != possible:
            raise ValueError(f"'{text}' is not possible, only '{possible}': {why}")
        return found

    return check


def refused(why: str) -> Read:
    """No value at all, but the empty one."""

    def check(text: str) -> str:
        if text.strip():
            raise ValueError(f"it cannot be set: {why}")
        return ""

    return check
