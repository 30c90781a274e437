"""Text as other types: what Flink accepts, found fast for the usual forms and one by one for odd ones.

Source: Flink, `BinaryStringDataUtil` and `DateTimeUtils`.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.kernels import Failing, Report, apply
from riacho.dataflow.evaluation.settings import Settings
from riacho.plan.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    TimestampLtzType,
    TimestampType,
    TimeType,
)

_TRUE = ("t", "true", "y", "yes", "1")
_FALSE = ("f", "false", "n", "no", "0")

_INTEGER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_FLOAT = re.compile(r"([+-]?)(NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)", re.ASCII)
_DATE = re.compile(r"(\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_TIME = re.compile(r"(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{0,9}))?)?)?", re.ASCII)
_MIDNIGHT = re.compile(r"24:0{1,2}:0{1,2}(?:\.0+)?", re.ASCII)
_TIMESTAMP = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{0,9})?))?", re.ASCII)

_EXACT = Context(prec=2000)


def from_text(value: pl.Expr, target: DataType, settings: Settings, failing: Failing) -> pl.Expr:
    """A column of text as numbers, booleans or times; text that says none is reported, and NULL."""
    if isinstance(target, TimestampLtzType):
        local = from_text(value, TimestampType(target.precision), settings, failing)
        return settings.zone.instant(local)
    parse = _parser(target)

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        text = series[0]
        made = parse(text)
        if made.failed is not None:
            report.rows(made.failed, lambda row: f"cannot parse {text[row]!r} as {target.name()}")
        return made.values

    return apply(run, polars_type(target), (value,), failing)


class Parsed:
    """A parsed column and the rows that could not be parsed."""

    __slots__ = ("failed", "values")

    def __init__(self, values: pl.Series, failed: pl.Series | None) -> None:
        self.values = values
        self.failed = failed


def _parser(target: DataType) -> Callable[[pl.Series], Parsed]:
    match target:
        case BooleanType():
            return _booleans
        case IntegerType(bits=bits):
            return lambda text: _with_odd_ones(
                text, text.cast(polars_type(target), strict=False), lambda odd: _integer(odd, bits)
            )
        case FloatType(bits=bits):
            return lambda text: _floats(text, bits)
        case DecimalType():
            return lambda text: _decimals(text, target)
        case DateType():
            return lambda text: _with_odd_ones(text, _usual_dates(text), _date)
        case TimeType(precision=precision):
            return lambda text: _with_odd_ones(
                text,
                pl.Series([None], dtype=pl.Time).new_from_index(0, len(text)),
                lambda odd: _time(odd, precision),
            )
        case TimestampType(precision=precision):
            return lambda text: _timestamps(text, precision)
    raise AssertionError(f"no cast from text to {target}")


def _with_odd_ones(text: pl.Series, usual: pl.Series, parse: Callable[[str], Any]) -> Parsed:
    """Rows that the fast parser left NULL are parsed one by one; those that raise `ValueError` failed."""
    if usual.null_count() == text.null_count():
        return Parsed(usual, None)
    odd = (usual.is_null() & text.is_not_null()).arg_true()
    values: list[Any] = []
    failed_rows: list[int] = []
    for row, item in zip(odd.to_list(), text.gather(odd).to_list(), strict=True):
        try:
            values.append(parse(item))
        except ValueError:
            values.append(None)
            failed_rows.append(row)
    made = usual.scatter(odd, pl.Series(values, dtype=usual.dtype))
    failed = pl.Series([False]).new_from_index(0, len(text)).scatter(failed_rows, True) if failed_rows else None
    return Parsed(made, failed)


def _booleans(text: pl.Series) -> Parsed:
    lower = text.str.to_lowercase()
    true, false = lower.is_in(_TRUE), lower.is_in(_FALSE)
    known = true | false
    return Parsed(true.set(~known, None), None if known.all() else ~known)


def _integer(text: str, bits: int) -> int:
    """Digits after a point are checked and cut off: '1.9' is 1."""
    stripped = text.strip(" ")
    if _INTEGER.fullmatch(stripped) is None:
        raise ValueError(text)
    whole = stripped.split(".")[0]
    number = int(whole) if whole.lstrip("+-") else 0
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError(text)
    return number


def _floats(text: pl.Series, bits: int) -> Parsed:
    usual = text.cast(pl.Float64, strict=False)
    # The fast parser also takes spellings that Java does not ('inf'), so what is not finite is looked at again.
    usual = usual.set(~usual.is_finite(), None)
    parsed = _with_odd_ones(text, usual, parse_double)
    return Parsed(parsed.values.cast(pl.Float32), parsed.failed) if bits == 32 else parsed


def parse_double(text: str) -> float:
    """Java's `Double.parseDouble`, hexadecimal forms excepted. Raises `ValueError`."""
    match = _FLOAT.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    sign, digits = match.groups()
    number = math.nan if digits == "NaN" else float("inf") if digits == "Infinity" else float(digits.rstrip("fFdD"))
    return -number if sign == "-" else number


def _decimals(text: pl.Series, target: DecimalType) -> Parsed:
    failed: list[int] = []
    values = decimals_of_text(text, target, failed.append)
    if not failed:
        return Parsed(values, None)
    return Parsed(values, pl.Series([False]).new_from_index(0, len(text)).scatter(failed, True))


def decimals_of_text(text: pl.Series, target: DecimalType, failed: Callable[[int], None]) -> pl.Series:
    """Decimals rounded half up; `failed` gets the rows that say no number or one of too many digits, which are NULL."""
    kind = pl.Decimal(target.precision, target.scale)
    plain = text.str.contains(rf"^[+-]?\d{{1,18}}(?:\.\d{{0,{target.scale}}})?$")
    usual = text.set(~plain, None).cast(kind, strict=False)
    odd = (usual.is_null() & text.is_not_null()).arg_true()
    if not len(odd):
        return usual
    step = Decimal(1).scaleb(-target.scale)
    values: list[Decimal | None] = []
    for row, item in zip(odd.to_list(), text.gather(odd).to_list(), strict=True):
        try:
            number = _EXACT.create_decimal(item.strip(" ") if item.isascii() else "")
        except InvalidOperation:
            number = Decimal("NaN")
        fits = number.is_finite() and number.adjusted() <= target.precision - target.scale
        rounded = number.quantize(step, ROUND_HALF_UP, _EXACT) if fits else number
        if fits and len(rounded.as_tuple().digits) <= target.precision:
            values.append(rounded)
        else:
            failed(row)
            values.append(None)
    return usual.scatter(odd, pl.Series(values, dtype=kind))


def _usual_dates(text: pl.Series) -> pl.Series:
    usual = text.set(~text.str.contains(r"^\d{4}-\d{2}-\d{2}$"), None)
    return usual.str.to_date("%Y-%m-%d", strict=False)


def _date(text: str) -> date:
    """`yyyy`, `yyyy-M`, `yyyy-M-d`; a time after a blank is ignored."""
    match = _DATE.fullmatch(text.strip(" ").split(" ")[0])
    if match is None:
        raise ValueError(text)
    year, month, day = match.groups()
    return date(int(year), int(month or 1), int(day or 1))


def _time(text: str, precision: int) -> time:
    """`H`, `H:m`, `H:m:s` with an optional fraction."""
    match = _TIME.fullmatch(text.strip(" "))
    if match is None:
        raise ValueError(text)
    hour, minute, second, fraction = match.groups()
    return time(int(hour), int(minute or 0), int(second or 0), _microseconds(fraction, precision))


def _microseconds(fraction: str | None, precision: int) -> int:
    return int((fraction or "")[: min(precision, 6)].ljust(6, "0"))


def _timestamps(text: pl.Series, precision: int) -> Parsed:
    usual = text.set(~text.str.contains(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:[0-5]\d(\.\d{1,6})?$"), None)
    made = usual.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    parsed = _with_odd_ones(text, made, lambda odd: timestamp(odd))
    if precision < 6:
        step = 10 ** (6 - precision)
        whole = pl.select(pl.lit(parsed.values).dt.truncate(f"{step}us")).to_series() if len(text) else parsed.values
        return Parsed(whole, parsed.failed)
    return parsed


def timestamp(text: str) -> datetime:
    """`yyyy-M-d`, then optionally a blank and `H:m:s[.fraction]`. Raises `ValueError`.

    A day past the month's end, up to the 31st, is its last one, and 24:00:00 is the next day's begin, as Java's smart
    resolver has it.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, clock = match.groups()
    if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 and int(year):
        day = str(min(int(day), calendar.monthrange(int(year), int(month))[1]))
    moment = date(int(year), int(month), int(day))
    if clock and _MIDNIGHT.fullmatch(clock) and moment < date.max:
        return datetime.combine(moment + timedelta(days=1), time())
    return datetime.combine(moment, _time(clock, 6) if clock else time())
