"""Timestamps written by Java date patterns, of both classes that Flink hands them to. See `riacho.plan.date_patterns`.

Names and weeks are those of the United States: a week begins on Sunday, and the first one of a year, or of a month, is
that which has its first day.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from riacho.dataflow.evaluation.zones import Zone
from riacho.plan.date_patterns import Style, Token, Tokens, written_parts

_DIRECTIVES = {
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "DDD": "%j",
    "D": "%-j",
    "a": "%p",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "yy": "%y",
    "yyyy": "%Y",
}
"""What `strftime` writes the same way, whatever the class."""

_MICROSECONDS_PER_DAY = 86_400_000_000
_JULIAN_1970 = 40_587
"""The modified Julian day of 1970-01-01."""

Number = Callable[[pl.Expr], pl.Expr]


def _weekday(local: pl.Expr) -> pl.Expr:
    """From 0, a Sunday, to 6."""
    return local.dt.weekday() % 7


def _saturday(local: pl.Expr) -> pl.Expr:
    """The last day of the week, which says whose week it is."""
    return local.dt.date() + pl.duration(days=(6 - _weekday(local)).cast(pl.Int64))


def _week_of_month(local: pl.Expr) -> pl.Expr:
    return (local.dt.day() + 6 + _weekday(local.dt.month_start())) // 7


def _of_day(local: pl.Expr, divisor: int) -> pl.Expr:
    return local.to_physical() % _MICROSECONDS_PER_DAY // divisor


_NUMBERS: dict[str, Number] = {
    "y": lambda local: local.dt.year(),
    "Y": lambda local: _saturday(local).dt.year(),
    "M": lambda local: local.dt.month(),
    "L": lambda local: local.dt.month(),
    "w": lambda local: (_saturday(local).dt.ordinal_day() + 6) // 7,
    "W": _week_of_month,
    "D": lambda local: local.dt.ordinal_day(),
    "d": lambda local: local.dt.day(),
    "H": lambda local: local.dt.hour(),
    "k": lambda local: (local.dt.hour() + 23) % 24 + 1,
    "K": lambda local: local.dt.hour() % 12,
    "h": lambda local: (local.dt.hour() + 11) % 12 + 1,
    "m": lambda local: local.dt.minute(),
    "s": lambda local: local.dt.second(),
}
"""Letters of both classes that can be a number."""

_FORMATTER_NUMBERS: dict[str, Number] = {
    "u": lambda local: local.dt.year(),
    "Q": lambda local: local.dt.quarter(),
    "q": lambda local: local.dt.quarter(),
    "e": lambda local: _weekday(local) + 1,
    "c": lambda local: _weekday(local) + 1,
    "F": lambda local: (local.dt.day() - 1) % 7 + 1,
    "g": lambda local: local.dt.date().to_physical() + _JULIAN_1970,
    "n": lambda local: local.dt.nanosecond(),
    "A": lambda local: _of_day(local, 1000),
    "N": lambda local: _of_day(local, 1) * 1000,
}
_SIMPLE_NUMBERS: dict[str, Number] = {
    "u": lambda local: local.dt.weekday(),
    "F": lambda local: (local.dt.day() + 6) // 7,
    "S": lambda local: local.dt.millisecond(),
}

_FULL, _NARROW = 4, 5


def _padded(token: Token, number: pl.Expr) -> pl.Expr:
    text = number.cast(pl.Int64).cast(pl.String)
    size = len(token.text)
    if token.letter in "yYu" and size == 2:
        return text.str.pad_start(2, "0").str.tail(2)
    return text.str.pad_start(size, "0") if size > 1 else text


def _written(token: Token, local: pl.Expr, zone: Zone, style: Style) -> str | pl.Expr:
    """A `strftime` directive, or a column where there is none."""
    if not token.letter:
        return token.text.replace("%", "%%")
    if token.text in _DIRECTIVES:
        return _DIRECTIVES[token.text]
    if style is Style.SIMPLE:
        return _of_simple(token, local, zone)
    return _of_formatter(token, local)


def _of_formatter(token: Token, local: pl.Expr) -> str | pl.Expr:
    letter, size = token.letter, len(token.text)
    match letter:
        case "G":
            return "Anno Domini" if size == _FULL else "A" if size == _NARROW else "AD"
        case "S":
            return local.dt.strftime("%6f").str.head(size).str.pad_end(size, "0")
        case "M" | "L" if size > 2:
            return _name(local, size, "%b", "%B")
        case "E":
            return _name(local, size, "%a", "%A")
        case "e" | "c" if size > 2:
            return _name(local, size, "%a", "%A")
        case "Q" | "q" if size > 2:
            return _quarter(local, size)
    return _padded(token, (_FORMATTER_NUMBERS | _NUMBERS)[letter](local))


def _name(local: pl.Expr, size: int, short: str, full: str) -> str | pl.Expr:
    return local.dt.strftime(full).str.head(1) if size == _NARROW else full if size == _FULL else short


def _quarter(local: pl.Expr, size: int) -> pl.Expr:
    number = local.dt.quarter()
    if size == _NARROW:
        return number.cast(pl.String)
    if size < _FULL:
        return pl.concat_str(pl.lit("Q"), number.cast(pl.String))
    names = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"]
    return number.replace_strict(list(range(1, 5)), names, return_dtype=pl.String)


def _of_simple(token: Token, local: pl.Expr, zone: Zone) -> str | pl.Expr:
    letter, size = token.letter, len(token.text)
    match letter:
        case "G":
            return "AD"
        case "a":
            return "%p"
        case "M" | "L" if size > 2:
            return "%B" if size >= _FULL else "%b"
        case "E":
            return "%A" if size >= _FULL else "%a"
        case "z":
            return _zone_text(local, zone)
        case "X" | "Z":
            return _offset_text(local, zone, letter, size)
    return _padded(token, (_SIMPLE_NUMBERS | _NUMBERS)[letter](local))


def _zone_text(local: pl.Expr, zone: Zone) -> str | pl.Expr:
    """A zone's abbreviation at that time: `CEST`; an offset's name: `GMT+08:00`."""
    if zone.offset is None:
        return zone.instant(local).dt.convert_time_zone(zone.name).dt.strftime("%Z")
    if not zone.offset:
        return "UTC"
    hours, minutes = divmod(abs(zone.offset) // 60_000_000, 60)
    return f"GMT{'-' if zone.offset < 0 else '+'}{hours:02}:{minutes:02}"


def _offset_text(local: pl.Expr, zone: Zone, letter: str, size: int) -> pl.Expr:
    """`+0800`, `+08:00` or `Z`, by letter and length."""
    minutes = (local.to_physical() - zone.instant(local).to_physical()) // 60_000_000
    size_of = minutes.abs()
    hours = (size_of // 60).cast(pl.String).str.pad_start(2, "0")
    rest = (size_of % 60).cast(pl.String).str.pad_start(2, "0")
    sign = pl.when(minutes < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    colon = pl.lit(":" if letter == "X" and size == 3 else "")
    short = letter == "X" and size == 1
    text = pl.concat_str(sign, hours, pl.lit("") if short else pl.concat_str(colon, rest))
    return pl.when(minutes == 0).then(pl.lit("Z")).otherwise(text) if letter == "X" else text


_OF_DATES = frozenset("yuYMLwWDdEecFQqGg")
"""Letters that say nothing of the time of day."""

_OF_MINUTES = _OF_DATES | frozenset("HhkKam")
"""Letters that say nothing of the seconds."""

_MINUTE_US = 60_000_000


def step_of(pattern: str) -> int | None:
    """The microseconds that the moments with one text have between them: a day's, or a minute's. None for fewer.

    >>> step_of("yyyy-MM-dd"), step_of("HH:mm"), step_of("HH:mm:ss")
    (86400000000, 60000000, None)
    """
    letters = {token.letter for token in written_parts(pattern, Style.FORMATTER) if token.letter}
    if letters <= _OF_DATES:
        return _MICROSECONDS_PER_DAY
    return _MINUTE_US if letters <= _OF_MINUTES else None


MIN_ROWS = 8192
"""Fewer rows are written faster than their days are found."""

MAX_DAYS = 4096
"""Days between the first and the last of a batch up to which each is written once; some ten years."""


def write(local: pl.Expr, pattern: str, zone: Zone, style: Style = Style.FORMATTER) -> pl.Expr:
    """Local timestamps as text. Raises `UsageError` for what is no pattern."""
    parts = written_parts(pattern, style)
    if any(token.letter and token.letter not in _OF_DATES for token in parts):
        return _write(local, parts, zone, style)
    return local.map_batches(lambda series: _per_day(series, parts, zone, style), return_dtype=pl.String)


def _per_day(local: pl.Series, parts: Tokens, zone: Zone, style: Style) -> pl.Series:
    """A pattern of days alone, written once for each day: most rows of a batch share a few."""
    if len(local) < MIN_ROWS:
        return local.to_frame("local").select(_write(pl.col("local"), parts, zone, style)).to_series()
    days = local.dt.date().to_physical()
    present = days.drop_nulls().to_numpy()
    if not len(present) or int(present.max()) - int(present.min()) > MAX_DAYS:
        return local.to_frame("local").select(_write(pl.col("local"), parts, zone, style)).to_series()
    first, last = int(present.min()), int(present.max())
    known = pl.Series("local", range(first, last + 1), pl.Int32).cast(pl.Date).cast(pl.Datetime("us"))
    texts = known.to_frame().select(_write(pl.col("local"), parts, zone, style)).to_series()
    return texts.gather(days - first)


def _write(local: pl.Expr, parts: Tokens, zone: Zone, style: Style) -> pl.Expr:
    made: list[pl.Expr] = []
    directives = ""
    for token in parts:
        part = _written(token, local, zone, style)
        if isinstance(part, str) and not token.pad:
            directives += part
            continue
        if directives:
            made.append(local.dt.strftime(directives))
            directives = ""
        text = local.dt.strftime(part) if isinstance(part, str) else part
        made.append(text.str.pad_start(token.pad) if token.pad else text)
    if directives:
        made.append(local.dt.strftime(directives))
    if not made:
        return pl.when(local.is_not_null()).then(pl.lit(""))
    return made[0] if len(made) == 1 else pl.concat_str(made)
