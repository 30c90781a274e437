"""Text read by a Java date pattern: exactly, as `DateTimeFormatter`, or leniently, as `SimpleDateFormat`.

Flink's TO_TIMESTAMP reads exactly, with a way out for `yyyy-M-d[ H:m:s[.fraction]]` whatever the pattern; TO_DATE,
UNIX_TIMESTAMP, CONVERT_TZ and DATE_FORMAT of text read leniently: the text may go on after the pattern, and 30 February
is a day in March. Complete patterns of digits are read column by column, what they leave over text by text.

Source: Java, both classes; Flink, `DateTimeUtils`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import polars as pl

from riacho.dataflow.evaluation.zones import Zone
from riacho.dataflow.evaluation.zones import zone as zone_of
from riacho.dataflow.functions import date_fields
from riacho.errors import UsageError
from riacho.plan.date_patterns import Style, Token, Tokens, read_parts

_NUMBERS = {"y": "year", "Y": "week_year", "M": "month", "L": "month", "w": "week", "W": "week_of_month", "d": "day",
            "D": "day_of_year", "H": "hour", "k": "hour24", "h": "hour12", "K": "hour11", "m": "minute",
            "s": "second"}  # fmt: skip
"""Letter to field, of both classes."""

_EXACT_NUMBERS = _NUMBERS | {"u": "year", "Q": "quarter", "q": "quarter", "e": "weekday", "c": "weekday", "F": "",
                             "g": "julian_day", "n": "fraction", "A": "milli_of_day", "N": "nano_of_day",
                             "S": "fraction"}  # fmt: skip
_LENIENT_NUMBERS = _NUMBERS | {"u": "weekday", "F": "weekday_in_month", "S": "millisecond"}

_EXACT_OFFSETS = {
    "X": r"Z|[+-]\d\d(?:\d\d)?",
    "XX": r"Z|[+-]\d{4}",
    "XXX": r"Z|[+-]\d\d:\d\d",
    "XXXX": r"Z|[+-]\d{4}(?:\d\d)?",
    "XXXXX": r"Z|[+-]\d\d:\d\d(?::\d\d)?",
    "x": r"[+-]\d\d(?:\d\d)?",
    "xx": r"[+-]\d{4}",
    "xxx": r"[+-]\d\d:\d\d",
    "xxxx": r"[+-]\d{4}(?:\d\d)?",
    "xxxxx": r"[+-]\d\d:\d\d(?::\d\d)?",
    "Z": r"[+-]\d{4}",
    "ZZ": r"[+-]\d{4}",
    "ZZZ": r"[+-]\d{4}",
    "ZZZZ": r"GMT(?:[+-]\d\d:\d\d)?",
    "ZZZZZ": r"Z|[+-]\d\d:\d\d(?::\d\d)?",
    "O": r"GMT(?:[+-]\d{1,2}(?::\d\d)?)?",
    "OOOO": r"GMT(?:[+-]\d\d:\d\d)?",
}
_LENIENT_OFFSETS = {"X": r"Z|[+-]\d\d", "XX": r"Z|[+-]\d{4}", "XXX": r"Z|[+-]\d\d:\d\d"}
_ZONE_NAME = r"[A-Za-z][\w/+:-]*"

_MOST_DIGITS = 18
_LAST_OF_CENTURY = 2045
"""The latest year that two digits stand for when read leniently: Java takes 20 years from now, which results must not
depend on."""

_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the form, and what a text that fits it says."""

    form: str
    field: str = ""
    number: Callable[[str], int] = int


@dataclass(frozen=True, slots=True)
class Reader:
    """A pattern ready to read.

    `form` is that of the whole text, or (leniently) of its beginning; `fields` says of each of its groups what it is.
    A pattern of nothing but a date's digits, or a date's and a time's, also has a form and `strptime` directives for
    whole columns.
    """

    form: re.Pattern[str]
    fields: tuple[tuple[str, Callable[[str], int]], ...]
    columns: tuple[str, str] | None

    def numbers(self, found: re.Match[str]) -> dict[str, int]:
        """The fields that a text says, in their order; the last one counts where it says one twice."""
        said: dict[str, int] = {}
        for index, (name, number) in enumerate(self.fields):
            text = found[f"field_{index}"]
            if text is not None:
                said.pop(name, None)
                said[name] = number(text)
        return said

    def agrees(self, found: re.Match[str], said: dict[str, int]) -> bool:
        """Whether a field that is said twice is the same both times."""
        texts = ((found[f"field_{index}"], *field) for index, field in enumerate(self.fields))
        return all(text is None or number(text) == said[name] for text, name, number in texts)


def _named(names: Sequence[str], field: str, *, first: int = 1, exact: bool) -> _Part:
    """One of several names, of which a lenient text has the first three letters in any case."""
    known = {name if exact else name.lower(): index for index, name in enumerate(names, first)}
    if exact:
        return _Part("|".join(names), field, known.__getitem__)
    known |= {name[:3].lower(): index for index, name in enumerate(names, first)}
    return _Part(f"(?i:{'|'.join(known)})", field, lambda text: known[text.lower()])


def _short(names: Sequence[str]) -> list[str]:
    return [name[:3] for name in names]


_MONTHS = list(calendar.month_name)[1:]
_DAYS = list(calendar.day_name)


def _exact_part(token: Token) -> _Part:
    letter, size = token.letter, len(token.text)
    full = size >= 4
    match letter:
        case "M" | "L" if size > 2:
            return _named(_MONTHS if full else _short(_MONTHS), "month", exact=True)
        case "E":
            return _named(_DAYS if full else _short(_DAYS), "weekday", exact=True)
        case "e" | "c" if size > 2:
            return _named(_DAYS if full else _short(_DAYS), "weekday", exact=True)
        case "Q" | "q" if size > 2:
            return _named({3: ["Q1", "Q2", "Q3", "Q4"], 4: _QUARTERS}.get(size, "1234"), "quarter", exact=True)
        case "G":
            return _Part({4: "Anno Domini", 5: "A"}.get(size, "AD"))
        case "a":
            return _named(("AM", "PM"), "half", first=0, exact=True)
        case "S":
            return _Part(rf"\d{{{size}}}", "fraction", lambda text: int(text[:6].ljust(6, "0")))
        case "v" | "V" | "z":
            return _Part(_ZONE_NAME)
    if token.text in _EXACT_OFFSETS:
        return _Part(_EXACT_OFFSETS[token.text])
    field = _EXACT_NUMBERS[letter]
    match letter:
        case "y" | "u" | "Y" if size == 2:
            return _Part(r"\d\d", field, lambda text: 2000 + int(text))
        case "e" | "c":  # from 1, a Sunday
            return _Part(rf"0{{{size - 1}}}[1-7]", field, lambda text: (int(text) + 5) % 7 + 1)
        case "n":
            return _Part(rf"\d{{{size},{_MOST_DIGITS}}}", field, lambda text: int(text) // 1000)
        case "D" if size == 2:
            return _Part(r"\d{2,3}", field)
        case "y" | "u" | "Y" if size < 4:
            return _Part(rf"\d{{{size},{_MOST_DIGITS}}}", field)
        case "g" | "A" | "N":
            return _Part(rf"\d{{{size},{_MOST_DIGITS}}}", field)
    return _Part(rf"\d{{{size}}}" if size > 1 else rf"\d{{1,{_MOST_DIGITS}}}", field)


def _lenient_part(token: Token, *, adjacent: bool) -> _Part:
    """How the digits of a letter are found depends on whether more of them follow: only then are they counted."""
    letter, size = token.letter, len(token.text)
    match letter:
        case "M" | "L" if size > 2:
            return _named(_MONTHS, "month", exact=False)
        case "E":
            return _named(_DAYS, "weekday", exact=False)
        case "G":
            return _named(("BC", "AD"), "era", first=0, exact=False)
        case "a":
            return _named(("AM", "PM"), "half", first=0, exact=False)
        case "X":
            return _Part(f"(?P<offset>{_LENIENT_OFFSETS[token.text]})")
        case "z" | "Z":
            return _Part(rf"(?P<offset>[+-]\d{{4}})|(?P<zone>GMT[+-]\d{{1,2}}:\d\d|(?!GMT[+-]){_ZONE_NAME})")
    most = rf"\d{{{size}}}" if adjacent else rf"[+-]?\d{{1,{_MOST_DIGITS}}}"
    number = _abbreviated if letter in "yY" and size <= 2 else int
    return _Part(rf"[ \t]*{most}", _LENIENT_NUMBERS[letter], number)


def _abbreviated(text: str) -> int:
    """A year, of which two digits leave out the century."""
    digits = text.strip(" \t")
    if len(digits) != 2 or not digits.isdigit():
        return int(digits)
    return _LAST_OF_CENTURY - (_LAST_OF_CENTURY - int(digits)) % 100


@lru_cache(maxsize=256)
def _reader(pattern: str, *, exact: bool) -> Reader:
    """Raises `UsageError` for what is no pattern."""
    tokens = read_parts(pattern, Style.FORMATTER if exact else Style.SIMPLE)
    numeric = [token.letter in _LENIENT_NUMBERS and not _is_name(token) for token in tokens]
    form, depth = "", 0
    fields: list[tuple[str, Callable[[str], int]]] = []
    seen: set[str] = set()
    for index, token in enumerate(tokens):
        if token.letter in ("[", "]"):
            form += "(?:" if token.letter == "[" else ")?"
            depth += 1 if token.letter == "[" else -1
            continue
        if not token.letter:
            form += re.escape(token.text)
            continue
        adjacent = index + 1 < len(tokens) and numeric[index] and numeric[index + 1]
        part = _exact_part(token) if exact else _lenient_part(token, adjacent=adjacent)
        text = part.form
        for name in re.findall(r"\?P<(\w+)>", text):
            if name in seen:  # a zone given twice counts once
                text = text.replace(f"?P<{name}>", "?:")
            seen.add(name)
        if part.field:
            form += f"(?P<field_{len(fields)}>{text})"
            fields.append((part.field, part.number))
        else:
            form += f"(?:{text})"
    return Reader(re.compile(form + ")?" * depth, re.ASCII), tuple(fields), _columns(tokens))


def _is_name(token: Token) -> bool:
    return token.letter in "ML" and len(token.text) > 2


_DIRECTIVES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_OF_DATE = {"yyyy", "MM", "dd"}


def _columns(parts: Tokens) -> tuple[str, str] | None:
    fields = sorted(token.text for token in parts if token.letter)
    if fields not in (sorted(_OF_DATE), sorted(_DIRECTIVES)):
        return None
    form = "".join(f"[0-9]{{{len(token.text)}}}" if token.letter else re.escape(token.text) for token in parts)
    directives = "".join(_DIRECTIVES[item.text] if item.letter else item.text.replace("%", "%%") for item in parts)
    return f"^{form}$", directives


def read_exactly(text: pl.Series, pattern: str) -> pl.Series:
    """Text as timestamps without a zone, as TO_TIMESTAMP does; NULL where it says none.

    Raises `UsageError` for what is no pattern.
    """
    reader = _reader(pattern, exact=True)

    def one(item: str) -> datetime | None:
        found = reader.form.fullmatch(item)
        if found is None:
            return _fixed_form(item)
        said = reader.numbers(found)
        try:
            return date_fields.read_exactly(said) if reader.agrees(found, said) else _fixed_form(item)
        except ValueError:
            return _fixed_form(item)

    return _read(text, reader, one)


def read_leniently(text: pl.Series, pattern: str, zone: Zone | None = None) -> pl.Series:
    """Text as local timestamps, as SimpleDateFormat reads; NULL where it says none.

    A zone in the text is applied, if `zone` is given: the local time there of the instant that the text states.
    Raises `UsageError` for what is no pattern.
    """
    reader = _reader(pattern, exact=False)

    def one(item: str) -> datetime | None:
        found = reader.form.match(item)
        if found is None:
            return None
        try:
            moment = date_fields.read_leniently(reader.numbers(found))
            return moment if zone is None else _at(moment, found.groupdict(), zone)
        except (OverflowError, UsageError):  # beyond the years that are kept, or a zone that there is not
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


def _at(moment: datetime, fields: dict[str, str | None], zone: Zone) -> datetime:
    """The local time in `zone` of a moment whose text may name another zone."""
    offset = fields.get("offset")
    if offset is not None:
        digits = offset.replace(":", "")
        minutes = 0 if digits == "Z" else int(digits[0] + "1") * (int(digits[1:3]) * 60 + int(digits[3:5] or 0))
        instant = pl.lit(moment - timedelta(minutes=minutes), pl.Datetime("us", "UTC"))
    elif (name := fields.get("zone")) is not None:
        instant = zone_of(name).instant(pl.lit(moment, pl.Datetime("us")))
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
