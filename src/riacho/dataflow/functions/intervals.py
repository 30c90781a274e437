"""Points in time moved by an interval, and their difference."""

from __future__ import annotations

import polars as pl

from riacho.plan.types import DataType, DateType, TimestampLtzType, TimestampType, TimeType, YearMonthIntervalType

_MILLISECONDS_PER_DAY = 86_400_000
_NANOSECONDS_PER_DAY = 1_000_000 * _MILLISECONDS_PER_DAY

_MOST_YEARS = 250_000
"""A calendar of days in 32 bits, and of microseconds in 64, ends at about so many."""

_MOST_MONTHS = _MOST_YEARS * 12
_MOST_MILLISECONDS = _MOST_YEARS * 365 * _MILLISECONDS_PER_DAY


def shifted(point: pl.Expr, kind: DataType, interval: pl.Expr, span: DataType, result: DataType) -> pl.Expr:
    """A point in time later by `interval` (milliseconds or months, by the type `span`)."""
    if isinstance(span, YearMonthIntervalType):
        return plus_months(point, kind, interval)
    return plus_milliseconds(point, kind, interval, result)


def plus_months(point: pl.Expr, kind: DataType, months: pl.Expr) -> pl.Expr:
    """The same day of another month, or that month's last day; a time of day does not change."""
    if isinstance(kind, TimeType):
        return pl.when(months.is_not_null()).then(point)
    return point.dt.offset_by(months_text(months))


def months_text(months: pl.Expr) -> pl.Expr:
    """As an offset; NULL, and so the moved point, beyond any calendar."""
    reachable = pl.when(months.abs() <= _MOST_MONTHS).then(months)
    return pl.concat_str(reachable.cast(pl.String), pl.lit("mo"))


def plus_milliseconds(point: pl.Expr, kind: DataType, milliseconds: pl.Expr, result: DataType) -> pl.Expr:
    match kind:
        case TimeType():
            moved = point.to_physical() + milliseconds % _MILLISECONDS_PER_DAY * 1_000_000
            return (moved % _NANOSECONDS_PER_DAY).cast(pl.Time)
        case DateType() if isinstance(result, DateType):
            return (
                (point.to_physical().cast(pl.Int64) + milliseconds.truncdiv(pl.lit(_MILLISECONDS_PER_DAY)))
                .cast(pl.Int32)
                .cast(pl.Date)
            )
        case DateType():
            point = point.cast(pl.Datetime("us"))
    reachable = pl.when(milliseconds.abs() <= _MOST_MILLISECONDS).then(milliseconds)
    return point + pl.duration(milliseconds=reachable, time_unit="us")


def milliseconds_of(point: pl.Expr, kind: DataType) -> pl.Expr:
    """Milliseconds since the epoch (since midnight for a time of day), rounded down."""
    match kind:
        case DateType():
            return point.to_physical().cast(pl.Int64) * 86_400_000
        case TimeType():
            return point.to_physical() // 1_000_000
        case TimestampType() | TimestampLtzType():
            return point.to_physical() // 1000
    raise AssertionError(f"{kind} is no point in time")
