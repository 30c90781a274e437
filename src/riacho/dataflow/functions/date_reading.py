"""Text read by a Java date pattern: exactly, as `DateTimeFormatter`, or leniently, as `SimpleDateFormat`.

Flink's TO_TIMESTAMP reads exactly, with a way out for `yyyy-M-d[ H:m:s[.fraction]]` whatever the pattern; TO_DATE,
UNIX_TIMESTAMP, CONVERT_TZ and DATE_FORMAT of text read leniently: the text may go on after the pattern, and 30 February
is a day in March. Complete patterns of digits are read column by column, what they leave over text by text.

Source: Java, both classes; Flink, `DateTimeUtils`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from functools import lru_cache

import polars as pl

from riacho.dataflow.evaluation.zones import Zone
from riacho.dataflow.evaluation.zones import zone as zone_of
from riacho.dataflow.functions.date_patterns import Token, tokens
from riacho.errors import UsageError

_MONTHS = tuple(name.lower() for name in calendar.month_name[1:])
_NUMBERS = {"y": "year", "u": "year", "M": "month", "L": "month", "d": "day", "D": "day_of_year", "H": "hour",
            "k": "hour24", "h": "hour12", "K": "hour11", "m": "minute", "s": "second", "S": "fraction"}  # fmt: skip
_OFFSETS = {
    "X": r"Z|[+-]\d\d(?:\d\d)?",
    "XX": r"Z|[+-]\d{4}",
    "XXX": r"Z|[+-]\d\d:\d\d",
    "x": r"[+-]\d\d(?:\d\d)?",
    "xx": r"[+-]\d{4}",
    "xxx": r"[+-]\d\d:\d\d",
    "Z": r"[+-]\d{4}",
    "ZZ": r"[+-]\d{4}",
    "ZZZ": r"[+-]\d{4}",
}
_MOST_DIGITS = 18
_LAST_OF_CENTURY = 2045
"""The latest year that two digits stand for when read leniently: Java takes 20 years from now, which results must not
depend on."""

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reader:
    """A pattern ready to read.

    `form` is that of the whole text, or (leniently) of its beginning. A pattern of nothing but a date's digits, or a
    date's and a time's, also has a form and `strptime` directives for whole columns.
    """

    form: re.Pattern[str]
    columns: tuple[str, str] | None


def _number(token: Token, *, exact: bool, adjacent: bool) -> str:
    """How the digits of one letter are found: SimpleDateFormat counts them only where more digits follow."""
    size = len(token.text)
    if not exact:
        return (
            rf"[ \t]*(?P<{_NUMBERS[token.letter]}>\d{{{size}}})"
            if adjacent
            else (rf"[ \t]*(?P<{_NUMBERS[token.letter]}>[+-]?\d{{1,{_MOST_DIGITS}}})")
        )
    most = size if size > 1 or token.letter == "S" else _MOST_DIGITS
    return rf"(?P<{_NUMBERS[token.letter]}>\d{{{size},{most}}})"


def _part(token: Token, *, exact: bool, adjacent: bool) -> str:
    letter, size = token.letter, len(token.text)
    if not letter:
        return re.escape(token.text)
    if letter in "ML" and size >= 3:
        names = [name if size >= 4 or not exact else name[:3] for name in _MONTHS]
        shorter = [] if exact else [name[:3] for name in _MONTHS]
        return f"(?P<month_name>(?i:{'|'.join([*names, *shorter])}))"
    if letter in _NUMBERS:
        return _number(token, exact=exact, adjacent=adjacent)
    if letter == "a":
        return "(?P<half>(?i:AM|PM))"
    if letter == "E":
        days = [name if size >= 4 else name[:3] for name in calendar.day_name]
        return f"(?i:{'|'.join([*days, *([] if exact else [name[:3] for name in calendar.day_name])])})"
    if token.text in _OFFSETS:
        return f"(?P<offset>{_OFFSETS[token.text]})"
    if letter in "zV":
        return r"(?P<zone>[A-Za-z][\w/+:-]*)"
    raise UsageError(f"the date pattern letter {token.text!r} is not supported for reading")


@lru_cache(maxsize=256)
def _reader(pattern: str, *, exact: bool) -> Reader:
    parts = tokens(pattern)
    numeric = [part.letter in _NUMBERS and not (part.letter in "ML" and len(part.text) >= 3) for part in parts]
    made, seen = [], set()
    for index, token in enumerate(parts):
        adjacent = index + 1 < len(parts) and numeric[index] and numeric[index + 1]
        text = _part(token, exact=exact, adjacent=adjacent)
        for name in re.findall(r"\?P<(\w+)>", text):
            if name in seen:  # a field given twice counts once
                text = text.replace(f"?P<{name}>", "?:")
            seen.add(name)
        made.append(text)
    return Reader(re.compile("".join(made), re.ASCII), _columns(parts))


_DIRECTIVES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_OF_DATE = {"yyyy", "MM", "dd"}


def _columns(parts: tuple[Token, ...]) -> tuple[str, str] | None:
    fields = sorted(token.text for token in parts if token.letter)
    if fields not in (sorted(_OF_DATE), sorted(_DIRECTIVES)):
        return None
    form = "".join(f"[0-9]{{{len(token.text)}}}" if token.letter else re.escape(token.text) for token in parts)
    directives = "".join(_DIRECTIVES[item.text] if item.letter else item.text.replace("%", "%%") for item in parts)
    return f"^{form}$", directives


def read_exactly(text: pl.Series, pattern: str) -> pl.Series:
    """Text as timestamps without a zone, as TO_TIMESTAMP does; NULL where it says none."""
    reader = _reader(pattern, exact=True)

    def one(item: str) -> datetime | None:
        found = reader.form.fullmatch(item)
        if found is None:
            return _fixed_form(item)
        try:
            return _smart(found.groupdict())
        except ValueError:
            return _fixed_form(item)

    return _read(text, reader, one)


def read_leniently(text: pl.Series, pattern: str, zone: Zone | None = None) -> pl.Series:
    """Text as local timestamps, as SimpleDateFormat reads; NULL where it says none.

    A zone in the text is applied, if `zone` is given: the local time there of the instant that the text states.
    """
    reader = _reader(pattern, exact=False)

    def one(item: str) -> datetime | None:
        found = reader.form.match(item)
        try:
            return None if found is None else _lenient(found.groupdict(), zone)
        except OverflowError:  # beyond the years that are kept
            return None

    return _read(text, reader, one)


def _read(text: pl.Series, reader: Reader, one: Callable[[str], datetime | None]) -> pl.Series:
    kind = pl.Datetime("us")
    usual = pl.Series([None], dtype=kind).new_from_index(0, len(text))
    if reader.columns is not None and len(text):
        form, directives = reader.columns
        whole = text.set(~text.str.contains(form), None)
        if "%H" in directives:
            usual = whole.str.to_datetime(directives, time_unit="us", strict=False)
        else:
            usual = whole.str.to_date(directives, strict=False).cast(kind)
    missing = (usual.is_null() & text.is_not_null()).arg_true()
    if not len(missing):
        return usual
    known: dict[str, datetime | None] = {}
    items = text.gather(missing).to_list()
    for item in items:
        if item not in known:
            known[item] = one(item)
    return usual.scatter(missing, pl.Series([known[item] for item in items], dtype=kind))


def _year(text: str, *, exact: bool) -> int:
    if len(text) != 2:
        return int(text)
    if exact:
        return 2000 + int(text)
    return _LAST_OF_CENTURY - (_LAST_OF_CENTURY - int(text)) % 100


def _hour(fields: Fields) -> int:
    if "hour" in fields:
        return int(fields["hour"])
    if "hour24" in fields:
        return int(fields["hour24"]) % 24
    twelfth = int(fields.get("hour12") or fields.get("hour11") or 0) % 12
    return twelfth + (12 if fields.get("half", "").upper() == "PM" else 0)


def _month(fields: Fields) -> int:
    if "month_name" in fields:
        return next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(fields["month_name"].lower()))
    return int(fields.get("month", 1))


def _smart(found: dict[str, str | None]) -> datetime:
    """As Java's smart resolver. Raises `ValueError`.

    A day past the month's end, up to the 31st, is its last; 24:00:00 is the next day's begin.
    """
    fields = {name: value for name, value in found.items() if value is not None}
    year, month, day = _year(fields.get("year", "1970"), exact=True), _month(fields), int(fields.get("day", 1))
    if 1 <= month <= 12 and 1 <= day <= 31 and year >= 1:
        day = min(day, calendar.monthrange(year, month)[1])
    fraction = int(fields.get("fraction", "0")[:6].ljust(6, "0"))
    clock = (_hour(fields), int(fields.get("minute", 0)), int(fields.get("second", 0)), fraction)
    ends_day = clock == (24, 0, 0, 0) and year < MAXYEAR
    if ends_day:
        clock = (0, 0, 0, 0)
    moment = datetime(year, month, day, *clock) + timedelta(days=ends_day)  # noqa: DTZ001 - local by intention
    return moment + timedelta(days=int(fields["day_of_year"]) - 1) if "day_of_year" in fields else moment


def _lenient(found: dict[str, str | None], zone: Zone | None) -> datetime:
    """Fields too large carry over; a fraction is a number of milliseconds. Raises `OverflowError`."""
    fields = {name: value for name, value in found.items() if value is not None}
    carried, month = divmod(_month(fields) - 1, 12)
    year = _year(fields.get("year", "1970"), exact=False) + carried
    if not 1 <= year <= 9999:
        raise OverflowError(year)
    days = int(fields.get("day_of_year", fields.get("day", 1))) - 1
    first = datetime(year, 1 if "day_of_year" in fields else month + 1, 1)  # noqa: DTZ001 - local by intention
    moment = first + timedelta(
        days=days,
        hours=_hour(fields),
        minutes=int(fields.get("minute", 0)),
        seconds=int(fields.get("second", 0)),
        milliseconds=int(fields.get("fraction", 0)),
    )
    if zone is None:
        return moment
    return _at(moment, fields, zone)


def _at(moment: datetime, fields: Fields, zone: Zone) -> datetime:
    """The local time in `zone` of a moment whose text may name another zone."""
    offset = fields.get("offset")
    if offset is not None:
        digits = offset.replace(":", "")
        minutes = 0 if digits == "Z" else int(digits[0] + "1") * (int(digits[1:3]) * 60 + int(digits[3:5] or 0))
        instant = pl.lit(moment - timedelta(minutes=minutes), pl.Datetime("us", "UTC"))
    elif "zone" in fields:
        instant = zone_of(fields["zone"]).instant(pl.lit(moment, pl.Datetime("us")))
    else:
        return moment
    local = pl.select(zone.local(instant)).item()
    assert isinstance(local, datetime)
    return local


_FIXED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?)?", re.ASCII)


def _fixed_form(text: str) -> datetime | None:
    """Java's `Timestamp.valueOf` or `Date.valueOf`: the seconds must be there, a day up to the 31st carries over."""
    found = _FIXED.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59 and year):
        return None
    microsecond = int((found[7] or "0")[:6].ljust(6, "0"))
    first = datetime(year, month, 1, hour, minute, second, microsecond)  # noqa: DTZ001 - local by intention
    return first + timedelta(days=day - 1)
