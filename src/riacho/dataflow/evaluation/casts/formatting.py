"""Every type as text, written as Flink writes it."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.casts.lengths import fitted_text
from riacho.dataflow.evaluation.settings import Settings
from riacho.formats import java_numbers
from riacho.plan.types import (
    MAX_LENGTH,
    ArrayType,
    BooleanType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    FloatType,
    IntegerType,
    MapType,
    NullType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarcharType,
    YearMonthIntervalType,
    is_bytes,
    is_text,
)

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
"""Between these Java writes a number without an exponent."""


def to_text(value: pl.Expr, source: DataType, target: DataType, settings: Settings) -> pl.Expr:
    """A column as CHAR, VARCHAR or STRING."""
    assert isinstance(target, CharType | VarcharType)
    text = text_of(value, source, settings)
    known = source.length if isinstance(source, CharType | VarcharType) else MAX_LENGTH
    fits = target.length == MAX_LENGTH or (isinstance(target, VarcharType) and known <= target.length)
    return text if fits else fitted_text(text, target)


def text_of(value: pl.Expr, source: DataType, settings: Settings) -> pl.Expr:
    """A column as text of any length; NULL stays NULL."""
    match source:
        case BooleanType():
            return pl.when(value).then(pl.lit("TRUE")).when(~value).then(pl.lit("FALSE"))
        case IntegerType() | DecimalType():
            return value.cast(pl.String)
        case FloatType(bits=bits):
            return value.map_batches(lambda series: float_text(series, bits), return_dtype=pl.String)
        case DateType():
            return value.dt.strftime("%Y-%m-%d")
        case TimeType(precision=precision):
            return value.dt.strftime("%H:%M:%S" + _fraction(precision)).str.head(
                8 + (precision + 1 if precision else 0)
            )
        case TimestampType(precision=precision):
            return timestamp_text(value, precision)
        case TimestampLtzType(precision=precision):
            return timestamp_text(settings.zone.local(value), precision)
        case DayTimeIntervalType():
            return _day_time(value)
        case YearMonthIntervalType():
            return _year_month(value)
        case ArrayType() | MapType() | RowType():
            return _nested(value, source, settings)
        case NullType():
            return value.cast(pl.String)
    if is_bytes(source):
        return utf8(value)
    assert is_text(source), source
    return value


def _fraction(precision: int) -> str:
    return "%.6f" if precision else ""


def timestamp_text(local: pl.Expr, precision: int) -> pl.Expr:
    """`yyyy-MM-dd HH:mm:ss` and as many digits of the second as the type has."""
    match precision:
        case 0:
            return local.dt.strftime("%Y-%m-%d %H:%M:%S")
        case 3:
            return local.dt.strftime("%Y-%m-%d %H:%M:%S%.3f")
        case _:
            return local.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").str.head(20 + min(precision, 6))


def utf8(value: pl.Expr) -> pl.Expr:
    """Bytes as the text that they encode; a malformed sequence becomes U+FFFD, as in Java."""

    def decode(series: pl.Series) -> pl.Series:
        try:
            return series.cast(pl.String)
        except pl.exceptions.ComputeError:  # some sequence is malformed
            pass
        return pl.Series(
            [None if item is None else item.decode("utf-8", "replace") for item in series.to_list()], dtype=pl.String
        )

    return value.map_batches(decode, return_dtype=pl.String)


def float_text(series: pl.Series, bits: int) -> pl.Series:
    """Java's `Double.toString` or `Float.toString`: 1.0E7, Infinity, 0.001.

    >>> float_text(pl.Series([0.1, 1e7, -1e-4, float("inf")]), 64).to_list()
    ['0.1', '1.0E7', '-1.0E-4', 'Infinity']
    """
    text = series.cast(pl.String)
    size = series.abs()
    odd = ~(((size >= _PLAIN_FROM) & (size < _PLAIN_BELOW)) | (size == 0))
    if not odd.any():
        return text
    rows = odd.fill_null(value=False).arg_true()
    written = java_numbers.float_text if bits == 32 else java_numbers.double_text
    return text.scatter(rows, [written(item) for item in series.gather(rows).to_list()])


def _padded(number: pl.Expr, width: int) -> pl.Expr:
    return number.cast(pl.String).str.pad_start(width, "0")


def _day_time(milliseconds: pl.Expr) -> pl.Expr:
    """`+d HH:mm:ss.SSS`."""
    size = milliseconds.abs()
    return pl.concat_str(
        pl.when(milliseconds < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
        (size // 86_400_000).cast(pl.String),
        pl.lit(" "),
        _padded(size // 3_600_000 % 24, 2),
        pl.lit(":"),
        _padded(size // 60_000 % 60, 2),
        pl.lit(":"),
        _padded(size // 1000 % 60, 2),
        pl.lit("."),
        _padded(size % 1000, 3),
    )


def _year_month(months: pl.Expr) -> pl.Expr:
    """`+y-MM`."""
    size = months.abs()
    sign = pl.when(months < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    return pl.concat_str(sign, (size // 12).cast(pl.String), pl.lit("-"), _padded(size % 12, 2))


def _nested(value: pl.Expr, source: DataType, settings: Settings) -> pl.Expr:
    """`[a, b]`, `{k=v}` and `(a, b)`; an element that is NULL is written NULL."""
    null = pl.lit("NULL")
    match source:
        case ArrayType(element=element):
            items = value.list.eval(text_of(pl.element(), element, settings).fill_null(null))
            return pl.concat_str(pl.lit("["), items.list.join(", "), pl.lit("]"))
        case MapType(key=key, value=item):
            one = text_of(pl.element().struct.field("key"), key, settings).fill_null(null)
            other = text_of(pl.element().struct.field("value"), item, settings).fill_null(null)
            entries = value.list.eval(pl.concat_str(one, pl.lit("="), other))
            return pl.concat_str(pl.lit("{"), entries.list.join(", "), pl.lit("}"))
        case RowType(fields=fields):
            parts = [text_of(value.struct.field(part.name), part.type, settings).fill_null(null) for part in fields]
            whole = pl.concat_str(pl.lit("("), pl.concat_str(parts, separator=", "), pl.lit(")"))
            return pl.when(value.is_not_null()).then(whole)
    raise AssertionError(f"{source} is not nested")
