"""Java date patterns (`yyyy-MM-dd HH:mm:ss.SSS`): their parts, and how a timestamp is written by one.

Source: Java, `DateTimeFormatter` and `SimpleDateFormat`, "Patterns for Formatting and Parsing".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from riacho.dataflow.evaluation.zones import Zone
from riacho.errors import UsageError


@dataclass(frozen=True, slots=True)
class Token:
    """A run of one pattern letter, or literal text (`letter` empty)."""

    letter: str
    text: str


@lru_cache(maxsize=256)
def tokens(pattern: str) -> tuple[Token, ...]:
    """The parts of a pattern; text between apostrophes is literal, two of them are one.

    >>> [token.text for token in tokens("yyyy'T'HH")]
    ['yyyy', 'T', 'HH']
    """
    found: list[Token] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        end = index + 1
        if character == "'":
            closing = pattern.find("'", end)
            if closing == end:
                found.append(Token("", "'"))
                index = end + 1
                continue
            closing = len(pattern) if closing < 0 else closing
            found.append(Token("", pattern[end:closing]))
            index = closing + 1
            continue
        if character.isascii() and character.isalpha():
            while end < len(pattern) and pattern[end] == character:
                end += 1
            found.append(Token(character, pattern[index:end]))
        else:
            found.append(Token("", character))
        index = end
    return tuple(found)


_WRITTEN = {
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "LLLL": "%B",
    "LLL": "%b",
    "LL": "%m",
    "L": "%-m",
    "dd": "%d",
    "d": "%-d",
    "DDD": "%j",
    "D": "%-j",
    "EEEE": "%A",
    "E": "%a",
    "EE": "%a",
    "EEE": "%a",
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
    "uu": "%y",
}
"""Pattern letters that `strftime` writes the same way."""


def _written(token: Token, local: pl.Expr, zone: Zone) -> str | pl.Expr:
    """A `strftime` directive, or a column where there is none."""
    letter, size = token.letter, len(token.text)
    if not letter:
        return token.text.replace("%", "%%")
    if token.text in _WRITTEN:
        return _WRITTEN[token.text]
    match letter:
        case "y" | "u":
            return "%Y" if size == 4 else local.dt.year().cast(pl.String).str.pad_start(size, "0")
        case "S":
            return local.dt.strftime("%6f").str.head(size).str.pad_end(size, "0")
        case "k":
            hour = local.dt.hour().cast(pl.Int32)
            return pl.when(hour == 0).then(24).otherwise(hour).cast(pl.String).str.pad_start(size, "0")
        case "K":
            return (local.dt.hour().cast(pl.Int32) % 12).cast(pl.String).str.pad_start(size, "0")
        case "Q" | "q" if size <= 2:
            return local.dt.quarter().cast(pl.String).str.pad_start(size, "0")
        case "G":
            return "AD"
        case "z" | "V":
            return zone.name.replace("%", "%%")
        case "X" | "x" | "Z":
            return _offset_text(local, zone, letter, size)
    raise UsageError(f"the date pattern letter {token.text!r} is not supported")


def _offset_text(local: pl.Expr, zone: Zone, letter: str, size: int) -> pl.Expr:
    """`+0800`, `+08:00` or `Z`, by letter and length."""
    minutes = (local.to_physical() - zone.instant(local).to_physical()) // 60_000_000
    size_of = minutes.abs()
    hours = (size_of // 60).cast(pl.String).str.pad_start(2, "0")
    rest = (size_of % 60).cast(pl.String).str.pad_start(2, "0")
    sign = pl.when(minutes < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    colon = pl.lit(":" if (letter in "Xx" and size == 3) or (letter == "Z" and size == 5) else "")
    short = letter in "Xx" and size == 1
    text = pl.concat_str(sign, hours, pl.lit("") if short else pl.concat_str(colon, rest))
    return pl.when(minutes == 0).then(pl.lit("Z")).otherwise(text) if letter == "X" else text


_OF_DATES = frozenset("yuMLdDEQqG")
"""Letters that say nothing of the time of day."""

_OF_MINUTES = _OF_DATES | frozenset("HhkKam")
"""Letters that say nothing of the seconds."""

_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000


def step_of(pattern: str) -> int | None:
    """The microseconds that the moments with one text have between them: a day's, or a minute's. None for fewer.

    >>> step_of("yyyy-MM-dd"), step_of("HH:mm"), step_of("HH:mm:ss")
    (86400000000, 60000000, None)
    """
    letters = {token.letter for token in tokens(pattern) if token.letter}
    if letters <= _OF_DATES:
        return _DAY_US
    return _MINUTE_US if letters <= _OF_MINUTES else None


MIN_ROWS = 8192
"""Fewer rows are written faster than their days are found."""

MAX_DAYS = 4096
"""Days between the first and the last of a batch up to which each is written once; some ten years."""


def write(local: pl.Expr, pattern: str, zone: Zone) -> pl.Expr:
    """Local timestamps as text. Raises `UsageError` for a letter that is not supported."""
    if any(token.letter and token.letter not in _OF_DATES for token in tokens(pattern)):
        return _write(local, pattern, zone)
    _write(local, pattern, zone)  # what is wrong with the pattern is told before there are rows
    return local.map_batches(lambda series: _per_day(series, pattern, zone), return_dtype=pl.String)


def _per_day(local: pl.Series, pattern: str, zone: Zone) -> pl.Series:
    """A pattern of days alone, written once for each day: most rows of a batch share a few."""
    if len(local) < MIN_ROWS:
        return local.to_frame("local").select(_write(pl.col("local"), pattern, zone)).to_series()
    days = local.dt.date().to_physical()
    present = days.drop_nulls().to_numpy()
    if not len(present) or int(present.max()) - int(present.min()) > MAX_DAYS:
        return local.to_frame("local").select(_write(pl.col("local"), pattern, zone)).to_series()
    first, last = int(present.min()), int(present.max())
    known = pl.Series("local", range(first, last + 1), pl.Int32).cast(pl.Date).cast(pl.Datetime("us"))
    texts = known.to_frame().select(_write(pl.col("local"), pattern, zone)).to_series()
    return texts.gather(days - first)


def _write(local: pl.Expr, pattern: str, zone: Zone) -> pl.Expr:
    parts: list[pl.Expr] = []
    directives = ""
    for token in tokens(pattern):
        part = _written(token, local, zone)
        if isinstance(part, str):
            directives += part
            continue
        if directives:
            parts.append(local.dt.strftime(directives))
            directives = ""
        parts.append(part)
    if directives:
        parts.append(local.dt.strftime(directives))
    if not parts:
        return pl.when(local.is_not_null()).then(pl.lit(""))
    return parts[0] if len(parts) == 1 else pl.concat_str(parts)
