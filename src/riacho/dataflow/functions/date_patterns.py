"""Java date patterns (`yyyy-MM-dd HH:mm:ss.SSS`): how a timestamp is written by one, and how text is read by one.

Source: Java, `DateTimeFormatter` and `SimpleDateFormat`, "Patterns for Formatting and Parsing".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import polars as pl

from riacho.dataflow.evaluation.casts.parsing import timestamp as usual_timestamp
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


def write(local: pl.Expr, pattern: str, zone: Zone) -> pl.Expr:
    """Local timestamps as text. Raises `UsageError` for a letter that is not supported."""
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
    if directives or not parts:
        parts.append(local.dt.strftime(directives or "%%")) if directives else parts.append(pl.lit(""))
    return parts[0] if len(parts) == 1 else pl.concat_str(parts)


_READ = {"y": "%Y", "u": "%Y", "M": "%m", "L": "%m", "d": "%d", "D": "%j", "H": "%H", "k": "%H", "h": "%I", "K": "%I",
         "m": "%M", "s": "%S", "a": "%p", "S": "%f", "E": "%a", "X": "%z", "Z": "%z", "x": "%z"}  # fmt: skip


@lru_cache(maxsize=256)
def read_directives(pattern: str) -> str | None:
    """The `strptime` form of a pattern; None where it has a letter that `strptime` lacks."""
    made = []
    for token in tokens(pattern):
        if not token.letter:
            made.append(token.text.replace("%", "%%"))
        elif token.text == "yy":
            made.append("%y")
        elif token.letter in "ML" and len(token.text) >= 3:
            made.append("%b" if len(token.text) == 3 else "%B")
        elif token.letter == "E" and len(token.text) >= 4:
            made.append("%A")
        elif token.letter in _READ:
            made.append(_READ[token.letter])
        else:
            return None
    return "".join(made)


_COLUMNAR = frozenset("yMdHms")
"""Patterns of these letters alone, complete ones, are read by Polars; its fraction and zone rules are others."""


def read(text: pl.Series, pattern: str, zone: Zone | None = None) -> pl.Series:
    """Text as local timestamps, NULL where it says none.

    A zone in the text is applied, if `zone` is given: the local time there of the instant that the text states.
    Text that does not fit the pattern is tried as `yyyy-M-d[ H:m:s[.fraction]]`, as Flink does.
    """
    directives = read_directives(pattern)
    usual = pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(text))
    if directives is not None:
        usual = _read_columns(text, pattern, directives)
    missing = (usual.is_null() & text.is_not_null()).arg_true()
    if not len(missing):
        return usual
    odd = [_read_one(item, directives, zone) for item in text.gather(missing).to_list()]
    return usual.scatter(missing, pl.Series(odd, dtype=pl.Datetime("us")))


def _read_columns(text: pl.Series, pattern: str, directives: str) -> pl.Series:
    letters = {token.letter for token in tokens(pattern) if token.letter}
    if letters <= _COLUMNAR and {"y", "M", "d"} <= letters:
        if {"H", "m", "s"} <= letters:
            return text.str.to_datetime(directives, time_unit="us", strict=False)
        if not letters & {"H", "m", "s"}:
            return text.str.to_date(directives, strict=False).cast(pl.Datetime("us"))
    return pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(text))


def _read_one(text: str, directives: str | None, zone: Zone | None) -> datetime | None:
    if directives is not None:
        try:
            parsed = datetime.strptime(text, directives)  # noqa: DTZ007 - local by intention
        except ValueError:
            parsed = None
        if parsed is not None:
            return parsed if parsed.tzinfo is None else _local(parsed, zone)
        if "%z" in directives:
            return None
    try:
        return usual_timestamp(text)
    except ValueError:
        return None


def _local(moment: datetime, zone: Zone | None) -> datetime:
    if zone is None:
        return moment.replace(tzinfo=None)
    column = pl.Series([moment.astimezone(UTC)], dtype=pl.Datetime("us", "UTC"))
    local = pl.select(zone.local(pl.lit(column))).item()
    assert isinstance(local, datetime)
    return local
